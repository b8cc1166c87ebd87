"""Limits in a plain dataclass, read by pydantic."""

import math
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from seqrec.models.parts.bounds import Count, Positive, Rate, Share, Size


@dataclass(frozen=True)
class Options:
    rate: Rate = 0.0
    share: Share = 0.0
    count: Count = 0
    size: Size = 1
    step: Positive = 0.1


OPTIONS = TypeAdapter(Options)


@pytest.mark.parametrize(
    "inside",
    [{"rate": 0}, {"rate": 0.99}, {"share": 1}, {"count": 0}, {"size": 1}, {"step": 1e-9}],
)
def test_a_number_at_its_limit_is_taken(inside: dict[str, float]) -> None:
    (name,) = inside
    assert getattr(OPTIONS.validate_python(inside), name) == inside[name]


@pytest.mark.parametrize(
    ("outside", "message"),
    [
        ({"rate": 1.0}, "less than 1"),
        ({"rate": -0.1}, "greater than or equal to 0"),
        ({"rate": math.nan}, "than"),
        ({"share": 1.1}, "less than or equal to 1"),
        ({"count": -1}, "greater than or equal to 0"),
        ({"size": 0}, "greater than or equal to 1"),
        ({"size": 1.5}, "valid integer"),
        ({"size": True}, "should be a number"),
        ({"rate": False}, "should be a number"),
        ({"step": 0}, "greater than 0"),
    ],
)
def test_a_number_outside_is_refused(outside: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        OPTIONS.validate_python(outside)
