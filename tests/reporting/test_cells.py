"""Cells and their ranked targets."""

import pyarrow as pa
import pytest

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.reporting.cells import grouped, ranked_targets
from tests.reporting.examples import A, ranks_table


def test_a_cell_is_named_by_its_folder() -> None:
    assert Cell.from_id("demo/bsarec/standard") == Cell("demo", "bsarec", "standard")
    assert Cell("demo", "bsarec", "standard").id == "demo/bsarec/standard"


@pytest.mark.parametrize("name", ["demo/bsarec", "demo//standard", "a/b/c/d"])
def test_other_names_are_no_cells(name: str) -> None:
    with pytest.raises(SeqrecError, match="DATASET/MODEL/PROTOCOL"):
        Cell.from_id(name)


def test_cells_are_compared_within_a_data_set_and_protocol() -> None:
    cells = [Cell("b", "x", "s"), Cell("a", "y", "s"), Cell("a", "x", "s"), Cell("a", "x", "t")]
    assert grouped(cells) == {
        ("a", "s"): [Cell("a", "x", "s"), Cell("a", "y", "s")],
        ("a", "t"): [Cell("a", "x", "t")],
        ("b", "s"): [Cell("b", "x", "s")],
    }


def test_every_seed_has_a_row_of_ranks() -> None:
    table = ranks_table({4: [1, 2, 30], 2: [5, 6, 7]}, users=[1, 2, 2], items=[9, 8, 7])
    targets = ranked_targets(A, table)
    assert targets.seeds == (2, 4)
    assert targets.users.tolist() == [1, 2, 2]
    assert targets.items.tolist() == [9, 8, 7]
    assert targets.ranks.tolist() == [[5, 6, 7], [1, 2, 30]]
    assert targets.gains("HR@5").tolist() == [[1, 0, 0], [1, 1, 0]]


def test_seeds_that_ranked_different_targets_are_refused() -> None:
    first = ranks_table({1: [1, 2]}, users=[1, 2])
    for second in (
        ranks_table({2: [1, 2]}, users=[1, 3]),
        ranks_table({2: [1, 2]}, users=[1, 2], items=[7, 8]),
        ranks_table({2: [1]}, users=[1]),
    ):
        with pytest.raises(SeqrecError, match="seeds of tiny/a/standard ranked different targets"):
            ranked_targets(A, pa.concat_tables([first, second]))


def test_a_split_without_ranks_is_refused() -> None:
    with pytest.raises(SeqrecError, match="no ranks of the valid split"):
        ranked_targets(A, ranks_table({1: [1]}, users=[1], splits=("test",)), "valid")
