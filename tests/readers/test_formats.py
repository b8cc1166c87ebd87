"""Every raw format by a few rows written by hand."""

import gzip
import zipfile
from pathlib import Path

import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import ColumnMapping, RawFileOptions
from seqrec.readers import READERS, find_reader

Rows = list[tuple[str, str, int, int, float | None]]


def read(
    path: Path, reader: str, member: str | None = None, columns: ColumnMapping | None = None
) -> tuple[Rows, list[tuple[int, str]], str]:
    """Rows, rejected line numbers with reasons, and the unit of the timestamps."""
    options = RawFileOptions(name=path.name, reader=reader, member=member, columns=columns)
    pieces = list(find_reader(reader)(path, options))
    rows = [tuple(row.values()) for piece in pieces for row in piece.interactions.to_pylist()]
    rejected = [
        (row["line_number"], row["reason"])
        for piece in pieces
        for row in piece.rejected.to_pylist()
    ]
    (unit,) = {piece.timestamp_unit for piece in pieces}
    return rows, rejected, unit


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


REVIEWS = (
    '{"reviewerID": "A1", "asin": "B1", "overall": 5.0, "unixReviewTime": 100, "helpful": [0, 1]}\n'
    '{"asin": "B2", "reviewerID": "A2", "reviewText": "say \\"hi\\"", "unixReviewTime": 200}\n'
)


@pytest.mark.parametrize(
    ("reader", "text", "unit", "expected"),
    [
        (
            "amazon_reviews",
            REVIEWS,
            "s",
            [("A1", "B1", 100, 1, 5.0), ("A2", "B2", 200, 2, None)],
        ),
        (
            "amazon_reviews",
            "{'reviewerID': 'A1', 'asin': 'B1', 'overall': 4.0, 'unixReviewTime': 100}\n",
            "s",
            [("A1", "B1", 100, 1, 4.0)],
        ),
        (
            "amazon_2014_ratings",
            "A1,B1,5.0,100\nA2,B2,1.0,200\n",
            "s",
            [("A1", "B1", 100, 1, 5.0), ("A2", "B2", 200, 2, 1.0)],
        ),
        (
            "amazon_2014_ratings",
            "reviewerID,asin,unixReviewTime\nA1,B1,100\n",
            "s",
            [("A1", "B1", 100, 2, None)],
        ),
        ("amazon_2018_ratings", "B1,A1,5.0,100\n", "s", [("A1", "B1", 100, 1, 5.0)]),
        (
            "amazon_2023_ratings",
            "user_id,parent_asin,rating,timestamp\nA1,B1,5.0,1390000000123\n",
            "ms",
            [("A1", "B1", 1390000000123, 2, 5.0)],
        ),
        ("movielens_u_data", "1\t9\t3\t100\n", "s", [("1", "9", 100, 1, 3.0)]),
        (
            "movielens_ratings_dat",
            "1::9::3::100\n1::8::4.5::101\n",
            "s",
            [("1", "9", 100, 1, 3.0), ("1", "8", 101, 2, 4.5)],
        ),
        (
            "movielens_ratings_csv",
            "userId,movieId,rating,timestamp\r\n1,9,3.5,100\r\n",
            "s",
            [("1", "9", 100, 2, 3.5)],
        ),
        (
            "yelp_reviews",
            '{"review_id":"r","user_id":"u","business_id":"b","stars":4.0,'
            '"date":"1970-01-02 00:00:01"}\n',
            "s",
            [("u", "b", 86_401, 1, 4.0)],
        ),
        (
            "yelp_extract",
            "user_id,business_id,timestamp\nu,b,100\n",
            "s",
            [("u", "b", 100, 2, None)],
        ),
        (
            "lastfm_timestamps",
            "userID\tartistID\ttagID\ttimestamp\n2\t52\t13\t1238536800000\n2\t52\t15\t-86400000\n",
            "ms",
            [("2", "52", 1238536800000, 2, None), ("2", "52", -86400000, 3, None)],
        ),
        (
            "lastfm_dates",
            "userID\tartistID\ttagID\tday\tmonth\tyear\r\n2\t52\t13\t2\t1\t1970\r\n"
            "2\t53\t13\t1\t1\t1956\r\n",
            "s",
            [("2", "52", 86_400, 2, None), ("2", "53", -441_849_600, 3, None)],
        ),
        (
            "atomic",
            "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
            "u\ti\t4\t1390000000.0\nu\tj\t4\t1.390000000e9\n",
            "s",
            [("u", "i", 1390000000, 2, 4.0), ("u", "j", 1390000000, 3, 4.0)],
        ),
        (
            "sequence_lines",
            "1 7 8 7\n2 9\n",
            "order",
            [
                ("1", "7", 0, 1, None),
                ("1", "8", 1, 1, None),
                ("1", "7", 2, 1, None),
                ("2", "9", 0, 2, None),
            ],
        ),
        ("table", "user_id,item_id,timestamp\nu,i,1\n", "s", [("u", "i", 1, 2, None)]),
        (
            "json_lines",
            '{"user_id": "u", "item_id": 5, "timestamp": 1}\n',
            "s",
            [("u", "5", 1, 1, None)],
        ),
        (
            "amazon_2023_reviews",
            '{"rating": 4.0, "parent_asin": "B0", "user_id": "A", "timestamp": 1588687728923}\n',
            "ms",
            [("A", "B0", 1588687728923, 1, 4.0)],
        ),
    ],
)
def test_rows_of_every_format(
    tmp_path: Path, reader: str, text: str, unit: str, expected: Rows
) -> None:
    assert read(written(tmp_path / "log.txt", text), reader) == (expected, [], unit)


