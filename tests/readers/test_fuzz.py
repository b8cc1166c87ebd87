"""Logs that were damaged in every way: rows or one line, every line accounted for, no odd id kept.

Seeded: the same damage on every machine.
"""

import bz2
import gzip
import lzma
import re
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.raw_sections import MISSING, RawFileOptions
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation.ingestion import IngestedLog, read_log
from seqrec.preparation.raw_files import RawFile
from seqrec.readers import READERS
from tests.readers.logs import frame

ROUNDS = 100
"""Damaged logs a reader."""
HEADERS = {
    "amazon_2023_ratings": "user_id,parent_asin,rating,timestamp",
    "movielens_ratings_csv": "userId,movieId,rating,timestamp",
    "yelp_extract": "user_id,business_id,stars,timestamp",
    "lastfm_timestamps": "userID\tartistID\ttagID\ttimestamp",
    "lastfm_dates": "userID\tartistID\ttagID\tday\tmonth\tyear",
    "atomic": "user_id:token\titem_id:token\trating:float\ttimestamp:float",
    "table": "user_id,item_id,title,timestamp",
}
ROWS: dict[str, Callable[[int], str]] = {
    "amazon_reviews": lambda n: (
        f'{{"reviewerID": "U{n % 7}", "asin": "B{n % 5}", "overall": 5.0, "unixReviewTime": {n}}}'
    ),
    "amazon_2023_reviews": lambda n: (
        f'{{"user_id": "U{n % 7}", "parent_asin": "B{n % 5}", "rating": 1.0, "timestamp": {n}}}'
    ),
    "amazon_2014_ratings": lambda n: f"U{n % 7},B{n % 5},4.0,{1_390_000_000 + n}",
    "amazon_2018_ratings": lambda n: f"B{n % 5},U{n % 7},4.0,{1_390_000_000 + n}",
    "amazon_2023_ratings": lambda n: f"U{n % 7},B{n % 5},4.0,{1_390_000_000_000 + n}",
    "movielens_u_data": lambda n: f"{n % 7}\t{n % 5}\t3\t{880_000_000 + n}",
    "movielens_ratings_dat": lambda n: f"{n % 7}::{n % 5}::3::{880_000_000 + n}",
    "movielens_ratings_csv": lambda n: f"{n % 7},{n % 5},3.5,{880_000_000 + n}",
    "yelp_reviews": lambda n: (
        f'{{"user_id": "u{n % 7}", "business_id": "b{n % 5}", "stars": 2.0, '
        f'"date": "2019-01-{n % 28 + 1:02} 10:00:00"}}'
    ),
    "yelp_extract": lambda n: f"u{n % 7},b{n % 5},2.0,{1_550_000_000 + n}",
    "lastfm_timestamps": lambda n: f"{n % 7}\t{n % 5}\t9\t{1_238_536_800_000 + n}",
    "lastfm_dates": lambda n: f"{n % 7}\t{n % 5}\t9\t{n % 28 + 1}\t1\t2009",
    "atomic": lambda n: f"u{n % 7}\ti{n % 5}\t4\t{1_390_000_000 + n}.0",
    "sequence_lines": lambda n: f"{n} {n % 5} {n % 3} {n % 11}",
    "table": lambda n: f'u{n % 7},i{n % 5},"a ""title"", {n}",{1_390_000_000 + n}',
    "json_lines": lambda n: (
        f'{{"user_id": "u{n % 7}", "item_id": {n % 5}, "timestamp": {1_390_000_000 + n}}}'
    ),
}
ODD = [
    *(b"\0", b"\xff", b"\xc3", b'"', b'\\"', b"\r", b"\n", b"\t", b",", b"::", b"NaN", b"null"),
    *(b"\xe2\x80\x8b", b"\xc2\xa0", b"\xef\xbb\xbf", b"1e400", b"9" * 40, b"-", b".0", b"{", b"]"),
    *(b"\x1b", b"\xc2\x85", b"\xef\xbf\xbd", b" ", b"user_id", b"\xff\xfe", b"'", b"[1,2]"),
]


def log_of(reader: str) -> bytes:
    lines = [HEADERS[reader]] if reader in HEADERS else []
    return "".join(f"{line}\n" for line in [*lines, *map(ROWS[reader], range(40))]).encode()


def damaged(data: bytes, random: Random) -> bytes:
    """One to six wounds: bytes put in, taken out, flipped, doubled, moved, cut off."""
    for _ in range(random.randint(1, 6)):
        place, length = random.randrange(len(data) + 1), random.choice([1, 2, 5, 30, 200])
        piece = data[place : place + length]
        data = (
            random.choice(
                [
                    data[:place] + random.choice(ODD) + data[place:],
                    data[:place] + random.choice(ODD) + data[place + length :],
                    data[:place] + data[place + length :],
                    data[:place] + piece + data[place:],
                    data[:place] + bytes([random.randrange(256)]) + data[place + 1 :],
                    data[: max(place, 1)],
                ]
            )
            or b"\n"
        )
    return data


