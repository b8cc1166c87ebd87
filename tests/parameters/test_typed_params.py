"""``--params``: what Kedro takes, and commas in quotes, patterns of dates, one line for no YAML."""

from typing import Any

import click
import pytest
from kedro.framework.cli.project import run as kedro_run

from seqrec.errors import SeqrecError
from seqrec.parameters.typed_params import typed_params

(OPTION,) = (option for option in kedro_run.params if option.name == "params")
CONTEXT = click.Context(kedro_run)


def taken(text: str) -> Any:
    assert OPTION.callback is not None
    return typed_params(OPTION.callback)(CONTEXT, OPTION, text)


@pytest.mark.parametrize(
    "text",
    [
        "dataset=beauty,seed=7",
        "a.b=1, a.c=[1] ,a.d=1e-3",
        "raw.columns.timestamp=null,x=true,y='1'",
        'a="b c",path=~/log.csv,z=',
        "a=b=c",
        "it=don't",
    ],
)
def test_kedros_own_meaning(text: str) -> None:
    assert OPTION.callback is not None
    assert taken(text) == OPTION.callback(CONTEXT, OPTION, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.f=%d/%m/%Y,b=1", {"a": {"f": "%d/%m/%Y"}, "b": 1}),
        ("a.f='%b %d, %Y',b=1", {"a": {"f": "%b %d, %Y"}, "b": 1}),
        ('a.f="%b %d, %Y"', {"a": {"f": "%b %d, %Y"}}),
        ("a=@x", {"a": "@x"}),
    ],
)
def test_patterns_and_commas(text: str, expected: dict[str, Any]) -> None:
    assert taken(text) == expected


@pytest.mark.parametrize(
    "text", ["1.10", "01234", "0x1f", "1_000", "1e3", "12:30", "00", "+1", "NO"]
)
def test_what_is_compared_with_a_log_stays_as_it_was_typed(text: str) -> None:
    assert taken(f"raw.where.a={text}") == {"raw": {"where": {"a": text}}}
    assert taken(f"raw.where.3={text},b=1") == {"raw": {"where": {"3": text}}, "b": 1}
    assert taken(f"raw.missing={text}") == {"raw": {"missing": text}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5), ("4.5", 4.5), ("true", True), ("TRUE", True), ("null", None), ("'1.10'", "1.10")],
)
def test_what_yaml_writes_alike_keeps_its_type(text: str, expected: object) -> None:
    assert taken(f"raw.where.a={text}") == {"raw": {"where": {"a": expected}}}


def test_no_yaml_is_one_line() -> None:
    with pytest.raises(SeqrecError, match=r"--params a.b: \[1 is no value of YAML; write a.b="):
        taken("a.b=[1")
