"""All models on all data sets in one picture."""

import pandas as pd

from seqrec.reporting.glance import glance_figure


def board() -> pd.DataFrame:
    columns = ["dataset", "protocol", "model", "seeds", "targets", "metric", "value"]
    rows = [
        ("big", "standard", "a", 3, 900, "NDCG@10", 0.10),
        ("big", "standard", "b", 1, 900, "NDCG@10", 0.05),
        ("small", "standard", "a", 1, 100, "NDCG@10", 0.20),
        ("small", "authors", "b", 1, 100, "NDCG@10", 0.90),
        ("big", "standard", "b", 1, 900, "HR@10", 0.90),
    ]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(standard_error=0.002, best=[True, False, True, True, True])


def test_cells_are_shares_of_the_best_of_their_data_set() -> None:
    (heat,) = glance_figure(board()).data
    assert list(heat.x) == ["small", "big"]  # by size
    assert list(heat.y) == ["b", "a"]  # the best at the top
    assert [list(line) for line in heat.z] == [[None, 0.5], [1.0, 1.0]]


def test_a_cell_says_its_value_error_and_seeds() -> None:
    texts = {
        (note.x, note.y): note.text
        for note in glance_figure(board()).layout.annotations
        if note.y in ("a", "b")
    }
    assert set(texts) == {("big", "a"), ("big", "b"), ("small", "a")}
    assert texts["big", "a"].startswith("<b>0.1000</b> ± 0.0020")
    assert "100% · 3 seeds" in texts["big", "a"]
    assert texts["big", "b"].startswith("0.0500 ± 0.0020")
    assert "50% · 1 seed<" in texts["big", "b"]


def test_nothing_measured_is_said() -> None:
    (note,) = glance_figure(board(), "MRR@5").layout.annotations
    assert note.text == "nothing was measured at MRR@5 under protocol standard"
