"""Files of titles by a few rows written by hand, each form with its broken rows."""

import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from seqrec.errors import SeqrecError
from seqrec.parameters.named_files import SingleTitlesFile
from seqrec.parameters.raw_sections import TitlesFileOptions
from seqrec.readers.titles import TITLE_READERS, Title, find_title_reader

U_ITEM = b"1|Toy Story (1995)|01-Jan-1995||http://imdb\n2|Mis\xe9rables, Les|\nno bars\n3||x\n"
MOVIES_DAT = b"1::Toy Story (1995)::Animation\n2::Mis\xe9rables, Les::Drama\n3\n"
MOVIES_CSV = (
    'movieId,title,genres\r\n1,Toy Story (1995),Animation\r\n2,"Misérables, Les",Drama\r\n3\r\n'
).encode()
TABLE = 'name\tsku\tprice\n 12" disc \ts-1\t3\nMisérables, Les\ts-2\t4\n\ts-3\t5\n'.encode()

FORMS: dict[str, tuple[bytes, list[Title]]] = {
    "movielens_u_item": (U_ITEM, [("1", "Toy Story (1995)"), ("2", "Misérables, Les"), None, None]),
    "movielens_movies_dat": (
        MOVIES_DAT,
        [("1", "Toy Story (1995)"), ("2", "Misérables, Les"), None],
    ),
    "movielens_movies_csv": (
        MOVIES_CSV,
        [("1", "Toy Story (1995)"), ("2", "Misérables, Les"), None],
    ),
    "json_lines": (
        (
            '{"sku": "s-1", "name": "12\\" disc"}\n{"sku": 2.0, "name": "é"}\n[]\n{"sku": "s-3"}\n'
        ).encode(),
        [("s-1", '12" disc'), ("2", "é"), None, None],
    ),
    "table": (TABLE, [("s-1", '12" disc'), ("s-2", "Misérables, Les"), None]),
}


def read(path: Path, reader: str, member: str | None = None) -> list[Title]:
    options = TitlesFileOptions(
        name=path.name, reader=reader, member=member, item="sku", title="name"
    )
    return list(find_title_reader(reader)(path, options))


@pytest.mark.parametrize("reader", TITLE_READERS)
def test_every_form_plain_and_in_an_archive(reader: str, tmp_path: Path) -> None:
    data, expected = FORMS[reader]
    plain, packed = tmp_path / "titles.txt", tmp_path / "log.zip"
    plain.write_bytes(data)
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner/log", b"x")
        archive.writestr("inner/titles", data)

    assert read(plain, reader) == expected
    assert read(packed, reader, "inner/titles") == expected


def test_a_parquet_table_whose_ids_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "products.parquet"
    pq.write_table(pa.table({"sku": [7, 8, None], "name": ["a", None, "c"]}), path)

    assert read(path, "table") == [("7", "a"), None, None]


def test_ids_of_a_parquet_table_are_those_of_the_log(tmp_path: Path) -> None:
    """Whole numbers with a gap are floats to pandas; from 2^53 on they are no ids in a log."""
    ids = pa.array([12345678901.0, 1e15, None, 7.5, 2.0**53])
    path = tmp_path / "products.parquet"
    pq.write_table(pa.table({"sku": ids, "name": ["a", "b", "c", "d", "e"]}), path)

    assert read(path, "table") == [("12345678901", "a"), ("1000000000000000", "b")] + [None] * 3


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (pa.array(["a", b"\xff"], pa.binary()).view(pa.string()), ["a", None]),
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
        (pa.array([1984.0, None]), ["1984", None]),
        (pa.array([300, 1408], pa.int32()), ["300", "1408"]),
    ],
)
def test_titles_of_parquet(tmp_path: Path, titles: pa.Array, expected: list[str | None]) -> None:
    path = tmp_path / "products.parquet"
    pq.write_table(pa.table({"sku": ["x", "y"], "name": titles}), path)

    assert [title and title[1] for title in read(path, "table")] == expected


