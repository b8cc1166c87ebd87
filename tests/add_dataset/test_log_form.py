"""The form of a raw log: the reader for it and the columns to choose from."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqrec.add_dataset.column_guesses import Sample
from seqrec.add_dataset.log_form import find_form
from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.headers import HeaderNames, guess_separator, split_header


def form(
    path: Path, reader: str | None = None, separator: str | None = None
) -> tuple[RawFileOptions, Sample]:
    return find_form(path, reader, None, separator)


def written(folder: Path, text: str, name: str = "log.txt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "reader"),
    [
        ("user,item,day\n1,2,2024-01-01\n", "table"),
        ("user\titem\n1\t2\n", "table"),
        ("1 1 2 3 4\n2 5 6 7\n", "sequence_lines"),
        ("196\t242\t3\t881250949\n186\t302\t3\t891717742\n", "movielens_u_data"),
        ("1::1193::5::978300760\n1::661::3::978302109\n", "movielens_ratings_dat"),
        ("user::x,item,day\n1,2,2024-01-01\n", "table"),
        ("A1YJEY40YUW4SE,7806397051,1.0,1391040000\n", "amazon_2014_ratings"),
        ("7806397051,A1YJEY40YUW4SE,1.0,1391040000\n", "amazon_2018_ratings"),
        ("userID\tartistID\ttagID\tday\tmonth\tyear\n", "lastfm_dates"),
        ("userID\tartistID\ttagID\ttimestamp\n", "lastfm_timestamps"),
        ("user_id:token\titem_id:token\ttimestamp:float\n1\t2\t3\n", "atomic"),
        ('{"reviewerID": "A", "asin": "B", "unixReviewTime": 1}\n', "amazon_reviews"),
        ('{"user_id": "A", "business_id": "B", "date": "2019-01-01"}\n', "yelp_reviews"),
    ],
)
def test_the_first_lines_tell_the_reader(tmp_path: Path, text: str, reader: str) -> None:
    assert form(written(tmp_path, text))[0].reader == reader


def test_the_columns_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(b'user;"item";day\n1;"a;b";x\nbroken\n2;c;y\n'))
    sample = {"user": ["1", "2"], "item": ["a;b", "c"], "day": ["x", "y"]}
    assert form(path)[1] == sample


def test_the_columns_of_parquet(tmp_path: Path) -> None:
    times = pa.array([1_700_000_000_000_000_001, None], pa.timestamp("ns"))
    pq.write_table(pa.table({"u": [1, 2], "t": times}), tmp_path / "log")
    options, sample = form(tmp_path / "log")
    assert options.reader == "table"
    assert sample == {"u": ["1", "2"], "t": ["2023-11-14 22:13:20.000000001", ""]}


def test_atomic_columns_have_no_types(tmp_path: Path) -> None:
    _, sample = form(written(tmp_path, "a:token\tb:token_seq\n1\t2\n"))
    assert sample == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize("header", ["u,i,t", "u;i;a,b", "u|i;x|y", "u\ti"])
def test_the_reader_sees_the_columns_that_were_seen_here(tmp_path: Path, header: str) -> None:
    path = written(tmp_path, f"{header}\n")
    separator = guess_separator(path, header, HeaderNames("u", "i", None))
    assert list(form(path)[1]) == split_header(header, separator)


def test_a_separator_of_the_user(tmp_path: Path) -> None:
    options, sample = form(written(tmp_path, "u:i\n1:2\n"), separator=":")
    assert sample == {"u": ["1"], "i": ["2"]}
    assert options.separator == ":"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("u1,i1,2024-01-01\n", "first line is no header line; count the columns from 0, --user 0"),
        ("1,2,3\n", "first line is no header line"),
        ("1,2,1391040000,5\n", "first line is no header line"),
        ("user item\n", "no known separator in the header; name it by --separator"),
    ],
)
def test_what_no_reader_takes(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SeqrecError, match=r"log.txt") as caught:
        form(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00"
PICKLE = b"\x80\x04\x95\n\x8c\x07user,id\x94."
SQLITE = b"SQLite format 3\x00\x10\x00\x01\x01\x00\n"


NO_TEXT = "no text and no format that is read here; save it as CSV or Parquet"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (PNG, "a picture; is it the right file?"),
        (PICKLE, NO_TEXT),
        (SQLITE, "a SQLite database; export the table as CSV"),
        (b"us\x01er,it\x1bem\n1,2\n", NO_TEXT),
    ],
)
@pytest.mark.parametrize("reader", [None, "table"])
def test_what_is_no_text(tmp_path: Path, data: bytes, what: str, reader: str | None) -> None:
    for path, content in ((tmp_path / "log", data), (tmp_path / "log.gz", gzip.compress(data))):
        path.write_bytes(content)
        with pytest.raises(SeqrecError) as caught:
            form(path, reader)
        assert str(caught.value) == f"{path} is {what if path.suffix != '.gz' else NO_TEXT}"


def test_a_header_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes("ä,b\n".encode("latin-1"))
    with pytest.raises(SeqrecError, match="the header is not UTF-8 text; save the file as UTF-8"):
        form(tmp_path / "log")


def test_a_control_character_is_no_obstacle(tmp_path: Path) -> None:
    """As the separator, as the flaw of a title, or beside bytes that are not UTF-8."""
    separated = written(tmp_path, "u\x01i\n1\x012\n")
    assert form(separated, separator="\x01")[1] == {"u": ["1"], "i": ["2"]}
    assert form(written(tmp_path, "u,i\n1,te\x08a\n"))[1]["i"] == ["te\x08a"]
    (tmp_path / "log").write_bytes("u,i\n1,thé\n".encode("latin-1"))
    assert form(tmp_path / "log")[1]["u"] == ["1"]


def test_an_unknown_reader_gets_the_nearest_one(tmp_path: Path) -> None:
    with pytest.raises(SeqrecError, match="did you mean 'table'"):
        form(written(tmp_path, "a,b\n"), "tabel")


def test_json_with_keys_of_its_own_has_their_paths_as_columns(tmp_path: Path) -> None:
    lines = '{"who": {"id": 7}, "what": ["a", "b"], "at": 5}\n{"who": {"id": 8}, "at": 6}\n'

    options, sample = form(written(tmp_path, lines))

    assert options.reader == "json_lines"
    assert sample == {"at": ["5", "6"], "what": ["['a', 'b']"], "who.id": ["7", "8"]}


def test_a_key_without_values_is_no_column(tmp_path: Path) -> None:
    view = '{"user_id": null, "visitor": "v", "items": [{"item_id": "a"}], "time": 5}\n'
    other = '{"user_id": null, "visitor": "w", "items": [], "time": 6}\n'

    _, sample = form(written(tmp_path, view + other))

    assert sample == {"items.item_id": ["a"], "time": ["5", "6"], "visitor": ["v", "w"]}


def test_a_key_that_has_values_in_later_lines_is_a_column(tmp_path: Path) -> None:
    lines = '{"user_id": null, "item_id": "a"}\n' * 30 + '{"user_id": "u", "item_id": "a"}\n'
    assert form(written(tmp_path, lines))[1]["user_id"] == ["u"]
