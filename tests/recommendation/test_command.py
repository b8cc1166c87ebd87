"""``seqrec recommend``: files in, files out, from any folder; wrong input is one line."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from seqrec.__main__ import main
from seqrec.models.folder import save_model
from tests.conftest import Finished
from tests.recommendation.test_recommender import HISTORIES, MODEL, plain_list

Run = Callable[..., Finished]
USERS = {"u": ["a3", "a9", "a2"], "v": ["a1"], "w": []}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder, MODEL)
    return folder


@pytest.fixture
def run(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, folder: Path = model) -> Finished:
        capsys.readouterr()
        told = ["recommend", "--model", str(folder), "--device", "cpu", *arguments]
        with pytest.raises(SystemExit) as ended:
            main(told)
        return Finished(int(ended.value.code or 0), *capsys.readouterr())

    return command


def lists_in(text: str) -> dict[str, list[str]]:
    """What the JSON lines say."""
    rows = [json.loads(line) for line in text.splitlines()]
    return {row["user_id"]: [item["item_id"] for item in row["items"]] for row in rows}


def test_one_history_is_a_table(run: Run) -> None:
    done = run("--history", "a3, a9,a2", "-k", "3")
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines() if line.strip()]
    assert [row[:2] for row in rows if row[0].isdigit()] == [
        [str(rank), item] for rank, item in enumerate(plain_list(["a3", "a9", "a2"], 3), start=1)
    ]
    assert done.err == ""


def test_the_popular_list_and_what_is_passed_over_are_said(run: Run) -> None:
    done = run("--history", "q,r", "--candidates", "a2,a4,z")
    assert "ids of the histories that the model does not know, passed over: 2" in done.err
    assert "histories without a known item, which get the popular list: 1" in done.err
    assert "ids of candidates that the model does not know, passed over: 1" in done.err
    assert run("--history", "q", "--fallback", "none").out.split()[:-1] == [
        *("rank", "item_id", "score")
    ]


def test_titles_stand_beside_the_items_and_are_plain_text(run: Run, tmp_path: Path) -> None:
    titles = [None, *(f"[bold]Film {item}" for item in MODEL.items["item_id"].to_pylist()[1:])]
    titled = MODEL.items.append_column("title", pa.array(titles))
    save_model(tmp_path / "titled", replace(MODEL, items=titled))
    first = titled["item_id"][0].as_py()

    def told(*arguments: str) -> str:
        candidates = ("--candidates", f"{first},a9")
        return run("--history", "a3", *candidates, *arguments, folder=tmp_path / "titled").out

    by_item = {
        row["item_id"]: row["title"] for row in json.loads(told("--format", "json"))["items"]
    }
    assert by_item == {first: None, "a9": "[bold]Film a9"}
    assert "[bold]Film a9" in told()
    assert "None" not in told()


def forms() -> Iterator[tuple[str, bytes]]:
    """The same histories in every form of file; an empty one only where a row is a user."""
    rows = [(user, item, time) for user, items in USERS.items() for time, item in enumerate(items)]
    rows = [rows[1], rows[3], rows[0], rows[2]]  # in order of time again by their timestamps
    yield (
        "long.csv",
        "".join(
            f"{user},{item},{1_600_000_000 + time}\n"
            for user, item, time in [("user_id", "item_id", 0), *rows]
        )
        .replace("item_id,1600000000", "item_id,timestamp")
        .encode(),
    )
    yield "long.tsv", b"item_id\tuser_id\na3\tu\na9\tu\na1\tv\na2\tu\n"
    sink = pa.BufferOutputStream()
    columns = zip(*rows, strict=True)
    names = ["user_id", "item_id", "timestamp"]
    pq.write_table(pa.table([list(column) for column in columns], names=names), sink)
    yield "long.parquet", sink.getvalue().to_pybytes()
    yield (
        "long.jsonl",
        b'{"user_id":"u","item_id":"a3"}\n{"user_id":"u","item_id":"a9"}\n\n'
        + (b'{"user_id":"v","item_id":"a1"}\n{"user_id":"u","item_id":"a2"}\n'),
    )
    yield "wide.csv", b'user_id,history\nu,"a3,a9, a2"\nv,a1\nw,\n'
    yield (
        "wide.jsonl",
        "".join(
            f"{json.dumps({'user_id': user, 'history': items})}\n" for user, items in USERS.items()
        ).encode(),
    )
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"user_id": list(USERS), "history": list(USERS.values())}), sink)
    yield "wide.parquet", sink.getvalue().to_pybytes()


@pytest.mark.parametrize(("name", "content"), [*forms()], ids=[name for name, _ in forms()])
@pytest.mark.parametrize("piped", [False, True])
def test_histories_come_from_any_form_of_file(
    name: str, content: bytes, piped: bool, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    if piped:
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(content)))
    else:
        Path(name).write_bytes(content)
    done = run("--histories", "-" if piped else name, "-k", "4", "--format", "json")
    assert done.code == 0, done.err
    expected = {user: plain_list(items, 4) for user, items in USERS.items()}
    assert lists_in(done.out) == {
        u: expected[u] for u in USERS if name.startswith("wide") or u != "w"
    }


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet"])
def test_lists_go_into_a_file_of_any_form(suffix: str, run: Run) -> None:
    Path("h.jsonl").write_text(
        "".join(f"{json.dumps({'user_id': u, 'history': h})}\n" for u, h in HISTORIES.items())
    )
    file = Path(f"out.{suffix}")
    done = run("--histories", "h.jsonl", "--output", file.name)
    assert (done.code, done.out) == (0, "")
    expected = {user: plain_list(items, 10) for user, items in HISTORIES.items()}
    if suffix == "json":
        assert lists_in(file.read_text()) == expected
        return
    table = pyarrow.csv.read_csv(file) if suffix == "csv" else pq.read_table(file)
    assert table.column_names == ["user_id", "rank", "item_id", "score"]
    assert table["item_id"].to_pylist() == [item for items in expected.values() for item in items]


def test_item_lists_come_from_files(run: Run) -> None:
    Path("some.txt").write_text("a2\n\na4\n")
    Path("own.csv").write_text("user_id,item_id\n0,a4\nx,a2\n")
    done = run("--history", "a1", "--candidates", "some.txt", "--format", "json")
    assert lists_in(done.out) == {"0": plain_list(["a1"], 9, only=["a2", "a4"])}
    done = run(
        "--history", "a1", "--candidates", "a2,a4", "--exclude", "own.csv", "--format", "json"
    )
    assert lists_in(done.out) == {"0": ["a2"]}
    many = ",".join(["a2", "a4"] * 500)  # longer than the name of a file may be
    done = run("--history", "a1", "--candidates", many, "--format", "json")
    assert lists_in(done.out) == {"0": plain_list(["a1"], 9, only=["a2", "a4"])}


def test_an_id_with_a_comma_stands_in_quotes(run: Run, tmp_path: Path) -> None:
    """Quotes within an id, those for inches say, are its own."""
    names = {"a1": "Set, 80 pcs", "a2": 'pipe 5"', "a4": '"Great" cats, the'}
    ids = [names.get(item, item) for item in MODEL.items["item_id"].to_pylist()]
    folder = tmp_path / "named"
    save_model(folder, replace(MODEL, items=MODEL.items.set_column(1, "item_id", pa.array(ids))))
    expected = {"0": [names.get(item, item) for item in plain_list(["a3", "a1", "a2"], 4)]}
    for history in ('a3,"Set, 80 pcs",pipe 5"', 'a3, "Set, 80 pcs","pipe 5"""'):
        done = run("--history", history, "-k", "4", "--format", "json", folder=folder)
        assert (done.err, lists_in(done.out)) == ("", expected)
        cell = history.replace('"', '""')
        Path("h.csv").write_text(f'user_id,history\n0,"{cell}"\n')
        done = run("--histories", "h.csv", "-k", "4", "--format", "json", folder=folder)
        assert (lists_in(done.out), done.err) == (expected, "")
    chosen = ("--candidates", '"Set, 80 pcs","""Great"" cats, the"')
    done = run("--history", "a3", *chosen, "--format", "json", folder=folder)
    assert set(lists_in(done.out)["0"]) == {names["a1"], names["a4"]}
    assert done.err == ""