@pytest.mark.parametrize(("sku", "name"), [([["x"]], ["a"]), (["x"], [["a"]])])
def test_lists_are_neither_ids_nor_titles(tmp_path: Path, sku: list[Any], name: list[Any]) -> None:
    path = tmp_path / "products.parquet"
    pq.write_table(pa.table({"sku": sku, "name": name}), path)

    with pytest.raises(SeqrecError, match=r"column '(sku|name)' holds list<.*>, no (ids|titles)"):
        read(path, "table")


def test_movies_dat_is_utf8_in_the_10m_log_and_latin_1_in_the_1m_log(tmp_path: Path) -> None:
    path = tmp_path / "movies.dat"
    texts = []
    for encoding in ("utf-8", "latin-1"):
        path.write_bytes("1::Misérables, Les::Drama\n2::Toy Story\n".encode(encoding))
        texts.append(read(path, "movielens_movies_dat"))
    assert texts == [[("1", "Misérables, Les"), ("2", "Toy Story")]] * 2


def test_bytes_that_are_not_utf8_are_no_title(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes(b"sku,name\n1,caf\xe9\n2,tea\n")

    assert read(path, "table") == [("2", "tea"), None]


@pytest.mark.parametrize("above", ["sep=;\n", "\n  \n", '\n"sep=;"\n\n'])
def test_what_may_stand_above_the_header(tmp_path: Path, above: str) -> None:
    path = tmp_path / "songs.csv"
    path.write_text(f"{above}sku;name\na;Alpha, Beta\n")

    assert read(path, "table") == [("a", "Alpha, Beta")]


@pytest.mark.parametrize("above", ["", "\n\n", "0,1\n"])
def test_a_header_that_counts_is_no_title(tmp_path: Path, above: str) -> None:
    """What pandas writes where columns have no names, as for logs."""
    path = tmp_path / "songs.csv"
    path.write_text(f"{above}a,A\nb,B\n")
    options = TitlesFileOptions(name=path.name, item=0, title=1)

    assert list(find_title_reader("table")(path, options)) == [("a", "A"), ("b", "B")]


def test_a_stray_quote_costs_one_row(tmp_path: Path) -> None:
    """As in a log: 'Heroes' is a song whose title nobody quoted."""
    path = tmp_path / "songs.csv"
    path.write_text('sku,name\na,"Heroes\nb,Beta\nc,Gamma\nd,"Delta\ne,"Two\nlines"\n')

    assert sorted(filter(None, read(path, "table"))) == [
        ("b", "Beta"),
        ("c", "Gamma"),
        ("e", "Two\nlines"),
    ]
    assert read(path, "table").count(None) == 2


def test_a_title_that_its_separator_cuts_is_none(tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_text('sku,name\n1,Misérables, Les\n2,"Misérables, Les"\n')

    assert read(path, "table") == [("2", "Misérables, Les"), None]


@pytest.mark.parametrize(("written", "separator"), [("\\t", "\t"), ("::", "::"), ("§", "§")])
def test_a_separator_that_is_named(tmp_path: Path, written: str, separator: str) -> None:
    """As for logs, of any length, and the two characters of a shell's tab."""
    path = tmp_path / "films.dat"
    path.write_text(separator.join(("sku", "name")) + f"\n1{separator}Toy Story\n")
    for section in (TitlesFileOptions, SingleTitlesFile):
        named = {"name" if section is TitlesFileOptions else "file": path.name}
        said = section(**named, separator=written).separator
        options = TitlesFileOptions(name=path.name, item="sku", title="name", separator=said)

        assert list(find_title_reader("table")(path, options)) == [("1", "Toy Story")]


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [
        (
            "a.csv",
            b"sku,nam\n1,x\n",
            "unknown column 'name' in the header of {}; did you mean 'nam'?",
        ),
        ("a.csv", b"", "{} is empty; fetch the file again"),
        ("a.parquet", b"PAR1 no", "{} cannot be read"),
    ],
)
def test_a_wrong_file_is_one_line(name: str, data: bytes, line: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SeqrecError) as caught:
        read(path, "table")
    assert str(caught.value).startswith(line.format(path))
    assert "\n" not in str(caught.value)


def test_an_unknown_reader_gets_the_nearest_one() -> None:
    with pytest.raises(SeqrecError, match=r"'u_item'.*did you mean 'movielens_u_item'\?"):
        find_title_reader("u_item")
