"""Let a thread get the next pieces while the last one is still worked on."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def read_ahead(pieces: Iterator[T], count: int) -> Iterator[T]:
    """Yield what an iterator yields; another thread runs it, some pieces ahead.

    That pays where both sides leave Python's lock for most of their time, as numpy and Arrow do.

    Args:
        pieces: where they come from; an error in it is raised here, at its place.
        count: how many pieces may lie ready.
    """
    end = object()
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead")
    try:
        waiting = deque(thread.submit(next, pieces, end) for _ in range(count))
        while (piece := waiting.popleft().result()) is not end:
            waiting.append(thread.submit(next, pieces, end))
            yield piece  # type: ignore[misc]  # the end is told apart by its identity
    finally:
        thread.shutdown(cancel_futures=True)