@pytest.mark.parametrize("name", ["candidates", "exclude"])
def test_a_list_of_ids_may_be_longer_than_a_file_name(name: str, run: Run) -> None:
    items = ["a2", "a4", *(f"sku-{number}" for number in range(60))]
    done = run("--history", "a1", f"--{name}", ",".join(items), "--format", "json")
    chosen = {"only": items} if name == "candidates" else {"out": items}
    assert lists_in(done.out) == {"0": plain_list(["a1"], 10, **chosen)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("", "give either --history a,b,c or --histories FILE"),
        ("--history a1 --histories x.csv", "give either --history"),
        ("--histories absent.csv", "no file absent.csv"),
        (
            "--histories bad.csv",
            "unknown column 'user_id' in the header of bad.csv; known: what, who; name yours, "
            "--columns user=NAME",
        ),
        ("--histories bad.jsonl", "bad.jsonl, line 2 is no JSON"),
        ("--histories list.jsonl", "list.jsonl, line 1: 'history' should be a list"),
        ("--histories keys.jsonl", "no key 'item_id' in keys.jsonl, which has user_id, item"),
        ("--histories empty.csv", "empty.csv is empty"),
        ("--history a1 --columns user", "--columns user: write user=NAME"),
        ("--histories blank.csv", "blank.csv begins with a blank line"),
        ("--histories .", ". is a folder; name a file"),
        ("--histories header.csv", "header.csv holds no interactions"),
        ("--histories broken.parquet", "broken.parquet is no whole Parquet file"),
        ("--history a1 --candidates broken.parquet", "broken.parquet is no whole Parquet file"),
        ("--histories null.jsonl", "None is no id"),
        ("--histories pandas.csv", "holds brackets"),
        ("--histories late.jsonl", "column 'timestamp' is empty in 1 row"),
        ("--histories mixed.jsonl", "mixed.jsonl: the values of key 'timestamp' are of several"),
        ("--histories huge.jsonl", "huge.jsonl: the values of key 'timestamp' are of several"),
        ("--history a1 --exclude whose.csv", "of an item list is empty in 1 row"),
        ("--history a1 --candidates absent.csv", "no file absent.csv"),
        ("--history a1 --candidates bad.csv", "unknown column 'item_id' in bad.csv"),
        ("--history a1 --candidates x,y", "knows none of the candidates"),
        ("--history a1 --exclude x,y", "knows none of the items of exclude"),
        ("--history a1 --exclude ragged.csv", "ragged.csv, line 2: 3 fields instead of 2"),
        ("--history a1 --columns usr=x", "unknown column of --columns 'usr'"),
        ("--history a1 --format xml", "--format xml: choose table, csv, json or parquet"),
        ("--history a1 --format parquet", "--format parquet goes to a file"),
        ("--history a1 --output out.xls", "its name says no form"),
        ("--history a1 --output absent.csv/out.csv --format table", "leave out --output"),
        ('--history a1,"a2', "ids in quotes (unexpected end of data): 'a1,\"a2'; write"),
        ('--history "a1"a2', "ids in quotes (',' expected after '\"')"),
        ("--histories quotes.csv", "ids in quotes (unexpected end of data): 'a1,\"a2'; write"),
        ("--history a1 -k 0", "k should be a whole number from 1"),
        ("--history a1 --device tpu", "unknown device 'tpu'"),
    ],
)
def test_wrong_input_is_one_line(arguments: str, line: str, run: Run) -> None:
    Path("bad.csv").write_text("who,what\nu,a1\n")
    Path("bad.jsonl").write_text('{"history": ["a1"]}\n{"history": [\n')
    Path("list.jsonl").write_text('{"history": "a1"}\n')
    Path("keys.jsonl").write_text('{"user_id": "u", "item": "a1"}\n')
    Path("empty.csv").write_text("")
    Path("quotes.csv").write_text('user_id,history\nu,"a1,""a2"\n')
    Path("ragged.csv").write_text("user_id,item_id\nu,a1,x\n")
    Path("blank.csv").write_text("\n\n")
    Path("header.csv").write_text("user_id,item_id\n")
    Path("broken.parquet").write_bytes(b"PAR1 and no more")
    Path("null.jsonl").write_text('{"history": ["a1", null]}\n')
    Path("pandas.csv").write_text("user_id,history\nu,\"['a1', 'a2']\"\n")
    Path("late.jsonl").write_text(
        '{"user_id": 1, "item_id": "a1"}\n{"user_id": "b", "item_id": "a1", "timestamp": 5}\n'
    )
    rows = '{"user_id": 1, "item_id": "a1", "timestamp": %s}\n'
    Path("mixed.jsonl").write_text(rows % "1700000000" + rows % '"1700000001"')
    Path("huge.jsonl").write_text(rows % 10**30)
    Path("whose.csv").write_text("user_id,item_id\nu,a1\n,a2\n")
    before = sorted(Path().iterdir())
    done = run(*arguments.split())
    assert done.code == 1
    (said,) = done.err.splitlines()
    assert said.startswith("error: ")
    assert line in said
    assert sorted(Path().iterdir()) == before


def test_the_standard_input_is_called_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(b"\n")))
    assert run("--histories", "-").err.startswith("error: the standard input begins with a blank")


def test_a_row_that_cannot_be_read_is_counted(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    Path("h.csv").write_text("user_id,item_id,timestamp\nu,a1,5\nu,a2,soon\n")
    done = run("--histories", "h.csv", "--format", "json", "-k", "3")
    assert lists_in(done.out) == {"u": plain_list(["a1"], 3)}
    assert "passed over 1 row that cannot be read, the first in line 3" in caplog.text


def test_a_folder_that_is_no_model(run: Run, tmp_path: Path) -> None:
    done = run("--history", "a1", folder=tmp_path)
    assert done.code == 1
    assert "no model.safetensors in the model folder" in done.err
