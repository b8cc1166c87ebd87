"""Requests that wait become one batch."""

import asyncio
import threading
from threading import Event

import pytest

from seqrec.service import batcher
from seqrec.service.batcher import Batcher, Overloaded


class Answering:
    """Doubles numbers, holds the first batch until told otherwise, and remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go_on = Event()

    def __call__(self, asked: list[int]) -> list[int | Exception]:
        self.batches.append(asked)
        if len(self.batches) == 1:
            assert self.go_on.wait(10)
        return [ValueError(f"no {number}") if number < 0 else 2 * number for number in asked]


async def asked(numbers: list[int], answering: Answering) -> list[object]:
    """Ask for the first number; once it is worked on, for the others."""
    working = Batcher(answering, abs)
    first = asyncio.create_task(working.ask(numbers[0]))
    while not answering.batches:
        await asyncio.sleep(0)
    others = [asyncio.create_task(working.ask(number)) for number in numbers[1:]]
    await asyncio.sleep(0)
    answering.go_on.set()
    answers = await asyncio.gather(first, *others, return_exceptions=True)
    await working.close(10)
    assert not working.thread.is_alive()
    return list(answers)


def test_one_alone_does_not_wait_and_those_behind_it_are_one_batch() -> None:
    answering = Answering()
    assert asyncio.run(asked([1, 2, 3, 4], answering)) == [2, 4, 6, 8]
    assert answering.batches == [[1], [2, 3, 4]]


def test_a_batch_is_cut_where_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batcher, "MOST_TOGETHER", 2)
    answering = Answering()
    assert asyncio.run(asked([1, 2, 3, 4, 5, 6], answering)) == [2, 4, 6, 8, 10, 12]
    assert answering.batches == [[1], [2, 3], [4, 5], [6]]


def test_an_error_is_that_of_its_own_request() -> None:
    answers = asyncio.run(asked([1, -2, 3], Answering()))
    assert (answers[0], str(answers[1]), answers[2]) == (2, "no -2", 6)


def test_a_mistake_reaches_all_who_wait_and_the_thread_goes_on() -> None:
    def answer(asked: list[int]) -> list[int | Exception]:
        return [1 // number for number in asked]

    async def one_after_the_other() -> list[object]:
        working = Batcher(answer, abs)
        answers = [
            (await asyncio.gather(working.ask(number), return_exceptions=True))[0]
            for number in (0, 1)
        ]
        await working.close(10)
        return list(answers)

    mistake, after = asyncio.run(one_after_the_other())
    assert isinstance(mistake, ZeroDivisionError)
    assert after == 1


def test_too_long_a_queue_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batcher, "MOST_WAITING", 2)
    answers = asyncio.run(asked([1, 2, 3, 4, 5], Answering()))
    assert [isinstance(answer, Overloaded) for answer in answers] == [False] * 3 + [True] * 2


def test_a_batch_of_several_is_cut_where_it_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batcher, "LARGEST", 5)
    answering = Answering()
    assert asyncio.run(asked([1, 2, 3, 4, 9, 1], answering)) == [2, 4, 6, 8, 18, 2]
    assert answering.batches == [[1], [2, 3], [4], [9], [1]]


def test_too_large_a_queue_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batcher, "LARGEST_WAITING", 5)
    answers = asyncio.run(asked([9, 2, 3, 4], Answering()))
    assert answers[:3] == [18, 4, 6]  # the first waits no more
    assert isinstance(answers[3], Overloaded)


def test_nobody_works_for_who_waits_no_more() -> None:
    answering = Answering()

    async def one_goes() -> list[object]:
        working = Batcher(answering, abs)
        tasks = [asyncio.create_task(working.ask(1))]
        while not answering.batches:
            await asyncio.sleep(0)
        tasks += [asyncio.create_task(working.ask(number)) for number in (2, 3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        answering.go_on.set()
        answers = [await tasks[0], await tasks[2]]
        await working.close(10)
        return list(answers)

    assert asyncio.run(one_goes()) == [2, 6]
    assert answering.batches == [[1], [3]]


def test_the_end_waits_for_a_batch_only_so_long_and_the_loop_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mistakes: list[object] = []
    monkeypatch.setattr(threading, "excepthook", mistakes.append)
    answering = Answering()

    async def ended() -> tuple[Batcher[int, int], bool]:
        working: Batcher[int, int] = Batcher(answering, abs)
        waits = asyncio.create_task(working.ask(1))
        while not answering.batches:
            await asyncio.sleep(0)
        closing = asyncio.create_task(working.close(0.2))
        await asyncio.sleep(0.01)
        went_on = not closing.done()
        await closing
        waits.cancel()
        return working, went_on

    working, went_on = asyncio.run(ended())
    assert went_on
    assert working.thread.is_alive()
    answering.go_on.set()  # its loop is closed by now
    working.thread.join(10)
    assert not working.thread.is_alive()
    assert mistakes == []
