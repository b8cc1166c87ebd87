"""Requests that wait are answered as one batch.

One thread answers. While it does, others queue up, and it takes all of them next; a request that
comes alone waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, NamedTuple, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

MOST_TOGETHER = 64
"""Requests in a batch: more make all of them wait longer than they save."""
MOST_WAITING = 1024
"""Requests in the queue: a longer one is one that nobody waits for to its end."""


class Overloaded(Exception):
    """More requests wait than will be answered in any time."""


class _Waiting(NamedTuple):
    asked: object
    future: asyncio.Future[object]


class Batcher(Generic[Asked, Answered]):
    """Hands requests to a thread, several at a time.

    Args:
        answer: given a batch, returns as many answers; one that is an exception is raised where
            its request waits.
    """

    def __init__(self, answer: Callable[[list[Asked]], list[Answered | Exception]]) -> None:
        self.answer = answer
        self.queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self.thread = Thread(target=self._work, name="lists", daemon=True)
        self.thread.start()

    async def ask(self, asked: Asked) -> Answered:
        """Return the answer to a request.

        Raises:
            Overloaded: too many wait before it.
        """
        if self.queue.qsize() >= MOST_WAITING:
            raise Overloaded
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self.queue.put(_Waiting(asked, future))  # type: ignore[arg-type]
        return await future

    def close(self) -> None:
        """Answer what waits, and end the thread."""
        self.queue.put(None)
        self.thread.join()

    def _work(self) -> None:
        while (first := self.queue.get()) is not None:
            batch, last = self._with_those_behind(first)
            answers = self._answers([waiting.asked for waiting in batch])
            loop = first.future.get_loop()
            loop.call_soon_threadsafe(_hand_out, batch, answers)
            if last:
                return

    def _with_those_behind(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """Return the batch, and whether it is the last one."""
        batch = [first]
        while len(batch) < MOST_TOGETHER:
            try:
                waiting = self.queue.get_nowait()
            except Empty:
                break
            if waiting is None:
                return batch, True
            batch.append(waiting)
        return batch, False

    def _answers(self, asked: list[object]) -> list[object]:
        try:
            return list(self.answer(asked))  # type: ignore[arg-type]
        except Exception as error:  # a mistake of the program; those who wait must hear of it
            return [error] * len(asked)


def _hand_out(batch: list[_Waiting], answers: list[object]) -> None:
    for waiting, answer in zip(batch, answers, strict=True):
        if waiting.future.done():  # nobody waits any more
            continue
        if isinstance(answer, Exception):
            waiting.future.set_exception(answer)
        else:
            waiting.future.set_result(answer)
