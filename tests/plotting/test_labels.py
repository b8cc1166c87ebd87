"""Where the labels of dots stand."""

from hypothesis import given
from hypothesis import strategies as st

from seqrec.plotting.labels import POSITIONS, label_positions


def test_labels_avoid_one_another() -> None:
    """The second dot lies where the first one's label would be: it goes above, say."""
    chosen = label_positions([(50, 50), (75, 50)], ["first", "second"], 200, 100)
    assert chosen == ["top center", "middle right"]


@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0, 300)), max_size=8))
def test_every_dot_has_a_label(points: list[tuple[float, float]]) -> None:
    chosen = label_positions(points, ["model"] * len(points), 300, 300)
    assert len(chosen) == len(points)
    assert set(chosen) <= set(POSITIONS)
