"""Names that are free, the parameters of a new data set and its line in the list of all."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from seqrec.add_dataset.data_sets import accepted, configured, parameter_block, with_dataset
from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import ColumnMapping, RawFileOptions
from seqrec.parameters.section_checks import check_section
from tests.add_dataset.project import OPTIONS, small_project

PACKED = RawFileOptions(
    name="a b, c.zip",
    reader="table",
    member="in: it.csv",
    separator="\t",
    columns=ColumnMapping(user="Ä: 1", item="null", timestamp=None, rating="5"),
)
PUBLISHED = RawFileOptions(name="Beauty.txt", reader="sequence_lines")


@pytest.mark.parametrize("options", [OPTIONS, PUBLISHED, PACKED])
def test_the_block_says_what_is_read(options: RawFileOptions) -> None:
    block = yaml.safe_load(parameter_block("shop", options))["shop"]
    raw: Any = check_section("raw", block["raw"])
    assert raw.files == (options,)
    assert block["filtering"] == {"user_core": 5, "item_core": 5}


def test_the_text_of_a_block() -> None:
    assert parameter_block("shop", OPTIONS) == (
        "# A log of our own: shop.csv, added by `seqrec add-dataset`.\n"
        "shop:\n"
        "  raw:\n"
        "    files:\n"
        "      - name: shop.csv\n"
        "        reader: table\n"
        "        columns: {user: who, item: what, timestamp: when}\n"
        "    note: in DVC; `dvc pull data/01_raw/shop.dvc` fetches it\n"
        "  filtering: {user_core: 5, item_core: 5}\n"
    )


def test_a_name_that_kedro_would_take_for_a_reference() -> None:
    with pytest.raises(SeqrecError, match="cannot stand in YAML; rename it"):
        parameter_block("shop", OPTIONS.model_copy(update={"name": "${a}.csv"}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("datasets:\n  - a # x\n\nb: [c]\n", "datasets:\n  - a # x\n  - shop\n\nb: [c]\n"),
        ("datasets:\n- a\n# end", "datasets:\n- a\n- shop\n# end"),
        ("datasets:\n  - a", "datasets:\n  - a\n  - shop\n"),
        ("datasets: [a, b] # c\n", "datasets: [a, b, shop] # c\n"),
        ("datasets:\n  - shop\n", "datasets:\n  - shop\n"),
    ],
)
def test_a_name_more_in_the_list_and_every_other_byte_stays(before: str, after: str) -> None:
    assert with_dataset(before, "shop", Path("globals.yml")) == after


@pytest.mark.parametrize("text", ["", "models: [a]\n", "datasets:\n", "datasets: []\n"])
def test_no_list_to_add_to(text: str) -> None:
    with pytest.raises(SeqrecError, match=r"globals.yml: no list 'datasets'"):
        with_dataset(text, "shop", Path("globals.yml"))


NO_TEXTS = ("null", "2024", "true", "on", "1e3", "1.5", "1_000", "0x1f", "0o17", "2024-01-31", "-")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *((name, "would name a folder") for name in ("a/b", "", ".hidden")),
        ("shop.dvc", "no .dvc at the end"),
        *((name, "a model or a section") for name in ("bsarec", "training", "protocol")),
        *((name, f"choose one that is text, such as log_{name}$") for name in NO_TEXTS),
        ("demo", "made by the project itself"),
        ("fetched", "take it off the list 'downloads'"),
    ],
)
def test_names_that_cannot_be(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(SeqrecError, match=message):
        configured(small_project(tmp_path), name)


def test_names_that_are_known_or_new(tmp_path: Path) -> None:
    root = small_project(tmp_path)
    raw = configured(root, "beauty")
    assert raw is not None
    assert accepted("beauty", raw, Path("elsewhere/Beauty.txt")) == raw.files[0]
    with pytest.raises(SeqrecError, match=r"accepts Beauty.txt, not shop.csv"):
        accepted("beauty", raw, Path("shop.csv"))
    for name in ("shop", "shop2024", "2024-shop", "1e3_x", "nullable"):
        assert configured(root, name) is None


def test_a_configured_name_of_digits_is_taken(tmp_path: Path) -> None:
    root = small_project(tmp_path)
    (root / "conf/base/parameters/datasets/2024.yml").write_text(
        "2024: {raw: {files: [{name: d.csv, reader: table}]}}\n"
    )
    raw = configured(root, "2024")
    assert raw is not None
    assert raw.files[0].name == "d.csv"
    listed = with_dataset("datasets: [a]\n", "2024", Path("globals.yml"))
    assert yaml.safe_load(listed) == {"datasets": ["a", "2024"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", r"training.yml cannot be read .*; mend it"), ("- a", "holds no names with values")],
)
def test_a_parameter_file_that_is_broken(tmp_path: Path, text: str, message: str) -> None:
    root = small_project(tmp_path)
    (root / "conf/base/parameters/training.yml").write_text(text)
    with pytest.raises(SeqrecError, match=message) as caught:
        configured(root, "shop")
    assert "\n" not in str(caught.value)