def packed(folder: Path, data: bytes, random: Random) -> Path:
    """The log as a file, plain or in some packing, which may be cut off itself."""
    kind = random.choice(["", "", "", ".gz", ".bz2", ".xz", ".zst", ".zip"])
    path = folder / f"log.txt{kind}"
    if kind == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("log.txt", data)
        return path
    pack: Any = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    content = pack[kind](data) if kind != ".zst" else pa.compress(data, "zstd", asbytes=True)
    if kind and random.random() < 0.2:
        content = content[: random.randrange(1, len(content))]
    path.write_bytes(content)
    return path


def ingested(path: Path, reader: str, encoding: str | None, work: Path) -> IngestedLog | None:
    options = RawFileOptions(name=path.name, reader=reader, encoding=encoding)
    refusal = ""
    try:
        return read_log(RawFile(path, options), IngestionOptions(max_rejected_share=1.0), work)
    except SeqrecError as error:
        refusal = str(error)
    assert "\n" not in refusal
    assert len(refusal) < 1000
    assert list(work.glob("*")) == []
    return None


def check_ids(log: IngestedLog) -> None:
    """No id is blank, none stands for nothing, none went through a float, all can be seen."""
    table = frame(log)
    for name in ("user_id", "item_id"):
        for text in set(table[name]):
            assert text
            assert text == text.strip()
            assert text not in MISSING
            assert not re.fullmatch(r"[+-]?(0|[1-9][0-9]*)\.0*", text)
            assert not any(unicodedata.category(letter) == "Cc" for letter in text)
            assert "\ufffd" not in text


def check_lines(log: IngestedLog, data: bytes, reader: str) -> None:
    """Every line that holds something is a row, a rejected row or the header."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    data = data if b"\n" in data else data.replace(b"\r", b"\n")
    lines = data.replace(b"\r\n", b"\n").removesuffix(b"\r").split(b"\n")
    holding = {number for number, line in enumerate(lines, start=1) if line}
    holding -= {1} if reader in HEADERS else set()
    rejected = log.rejected.to_pylist()
    seen = set(frame(log)["source_row"]) | {row["line_number"] for row in rejected}
    if b'"' in data and reader not in ("json_lines",) and "json" not in reader:
        assert seen <= holding  # a row in quotes may span lines
        return
    assert seen == holding


@pytest.mark.parametrize("reader", [name for name in ROWS if name != "amazon_2014_ratings"])
def test_damaged_logs(tmp_path: Path, reader: str) -> None:
    random = Random(reader)
    kept = refused = 0
    for turn in range(ROUNDS):
        data = damaged(log_of(reader), random)
        path = packed(tmp_path, data, random)
        encoding = "utf-8" if turn % 2 else None
        log = ingested(path, reader, encoding, tmp_path / "work")
        if log is None:
            refused += 1
            continue
        kept += 1
        check_ids(log)
        if encoding and reader != "amazon_2018_ratings":
            check_lines(log, data, reader)
        log.interactions.unlink()
    assert kept > ROUNDS / 3
    assert refused


def test_every_reader_is_damaged() -> None:
    assert set(ROWS) == set(READERS)


VALUES: list[Any] = [
    *("u1", "", " ", "u1 ", "1.0", "NaN", "nan", "a\x00", "\u200b", "1e17", "a\nb", None),
    *(1, -1, 2**53, 2**53 + 1, 2**63 - 1, 1.5, 7.0, 1e300, float("nan"), float("inf"), True),
    *(b"u1", b"\xff", b"\x00"),
]


def test_odd_values_in_parquet(tmp_path: Path) -> None:
    """Columns of one type each, with whatever values that type has."""
    random = Random(0)
    path = tmp_path / "log.parquet"
    kept = 0
    for _ in range(ROUNDS):
        columns: dict[str, pa.Array] = {}
        for name in ("user_id", "item_id", "timestamp"):
            kind = random.choice([str, int, float, bytes])
            values = [value for value in VALUES if value is None or type(value) is kind]
            columns[name] = pa.array([random.choice(values) for _ in range(12)])
        pq.write_table(pa.table(columns), path)
        log = ingested(path, "table", None, tmp_path / "work")
        if log is not None:
            kept += 1
            check_ids(log)
            rejected = {row["line_number"] for row in log.rejected.to_pylist()}
            seen = set(frame(log)["source_row"])
            assert seen | rejected == set(range(1, 13))
            assert not seen & rejected
            log.interactions.unlink()
    assert kept > ROUNDS / 10
