"""The configured data sets: every block is typed, its readers exist, its addresses are whole."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from seqrec.parameters.raw_sections import RawOptions
from seqrec.parameters.section_checks import check_section
from seqrec.parameters.sections import SECTIONS
from seqrec.preparation.download import file_name
from seqrec.readers import READERS

FOLDER = Path(__file__).parents[1] / "conf/base/parameters/datasets"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yml"))


def block(name: str) -> dict[str, Any]:
    content = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert list(content) == [name]
    return dict(content[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_block_holds_sections_that_are_valid(name: str) -> None:
    for section, values in block(name).items():
        assert section in SECTIONS
        check_section(section, values)


@pytest.mark.parametrize("name", NAMES)
def test_a_block_names_readers_and_where_the_file_is_from(name: str) -> None:
    raw = RawOptions(**block(name)["raw"])

    assert {options.reader for options in raw.files} <= set(READERS)
    assert raw.publisher or raw.note or raw.generator
    if raw.publisher and raw.publisher.url:
        # what the publisher's address gives is a file the data set accepts
        assert file_name(raw.publisher) in {options.name for options in raw.files}
        assert raw.publisher.url.startswith("https://")


def test_the_data_sets_are_those_of_the_documentation() -> None:
    published = {"beauty", "sports", "toys", "yelp", "lastfm", "ml-1m"}
    amazon = {f"amazon-2014-{name}" for name in ("beauty", "sports", "toys")}
    small = {f"amazon-2018-{name}" for name in ("gift-cards", "all-beauty", "fashion")}
    movielens = {f"movielens-{name}" for name in ("100k", "1m", "20m", "32m", "latest-small")}
    others = {"demo", "yelp-2019", "hetrec2011-lastfm-2k", "amazon-2023-all-beauty"}
    events = {"retailrocket", "taobao", "yoochoose-clicks", "diginetica-views"}
    wide = {"gowalla", "lastfm-1k", "book-crossing", "mind-small", "goodreads-poetry", "steam"}

    assert set(NAMES) == published | amazon | small | movielens | others | events | wide
