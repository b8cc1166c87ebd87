"""Keywords find their sections."""

from typing import Any

import pytest

from seqrec.errors import SeqrecError
from seqrec.notebook.options import by_section

SECTIONS = {"model_options": ["dim", "tau"], "training": ["device"], "ted": ["weight", "tau"]}


def sorted_out(**options: Any) -> dict[str, dict[str, Any]]:
    found = by_section("train", SECTIONS, options)
    return {section: values for section, values in found.items() if values}


def test_a_name_goes_to_the_first_section_that_has_it() -> None:
    assert sorted_out(dim=8, tau=0.5, weight=0.1) == {
        "model_options": {"dim": 8, "tau": 0.5},
        "ted": {"weight": 0.1},
    }


def test_a_section_can_be_given_whole() -> None:
    assert sorted_out(tau=0.5, ted={"tau": 0.2}, weight=0.1) == {
        "model_options": {"tau": 0.5},
        "ted": {"tau": 0.2, "weight": 0.1},
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wieght": 0.1}, "unknown option 'wieght' of train; did you mean 'weight'?"),
        ({"ted": 0.1}, "option ted: should be a dict"),
        ({"dim": 8, "model_options": {"dim": 9}}, "option dim is given twice, once in model_opt"),
    ],
)
def test_what_cannot_be_is_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SeqrecError) as raised:
        sorted_out(**options)
    assert str(raised.value).startswith(message)
