"""The beginning of a raw log, and what is said of one that cannot be read."""

from pathlib import Path

import pytest

from seqrec.add_dataset.first_rows import first_rows
from seqrec.errors import SeqrecError
from tests.add_dataset.project import COLUMNS, OPTIONS


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    path.write_text("who,what,when\nann,tea,2024-01-31\nbob,cake,2024-02-01\n")
    return path


def test_the_first_rows(shop: Path) -> None:
    rows, broken = first_rows(shop, OPTIONS)
    assert rows == [("ann", "tea", "2024-01-31 00:00:00"), ("bob", "cake", "2024-02-01 00:00:00")]
    assert broken == ""
    columns = COLUMNS.model_copy(update={"timestamp": None})
    rows, _ = first_rows(shop, OPTIONS.model_copy(update={"columns": columns}))
    assert rows[0] == ("ann", "tea", "in the order of the file")


def test_broken_rows_are_told(tmp_path: Path) -> None:
    good = "".join(f"u,i{number},2024-01-31\n" for number in range(19))
    path = tmp_path / "shop.csv"
    path.write_text(f"who,what,when\n{good}u,x,soon\n")
    rows, broken = first_rows(path, OPTIONS)
    assert len(rows) == 3
    assert broken == (
        "5.0% of its beginning cannot be read, mostly 'timestamp is not a number or an ISO date'; "
        "a run stops at more than ingestion.max_rejected_share"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("who,what,when\n", "holds no interactions"),
        (
            "who,what,when\na,b,soon\n",
            r"100.0% of its beginning cannot be read, mostly 'timestamp .*'; name other columns",
        ),
        ("who,what,when\na,b,13/01/2024 or so\n", "ISO date'; write dates as 2024-01-13$"),
        ("who,what,when\na,b,01/02/2024\n", "in two ways; .*timestamp_format='%m/%d/%Y' or '%d/"),
        ("who,what,when\na,b\n", "'2 columns instead of 3'; name other columns"),
        ("who,what,when\na,thé,2024-01-13\n", "'bytes are not UTF-8'; save it as UTF-8$"),
    ],
)
def test_a_log_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "shop.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SeqrecError, match=message):
        first_rows(path, OPTIONS)
