import ibis
import pyarrow as pa

from seqrec.sequence_lines import to_sequence_lines


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
