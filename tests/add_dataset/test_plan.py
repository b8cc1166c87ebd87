"""How a log would be read of which nothing is known but what the user says."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from seqrec.add_dataset.data_sets import parameter_block
from seqrec.add_dataset.plan import file_options
from seqrec.errors import SeqrecError
from seqrec.readers import read_pieces

WILD = Path(__file__).parents[1] / "readers" / "wild"


def test_columns_are_counted_where_there_is_no_header() -> None:
    options = file_options(
        WILD / "no_header.csv", {"user": "0", "item": "1", "timestamp": "4"}, {"separator": ","}
    )

    assert options.columns is not None
    assert (options.columns.user, options.columns.item, options.columns.timestamp) == (0, 1, 4)
    with pytest.raises(SeqrecError, match=r"counted from 0; add --timestamp NUMBER \(or none"):
        file_options(WILD / "no_header.csv", {"user": "0", "item": "1"}, {})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("log.csv", "user_id,item_id\nu1,a\nu1,b\n"),
        ("log.json", '{"user_id": "u1", "item_id": "a"}\n{"user_id": "u1", "item_id": "b"}\n'),
    ],
)
def test_none_alone_is_no_number_of_a_column(tmp_path: Path, name: str, text: str) -> None:
    """It is what the line says that asks for the timestamps."""
    (tmp_path / name).write_text(text)

    with pytest.raises(SeqrecError, match=r"--timestamp none: the rows stand in order"):
        file_options(tmp_path / name, {}, {})
    options = file_options(tmp_path / name, {"timestamp": "none"}, {})

    assert options.columns is not None
    assert options.columns.model_dump(include={"user", "item", "timestamp"}) == {
        "user": "user_id",
        "item": "item_id",
        "timestamp": None,
    }


ROW = "u1;a;1500000000"


@pytest.mark.parametrize("above", ["sep=;\n", "\n\n", ' \n"sep=;"\n\n'])
@pytest.mark.parametrize("form", [{}, {"separator": ";"}, {"reader": "table"}])
def test_what_may_stand_above_the_header(tmp_path: Path, above: str, form: dict[str, str]) -> None:
    """A log that a run reads is one that can be added."""
    path = tmp_path / "log.csv"
    path.write_text(f"{above}user_id;item_id;timestamp\n{ROW}\n")

    options = file_options(path, {}, form)

    assert options.columns is not None
    assert (options.columns.user, options.columns.timestamp) == ("user_id", "timestamp")
    (piece,) = read_pieces(path, options)
    assert piece.interactions["item_id"].to_pylist() == ["a"]


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        ("atomic", "user_id:token\titem_id:token\ttimestamp:float\nu1\ta\t1500000000\n"),
        ("lastfm_timestamps", "userID\tartistID\ttagID\ttimestamp\nu1\ta\t1\t1500000000000\n"),
        ("amazon_2014_ratings", "u1,a,5.0,1500000000\n"),
        ("movielens_u_data", "u1\ta\t5\t1500000000\n"),
        ("json_lines", '{"user_id": "u1", "item_id": "a", "timestamp": 1500000000}\n'),
    ],
)
def test_a_reader_that_is_found_below_blank_lines_reads_the_log(
    tmp_path: Path, reader: str, text: str
) -> None:
    path = tmp_path / "log"
    path.write_text(f"\n\n{text}")

    options = file_options(path, {}, {})

    assert options.reader == reader
    (piece,) = read_pieces(path, options)
    assert piece.interactions["item_id"].to_pylist() == ["a"]
    assert piece.interactions["source_row"].to_pylist() == [2 + text.count("\n")]
    assert piece.blank_lines == 2


@pytest.mark.parametrize("reader", ["table", "json_lines"])
def test_numbers_are_names_where_columns_have_names(tmp_path: Path, reader: str) -> None:
    """As pandas writes a frame whose columns nobody named."""
    path = tmp_path / "log"
    frame = pd.DataFrame({"0": ["u1"], "1": ["a"], "2": [1_500_000_000]})
    frame.to_parquet(path) if reader == "table" else frame.to_json(
        path, orient="records", lines=True
    )

    options = file_options(path, {"user": "0", "item": "1", "timestamp": "2"}, {"reader": reader})

    assert options.columns is not None
    assert (options.columns.user, options.columns.timestamp) == ("0", "2")
    (piece,) = read_pieces(path, options)
    assert piece.interactions["item_id"].to_pylist() == ["a"]
    block = yaml.safe_load(parameter_block("shop", options))["shop"]["raw"]["files"][0]
    assert block["columns"] == {"user": "0", "item": "1", "timestamp": "2"}


def test_sessions_stand_for_users_that_are_mostly_missing() -> None:
    options = file_options(WILD / "views_of_sessions.csv", {}, {})

    assert options.columns is not None
    assert (options.columns.user, options.columns.item) == ("sessionId", "itemId")
