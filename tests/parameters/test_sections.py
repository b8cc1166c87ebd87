"""The typed sections and the lines that explain what is wrong with a value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError, model_validator
from pydantic.dataclasses import dataclass

from seqrec.errors import SeqrecError, explain
from seqrec.parameters.section_checks import check_section
from seqrec.parameters.sections import EvaluationOptions, merged

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
        if value is None and isinstance(first.get(key), dict):
            assert both[key] == first[key]
        elif not isinstance(value, dict):
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
            "parameter engine.memory_limit: should be a size such as 4GB or 512MB (got 'much')",
        ),
        (
            "engine",
            {"memory_limit": "50%"},
            "parameter engine.memory_limit: should be a size such as 4GB or 512MB (got '50%')",
        ),
        (
            "filtering",
            {"start": True},
            "parameter filtering.start: should be an ISO date such as 2019-12-31 or a whole number"
            " (got True)",
        ),
        (
            "filtering",
            {"end": [2019]},
            "parameter filtering.end: should be an ISO date such as 2019-12-31 or a whole number",
        ),
        (
            "filtering",
            {"end": 2**63},
            "parameter filtering.end: should lie between -2**63 and 2**63 - 1"
            " (got 9223372036854775808)",
        ),
        (
            "filtering",
            {"min_rating": False},
            "parameter filtering.min_rating: should be a number (got False)",
        ),
        (
            "splitting",
            {"strategy": "ratio", "test_share": 0},
            "parameter splitting.test_share: should be greater than 0 where"
            " splitting.strategy=ratio (got 0)",
        ),
        (
            "splitting",
            {"strategy": "temporal", "valid_share": 0.0},
            "parameter splitting.valid_share: should be greater than 0 where"
            " splitting.strategy=temporal (got 0.0)",
        ),
        (
            "evaluation",
            {"cutoffs": "5;ten"},
            "parameter evaluation.cutoffs.1: input should be a valid integer,"
            " unable to parse string as an integer (got 'ten')",
        ),
        (
            "evaluation",
            {"cutoffs": True},
            "parameter evaluation.cutoffs.0: should be a number (got True)",
        ),
        (
            "evaluation",
            {"cutoffs": " "},
            "parameter evaluation.cutoffs: tuple should have at least 1 item after validation,"
            " not 0",
        ),
    ],
)
def test_a_wrong_value_is_explained_in_one_line(
    section: str, values: dict[str, object], line: str
) -> None:
    with pytest.raises(SeqrecError) as error:
        check_section(section, values)
    assert str(error.value) == line


@dataclass
class Heads:
    """As the configuration of a model: a dataclass with a check of two values together."""

    dim: int
    num_heads: int

    @model_validator(mode="after")
    def _dim_is_shared_evenly(self) -> "Heads":
        if self.dim % self.num_heads:
            raise ValueError("dim should be a multiple of num_heads")
        return self


def test_a_check_of_values_together_shows_no_insides() -> None:
    with pytest.raises(ValidationError) as error:
        Heads(dim=5, num_heads=2)
    line = "parameter model_options: dim should be a multiple of num_heads"
    assert str(explain(error.value, "model_options", ["dim", "num_heads"])) == line


@pytest.mark.parametrize("limit", ["4GB", "512MB", "1.5 GiB"])
def test_memory_limits_that_the_engine_takes(limit: str) -> None:
    check_section("engine", {"memory_limit": limit})


@pytest.mark.parametrize("given", ["10;1;5", "5 10 1 5", "1, 5, 10", [10, 5, 1, 5]])
def test_cutoffs_are_a_list_or_a_text_that_no_comma_splits(given: object) -> None:
    options = check_section("evaluation", {"cutoffs": given})
    assert isinstance(options, EvaluationOptions)
    assert options.cutoffs == (1, 5, 10)


def test_one_cutoff_is_a_number() -> None:
    assert check_section("evaluation", {"cutoffs": 20}).model_dump()["cutoffs"] == (20,)


def test_an_instant_is_a_date_or_a_whole_number() -> None:
    options = check_section("filtering", {"start": 1.5e9, "end": "2019-12-31"}).model_dump()
    assert (options["start"], options["end"]) == (1_500_000_000, "2019-12-31")


def test_a_share_that_is_not_used_may_be_zero() -> None:
    check_section("splitting", {"strategy": "leave_one_out", "valid_share": 0})
