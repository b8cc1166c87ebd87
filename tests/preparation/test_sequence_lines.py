import ibis
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec.preparation import sequence_lines
from seqrec.preparation.sequence_lines import to_sequence_lines


def sequences(users: list[int], positions: list[int], items: list[int]) -> ibis.Table:
    columns = {"user_index": users, "position": positions, "item_index": items}
    return ibis.memtable(
        pa.table({name: pa.array(values, pa.int32()) for name, values in columns.items()})
    )


def test_one_user_a_line_oldest_first() -> None:
    table = sequences([2, 1, 1, 2, 1], [0, 1, 0, 1, 2], [10, 7, 12101, 7, 7])
    assert to_sequence_lines(table) == "1 12101 7 7\n2 10 7\n"


def test_one_interaction() -> None:
    assert to_sequence_lines(sequences([1], [0], [1])) == "1 1\n"


def test_nobody() -> None:
    assert to_sequence_lines(sequences([], [], [])) == ""


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=6),
    rows=st.integers(1, 8),
    data=st.data(),
)
def test_the_size_of_the_chunks_does_not_matter(
    lengths: list[int], rows: int, data: st.DataObject
) -> None:
    users = [user for user, length in enumerate(lengths, 1) for _ in range(length)]
    items = [data.draw(st.integers(1, 10**9)) for _ in users]
    table = pa.table({"user_index": users, "item_index": items})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequence_lines, "CHUNK_ROWS", rows)
        chunks = list(sequence_lines.chunks_of_users(table))

    text = "".join(sequence_lines.lines_of(chunk) for chunk in chunks)
    of = {user: [str(i) for u, i in zip(users, items, strict=True) if u == user] for user in users}
    assert text == "".join(f"{user} {' '.join(words)}\n" for user, words in of.items())
    assert all(len(chunk) < rows + max(lengths) for chunk in chunks)
