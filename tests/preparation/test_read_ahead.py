import threading
from collections.abc import Iterator

import pytest

from seqrec.preparation.read_ahead import read_ahead


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("length", [0, 1, 2, 7])
def test_every_piece_once_in_order(length: int, count: int) -> None:
    assert list(read_ahead(iter(range(length)), count)) == list(range(length))


def test_so_many_pieces_lie_ready_and_no_more() -> None:
    numbers: list[int] = []
    third = threading.Event()

    def pieces() -> Iterator[int]:
        for number in range(10):
            numbers.append(number)
            if number == 2:
                third.set()
            yield number

    ahead = read_ahead(pieces(), 2)
    assert next(ahead) == 0
    assert third.wait(timeout=10)  # though nobody asked for it yet
    ahead.close()  # type: ignore[attr-defined]  # a generator
    assert numbers == [0, 1, 2]


def test_an_error_comes_at_its_place() -> None:
    def pieces() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("broken")

    ahead = read_ahead(pieces(), 4)
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(ValueError, match="broken"):
        next(ahead)


def test_no_thread_is_left_when_the_reader_of_the_pieces_stops() -> None:
    before = threading.active_count()
    for _ in read_ahead(iter(range(100)), 3):
        break
    assert threading.active_count() == before
