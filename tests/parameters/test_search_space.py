"""Ranges, values and names as a user writes them."""

import pytest

from seqrec.errors import SeqrecError
from seqrec.models.parts.search_range import SearchRange
from seqrec.parameters.search_space import flat, nested, space_of, sweep_of
from seqrec.parameters.section_checks import check_section
from seqrec.parameters.selection import select_parameters


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ([1, 3, 5], (1, 3, 5)),
        ("0.1;0.5", (0.1, 0.5)),
        ("bce; gbce", ("bce", "gbce")),
        (0.3, (0.3,)),
        ([None, 10, 10], (None, 10)),
        ({"low": 1, "high": 8}, SearchRange(1, 8)),
        (None, None),
        ({"low": 1e-4, "high": 1.0, "log": True}, SearchRange(1e-4, 1.0, log=True)),
    ],
)
def test_a_space_is_a_range_or_values(written: object, meant: object) -> None:
    assert space_of(written) == meant


def test_a_range_of_whole_numbers_holds_whole_numbers() -> None:
    assert SearchRange(1, 8).whole
    assert not SearchRange(1, 8.0).whole


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([], "a range, a list of values, or a text"),
        ([[1]], "a range, a list of values, or a text"),
        ("", "a range, a list of values, or a text"),
        ([1, "two"], "numbers or texts, not both"),
        ({"low": 1}, "a range is written"),
        ({"low": 1, "high": 2, "lgo": True}, "a range is written"),
        ({"low": 2, "high": 1}, "low 2 of a range should lie below its high 1"),
        ({"low": 0, "high": 1, "log": True}, "should be greater than 0"),
        ({"low": "a", "high": 1}, "should be numbers"),
        ({"low": True, "high": 2}, "should be numbers"),
    ],
)
def test_what_is_no_space_is_explained(written: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        space_of(written)


def test_a_sweep_is_numbers_in_order() -> None:
    assert sweep_of([0.5, 0, 0.5, 0.1]) == (0, 0.1, 0.5)
    assert sweep_of("8;1;3") == (1, 3, 8)
    assert sweep_of(None) is None
    with pytest.raises(ValueError, match="a list of numbers"):
        sweep_of(["a"])
    with pytest.raises(ValueError, match="a list of numbers"):
        sweep_of([True, 2])


def test_names_with_and_without_their_section() -> None:
    groups = {"model_options": {"alpha": 1, "c": 2}, "ted": {"tau": 3}}
    names = {"model_options.alpha": 1, "model_options.c": 2, "ted.tau": 3}
    assert flat(groups) == names
    assert nested(names) == groups


@pytest.mark.parametrize(
    ("spaces", "line"),
    [
        ({"bsrec": {}}, "tuning.spaces: unknown model 'bsrec'; did you mean 'bsarec'?"),
        ({"bsarec": {"model_option": {}}}, "did you mean 'model_options'?"),
        (
            {"bsarec": {"training": {"learning_rat": [1]}}},
            "'training.learning_rat' of a search; did you mean 'training.learning_rate'?",
        ),
        ({"bsarec": {"training": {"monitor": ["HR@10"]}}}, "'training.monitor' of a search"),
        ({"mqsa_ted": {"ted": {"time_span": [1, 2]}}}, "'ted.time_span' of a search"),
        (
            {"bsarec": {"model_options": {"alpha": {"low": 1, "high": 0}}}},
            "parameter tuning.spaces.bsarec.model_options.alpha: low 1 of a range",
        ),
    ],
)
def test_a_wrong_name_is_one_line_with_the_nearest(spaces: dict[str, object], line: str) -> None:
    defaults = {"dataset": "log", "model": "bsarec", "protocol": "standard", "seeds": [1]}
    log = {"raw": {"files": [{"name": "log.csv", "reader": "table"}]}}
    with pytest.raises(SeqrecError) as error:
        select_parameters({"log": log, "tuning": {"spaces": spaces}}, {}, defaults)
    assert line in str(error.value)


def test_a_section_survives_being_written_down() -> None:
    options = {"c": [1, 3], "alpha": {"low": 0.0, "high": 1}, "max_len": {"low": 5, "high": 9}}
    section = check_section("tuning", {"spaces": {"bsarec": {"model_options": options}}})
    again = check_section("tuning", section.model_dump(mode="json"))
    assert again == section
    ranges = again.model_dump()["spaces"]["bsarec"]["model_options"]
    assert [isinstance(ranges[name]["low"], int) for name in ("alpha", "max_len")] == [False, True]
    assert section.model_dump()["spaces"]["bsarec"]["model_options"]["c"] == (1, 3)
    sweeps = {"sweeps": {"bsarec": {"model_options": {"c": [3, 1]}}}}
    dumped = check_section("sensitivity", sweeps).model_dump(mode="json")
    assert dumped == {"sweeps": {"bsarec": {"model_options": {"c": [1, 3]}}}}
    assert isinstance(dumped["sweeps"]["bsarec"]["model_options"]["c"][0], int)