def test_every_reader_has_a_test() -> None:
    (mark,) = test_rows_of_every_format.pytestmark  # type: ignore[attr-defined]

    assert {case[0] for case in mark.args[1]} == set(READERS)


@pytest.mark.parametrize("name", ["u.data", "ratings.dat", "ratings.csv"])
def test_movielens_is_read_inside_its_zip(tmp_path: Path, name: str) -> None:
    text = {
        "u.data": "1\t9\t3\t100\n",
        "ratings.dat": "1::9::3::100\n",
        "ratings.csv": "userId,movieId,rating,timestamp\n1,9,3,100\n",
    }[name]
    with zipfile.ZipFile(tmp_path / "ml.zip", "w") as archive:
        archive.writestr("ml/README", "read me")
        archive.writestr(f"ml/{name}", text)
    reader = "movielens_" + name.replace(".", "_")

    rows, _, _ = read(tmp_path / "ml.zip", reader, member=f"ml/{name}")

    assert [row[:3] for row in rows] == [("1", "9", 100)]


def test_reviews_are_read_packed(tmp_path: Path) -> None:
    (tmp_path / "reviews.json.gz").write_bytes(gzip.compress(REVIEWS.encode()))

    assert len(read(tmp_path / "reviews.json.gz", "amazon_reviews")[0]) == 2


def test_dates_that_do_not_exist_are_rejected(tmp_path: Path) -> None:
    header = "userID\tartistID\ttagID\tday\tmonth\tyear\n"
    log = written(tmp_path / "tags.dat", header + "2\t1\t1\t30\t2\t2009\n2\t1\t1\tx\t2\t2009\n")

    rows, rejected, _ = read(log, "lastfm_dates")

    assert rows == []
    assert rejected == [(2, "timestamp is not a date"), (3, "timestamp is not a date")]


def test_a_header_of_another_format_is_named(tmp_path: Path) -> None:
    log = written(tmp_path / "tags.dat", "userID\tartistID\tweight\n1\t2\t3\n")

    with pytest.raises(SeqrecError, match="the header is 'userID artistID weight' instead of"):
        read(log, "lastfm_dates")
    with pytest.raises(SeqrecError, match=r"unknown column 'userId' in the header of .*tags\.dat"):
        read(log, "movielens_ratings_csv")


def test_ratings_of_2014_and_2018_are_not_mixed_up(tmp_path: Path) -> None:
    first = "A1YJEY40YUW4SE,7806397051,5.0,1391040000\nA60XNB876KYML,7806397051,3.0,1397779200\n"
    swapped = "7806397051,A1YJEY40YUW4SE,5.0,1391040000\nB000000001,A60XNB876KYML,3.0,1397779200\n"

    with pytest.raises(SeqrecError, match="use the reader 'amazon_2018_ratings'"):
        read(written(tmp_path / "a.csv", swapped), "amazon_2014_ratings")
    with pytest.raises(SeqrecError, match="use the reader 'amazon_2014_ratings'"):
        read(written(tmp_path / "b.csv", first), "amazon_2018_ratings")


def test_other_columns_of_an_atomic_file(tmp_path: Path) -> None:
    text = "user_id:token\tartist_id:token\tplays:float\nu\ta\t3\n"
    log = written(tmp_path / "lfm.inter", text)
    columns = ColumnMapping(item="artist_id", timestamp=None, rating="plays")

    assert read(log, "atomic", columns=columns) == ([("u", "a", 2, 2, 3.0)], [], "order")
    with pytest.raises(SeqrecError, match="unknown column 'item_id'"):
        read(log, "atomic")


def test_broken_sequence_lines(tmp_path: Path) -> None:
    log = written(tmp_path / "s.txt", "1 7 8 \n2\n\n  3   9\t9\n1 5\n \n4 1")

    rows, rejected, _ = read(log, "sequence_lines")

    assert [(row[0], row[1], row[2], row[3]) for row in rows] == [
        ("1", "7", 0, 1),
        ("1", "8", 1, 1),
        ("3", "9", 0, 4),
        ("3", "9", 1, 4),
        ("4", "1", 0, 7),
    ]
    assert rejected == [
        (2, "no items behind the user"),
        (5, "the user has a line already"),
        (6, "no items behind the user"),
    ]


def test_an_unknown_reader_is_named_with_the_nearest_one() -> None:
    with pytest.raises(SeqrecError, match=r"unknown reader 'tabel'; did you mean 'table'\?"):
        find_reader("tabel")
