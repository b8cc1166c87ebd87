"""The typed sections and the lines that explain what is wrong with a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqrec.configuration import check_section, merged
from seqrec.errors import SeqrecError

LEAVES = st.integers(0, 3) | st.none()
BLOCKS = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(LEAVES, lambda inner: st.dictionaries(st.sampled_from("abc"), inner)),
)


def test_later_blocks_lie_over_earlier_ones_key_by_key() -> None:
    low = {"training": {"batch_size": 256, "patience": 10}, "seed": 1}
    high = {"training": {"patience": 3}, "seed": 2}
    assert merged(low, None, high) == {"training": {"batch_size": 256, "patience": 3}, "seed": 2}
    assert low == {"training": {"batch_size": 256, "patience": 10}, "seed": 1}


@given(BLOCKS, BLOCKS)
def test_the_last_block_decides_and_no_key_is_lost(
    first: dict[str, object], second: dict[str, object]
) -> None:
    both = merged(first, second)
    assert both.keys() == first.keys() | second.keys()
    assert merged(both, second) == both
    for key, value in second.items():
        if not isinstance(value, dict):
            assert both[key] == value


@pytest.mark.parametrize(
    ("section", "values", "line"),
    [
        (
            "training",
            {"batchsize": 3},
            "unknown parameter 'training.batchsize'; did you mean 'training.batch_size'?",
        ),
        (
            "raw",
            {"files": [{"name": "a.csv", "reader": "table", "columns": {"usr": "u"}}]},
            "unknown parameter 'raw.files.0.columns.usr'; did you mean 'raw.files.0.columns.user'?",
        ),
        (
            "training",
            {"max_epochs": 0},
            "parameter training.max_epochs: input should be greater than or equal to 1 (got 0)",
        ),
        (
            "splitting",
            {"strategy": "ratio", "valid_share": 0.6, "test_share": 0.6},
            "parameter splitting: valid_share + test_share must be below 1",
        ),
        (
            "engine",
            {"memory_limit": "much"},
            "parameter engine: memory_limit 'much' should be a size such as 4GB",
        ),
    ],
)
def test_a_wrong_value_is_explained_in_one_line(
    section: str, values: dict[str, object], line: str
) -> None:
    with pytest.raises(SeqrecError) as error:
        check_section(section, values)
    assert str(error.value) == line


@pytest.mark.parametrize("limit", ["4GB", "512MB", "1.5 GiB", "80%"])
def test_memory_limits_that_the_engine_takes(limit: str) -> None:
    check_section("engine", {"memory_limit": limit})
