"""One row a user with a list of items, in the forms people have."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqrec.errors import SeqrecError
from tests.readers.logs import frame, read

LISTS = {"user": "user", "items": "history", "timestamp": None}


def triples(path: Path, work: Path, **options: Any) -> list[tuple[str, str, int]]:
    table = frame(read(path, work, **options))[["user_id", "item_id", "timestamp"]]
    return list(table.itertuples(index=False, name=None))


@pytest.mark.parametrize(
    "rows",
    [
        "u1\tN1 N2 N3\nu2\t\nu1\tN4\n",
        'u1\t["N1", "N2", "N3"]\nu2\t[]\nu1\t["N4"]\n',
        "u1\t['N1', 'N2', 'N3']\nu2\t[]\nu1\t['N4']\n",
        "u1\tN1,N2,N3\nu2\t\nu1\tN4\n",
        "u1\tN1|N2|N3\nu2\t \nu1\tN4\n",
        "u1\t['N1' 'N2' 'N3']\nu2\t[]\nu1\t['N4']\n",  # numpy
        "u1\t[N1 N2\tN3]\nu2\t[]\nu1\t[N4]\n".replace("N2\t", "N2 "),
        "u1\t('N1', 'N2', 'N3')\nu2\t()\nu1\t('N4',)\n",
        "u1\t{N1,N2,N3}\nu2\t{}\nu1\t{N4}\n",  # PostgreSQL
        "u1\tarray(['N1', 'N2', 'N3'], dtype=object)\nu2\tarray([])\nu1\tarray(['N4'])\n",
    ],
)
def test_lists_of_text(tmp_path: Path, rows: str) -> None:
    (tmp_path / "log.tsv").write_text("user\thistory\n" + rows)

    log = read(tmp_path / "log.tsv", tmp_path, columns=LISTS)

    table = frame(log)
    assert table["item_id"].tolist() == ["N1", "N2", "N3", "N4"]
    assert table["user_id"].tolist() == ["u1"] * 4
    assert table["timestamp"].tolist() == [0, 1, 2, 3]  # a user's second row goes on
    assert table["source_row"].tolist() == [2, 2, 2, 4]
    assert log.report["timestamp_unit"] == "order"
    assert log.report["changed"] == {"rows with an empty list of items": 1}


def test_numbers_in_json(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text('user,history\nu,"[1, 2.0, 30]"\n')

    assert triples(tmp_path / "log.csv", tmp_path, columns=LISTS) == [
        ("u", "1", 0),
        ("u", "2", 1),
        ("u", "30", 2),
    ]


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.string()])
def test_lists_of_parquet(tmp_path: Path, kind: pa.DataType) -> None:
    lists = pa.array([[1, 2], None, [], [2]]).cast(pa.list_(kind))
    times = pa.array([5, 6, 7, 8])
    table = pa.table({"user": ["a", "b", "c", "a"], "history": lists, "when": times})
    pq.write_table(table, tmp_path / "log.parquet")

    log = read(tmp_path / "log.parquet", tmp_path, columns={**LISTS, "timestamp": "when"})

    table = frame(log)
    assert table["item_id"].tolist() == ["1", "2", "2"]
    assert table["timestamp"].tolist() == [5, 5, 8]
    assert table["order"].tolist() == [0, 1, 0]


def test_a_float_that_lost_digits_is_no_item(tmp_path: Path) -> None:
    lists = pa.array([[1.0, 2.0**53, 2.0]])
    pq.write_table(pa.table({"user": ["a"], "history": lists}), tmp_path / "log.parquet")

    log = read(tmp_path / "log.parquet", tmp_path, share=0.5, columns=LISTS)

    assert frame(log)["item_id"].tolist() == ["1", "2"]
    assert log.report["rejected_by_reason"] == {"item id went through a float and lost digits": 1}


def test_a_list_that_is_none_is_a_rejected_row(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text("user\thistory\nu\t[1, 2]\nv\t[3\nw\tx\n")

    log = read(tmp_path / "log.tsv", tmp_path, share=0.6, columns=LISTS)

    assert frame(log)["item_id"].tolist() == ["1", "2", "x"]
    assert log.rejected.to_pylist() == [
        {
            "source_file": "log.tsv",
            "line_number": 3,
            "reason": "empty item id",
            "text": "v\t[3",
        }
    ]


@pytest.mark.parametrize(
    ("row", "both"),
    [
        ("u;0,1,2,3", "',' or ';'"),
        ("u,0;1;2;3", "',' or ';'"),
        ("u\t[0, 1, 2, 3]", r"',' or '\\t'"),
        ("u|0,1", r"',' or '\|'"),
    ],
)
def test_lists_without_header_whose_items_may_be_columns_are_asked_for(
    tmp_path: Path, row: str, both: str
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"{row}\n" * 3)
    columns = {"user": 0, "items": 1, "timestamp": None}

    with pytest.raises(
        SeqrecError, match=f"first line: {both} may separate the columns, or the items"
    ):
        read(path, tmp_path, columns=columns)
    table = frame(read(path, tmp_path, columns=columns, separator=row[1]))
    assert table["user_id"].unique().tolist() == ["u"]
    assert table["item_id"].tolist()[:2] == ["0", "1"]


@pytest.mark.parametrize(
    "row", ["u\tN1 N2", 'u,"N1;N2"', 'u;"N1,N2,N2"', "u,N1 N2", "u;N1 N2", "u,\"['N1', 'N2']\""]
)
def test_lists_without_header_that_one_separator_cuts_are_read(tmp_path: Path, row: str) -> None:
    (tmp_path / "log.csv").write_text(f"{row}\n")
    columns = {"user": 0, "items": 1, "timestamp": None}
    table = frame(read(tmp_path / "log.csv", tmp_path, columns=columns))
    assert table["item_id"].tolist()[:2] == ["N1", "N2"]
