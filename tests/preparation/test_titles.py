"""The table of titles, from the side file to the items it names."""

import logging
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawOptions
from seqrec.preparation.sequences import with_titles
from seqrec.preparation.titles import TITLES, read_titles

LOG = ({"name": "log.csv", "reader": "table"},)
ALTERNATIVES = ({"name": "a.csv"}, {"name": "b.csv"})


def raw(*titles: dict[str, str]) -> RawOptions:
    return RawOptions.model_validate({"files": LOG, "titles": titles})


def test_an_id_stands_once_and_what_is_dropped_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "b.csv").write_text("item_id,title\n1,One\n2,\n1,Once more\n3,Three\n")
    with caplog.at_level(logging.INFO):
        titles = read_titles(raw(*ALTERNATIVES), tmp_path)

    assert titles.schema.equals(TITLES)
    assert titles.to_pydict() == {"item_id": ["1", "3"], "title": ["One", "Three"]}
    assert caplog.messages == [
        "2 titles in b.csv, 1 row dropped as broken or without an id or a title, 1 for an id again"
    ]


def test_a_data_set_without_titles_has_an_empty_table(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert read_titles(raw(), tmp_path).equals(TITLES.empty_table())
    assert caplog.messages == []
    assert read_titles(raw(*ALTERNATIVES), tmp_path).equals(TITLES.empty_table())
    assert caplog.messages == [f"no a.csv or b.csv in {tmp_path}: the items have no titles"]


def test_the_only_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SeqrecError) as caught:
        read_titles(raw({"name": "a.csv"}), tmp_path)
    assert str(caught.value) == (
        f"raw.titles: no a.csv in {tmp_path}; put it there or leave raw.titles out"
    )


def test_a_file_without_titles_is_the_wrong_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("item_id,title\n1,\n")
    with pytest.raises(SeqrecError, match=r"a\.csv holds no titles in 1 row"):
        read_titles(raw({"name": "a.csv"}), tmp_path)


def test_items_keep_their_order_and_some_stay_without() -> None:
    items = ibis.memtable({"item_index": [1, 2, 3], "item_id": ["c", "a", "b"]})
    titles = pa.table([["b", "c", "z"], ["B", "C", "Z"]], schema=TITLES)

    assert with_titles(items, titles).to_pyarrow().to_pydict() == {
        "item_index": [1, 2, 3],
        "item_id": ["c", "a", "b"],
        "title": ["C", None, "B"],
    }
    assert with_titles(items, TITLES.empty_table()) is items
