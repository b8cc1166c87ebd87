"""Requests that wait are answered as one batch.

One thread answers. While it does, others queue up, and it takes all of them next; a request that
comes alone waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from typing import Generic, NamedTuple, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

MOST_TOGETHER = 64
"""Requests in a batch: more make all of them wait longer than they save."""
LARGEST = 20_000
"""The size of a batch of several requests: others wait until all of it is answered."""
MOST_WAITING = 1024
"""Requests in the queue: a longer one is one that nobody waits for to its end."""
LARGEST_WAITING = 1_000_000
"""The size from which the queue takes no more."""


class Overloaded(Exception):
    """More requests wait than will be answered in any time."""


class _Waiting(NamedTuple):
    asked: object
    size: int
    future: asyncio.Future[object]


class Batcher(Generic[Asked, Answered]):
    """Hands requests to a thread, several at a time.

    Args:
        answer: given a batch, returns as many answers; one that is an exception is raised where
            its request waits.
        size: of a request; a batch of several is no larger than ``LARGEST``.
    """

    def __init__(
        self,
        answer: Callable[[list[Asked]], list[Answered | Exception]],
        size: Callable[[Asked], int],
    ) -> None:
        self.answer, self.size = answer, size
        self.queue: deque[_Waiting] = deque()
        self.waiting = 0
        """The size of all in the queue."""
        self.is_closed = False
        self.changed = Condition()
        self.thread = Thread(target=self._work, name="lists", daemon=True)
        self.thread.start()

    async def ask(self, asked: Asked) -> Answered:
        """Return the answer to a request.

        Raises:
            Overloaded: too many wait before it.
        """
        if len(self.queue) >= MOST_WAITING or self.waiting >= LARGEST_WAITING:
            raise Overloaded
        future: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(asked, self.size(asked), future)  # type: ignore[arg-type]
        with self.changed:
            self.queue.append(waiting)
            self.waiting += waiting.size
            self.changed.notify()
        return await future

    async def close(self, seconds: float) -> None:
        """Let the thread answer what waits and end, and wait for that, but not for longer."""
        with self.changed:
            self.is_closed = True
            self.changed.notify()
        await asyncio.to_thread(self.thread.join, seconds)

    def _work(self) -> None:
        while batch := self._next():
            wanted = [waiting for waiting in batch if not waiting.future.done()]
            if not wanted:
                continue
            answers = self._answers([waiting.asked for waiting in wanted])
            with suppress(RuntimeError):  # the loop has ended, and who waited with it
                loop = wanted[0].future.get_loop()
                loop.call_soon_threadsafe(_hand_out, wanted, answers)

    def _next(self) -> list[_Waiting]:
        """Return the next batch once there is one; none comes after the end."""
        batch: list[_Waiting] = []
        size = 0
        with self.changed:
            self.changed.wait_for(lambda: self.queue or self.is_closed)
            while self.queue and len(batch) < MOST_TOGETHER:
                size += self.queue[0].size
                if batch and size > LARGEST:
                    break
                batch.append(self.queue.popleft())
            self.waiting -= sum(waiting.size for waiting in batch)
        return batch

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
