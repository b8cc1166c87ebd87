"""The beginning of a raw log, and what is said of one that cannot be read."""

from pathlib import Path

import pytest

from seqrec.add_dataset.first_rows import first_rows
from seqrec.errors import SeqrecError
from seqrec.parameters.sections import ColumnMapping, RawFileOptions

COLUMNS = ColumnMapping(user="who", item="what", timestamp="when")
OPTIONS = RawFileOptions(name="shop.csv", reader="table", columns=COLUMNS)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.csv"
    path.write_text("who,what,when\nann,tea,2024-01-31\nbob,cake,2024-02-01\n")
    return path


def test_the_first_rows(shop: Path) -> None:
    beginning = first_rows(shop, OPTIONS)
    assert beginning.rows == [
        ("ann", "tea", "2024-01-31 00:00:00"),
        ("bob", "cake", "2024-02-01 00:00:00"),
    ]
    assert beginning.rejected_share == 0


def test_the_first_rows_in_the_order_of_the_file(shop: Path) -> None:
    ordered = OPTIONS.model_copy(update={"columns": COLUMNS.model_copy(update={"timestamp": None})})
    assert first_rows(shop, ordered).rows[0] == ("ann", "tea", "in the order of the file")


def test_broken_rows_are_told(tmp_path: Path) -> None:
    good = "".join(f"u,i{number},2024-01-31\n" for number in range(19))
    path = tmp_path / "shop.csv"
    path.write_text(f"who,what,when\n{good}u,x,soon\n")
    beginning = first_rows(path, OPTIONS)
    assert beginning.rejected_share == pytest.approx(1 / 20)
    assert beginning.reason == "timestamp is not a number or an ISO date"
    assert len(beginning.rows) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("who,what,when\n", "holds no interactions"),
        (
            "who,what,when\na,b,soon\n",
            r"100.0% of its beginning cannot be read, mostly 'timestamp .*'; name other columns",
        ),
        ("who,what,when\na,b,13/01/2024\n", "ISO date'; write dates as 2024-01-13$"),
        ("who,what,when\na,b,13.1.2024 10:30\n", "ISO date'; write dates as 2024-01-13$"),
        ("who,what,when\na,b,2024/01/13\n", "ISO date'; write dates as 2024-01-13$"),
        ("who,what,when\na,b\n", "'2 columns instead of 3'; name other columns"),
        ("who,what,when\na,thé,2024-01-13\n", "'bytes are not UTF-8'; save it as UTF-8$"),
    ],
)
def test_a_log_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "shop.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(SeqrecError, match=message):
        first_rows(path, OPTIONS)
