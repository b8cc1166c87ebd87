"""``seqrec add-dataset``: what is asked, shown and written; one line where it cannot be."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from dvc.repo import Repo

from seqrec.__main__ import main
from seqrec.add_dataset.command import add_dataset
from tests.conftest import Finished, Kedro

LOG = "who,what,day\n" + "".join(
    f"u{user},i{(user + step) % 7},2024-01-{step + 1:02d}\n"
    for user in range(7)
    for step in range(6)
)


class Shop(NamedTuple):
    """A project under DVC and a log beside it."""

    root: Path
    log: str

    def block(self, name: str = "shop") -> dict[str, object]:
        file = self.root / f"conf/base/parameters/datasets/{name}.yml"
        return dict(yaml.safe_load(file.read_text())[name]["raw"]["files"][0])

    def left(self) -> list[str]:
        """Return what of a data set is there."""
        raw = [path.name for path in (self.root / "data").rglob("*")]
        blocks = self.root / "conf/base/parameters/datasets"
        return sorted([*raw, *(path.name for path in blocks.glob("shop*"))])


@pytest.fixture
def shop(project: Path, tmp_path: Path) -> Shop:
    Repo.init(str(project), no_scm=True).close()
    log = tmp_path / "shop.csv"
    log.write_text(LOG)
    return Shop(project, str(log))


def run(*arguments: str, answers: str | None = None) -> Finished:
    """Run the command; ``answers`` are typed by a person, None: nobody is there."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("column_choice", "display"):
            name = f"seqrec.add_dataset.{module}.somebody_is_there"
            patch.setattr(name, lambda: answers is not None)
        result = CliRunner().invoke(
            add_dataset, list(arguments), input=answers, catch_exceptions=False
        )
    return Finished(result.exit_code, result.stdout, result.stderr)


def test_a_log_is_shown_asked_about_and_added(shop: Shop) -> None:
    finished = run("shop", shop.log, "--user", "who", answers="y\n")
    assert (finished.code, finished.err) == (0, "")
    block = (shop.root / "conf/base/parameters/datasets/shop.yml").read_text()
    for shown in (
        block,
        "u0    i0    2024-01-01 00:00:00",
        f"data/01_raw/shop/shop.csv: a copy of {shop.log}, {len(LOG):,} bytes",
        "dvc add data/01_raw/shop: DVC keeps the file",
        "Write this? [y/N]: y",
        "  kedro run --params dataset=shop\n  dvc repro    # every model listed\n",
    ):
        assert shown in finished.out
    assert shop.block()["columns"] == {"user": "who", "item": "what", "timestamp": "day"}
    assert shop.left() == ["01_raw", "shop", "shop.csv", "shop.dvc", "shop.yml"]


def test_the_pipelines_take_what_was_added(shop: Shop, kedro: Kedro) -> None:
    columns = ("--user", "who", "--item", "what", "--timestamp", "day")
    assert run("shop", shop.log, *columns, "--yes").code == 0
    finished = kedro("run", "--pipelines", "ingestion,filtering", "--params", "dataset=shop")
    assert finished.code == 0
    table = pq.read_table(shop.root / "data/03_primary/shop/core_interactions.parquet")
    assert (len(table), len(table["user_id"].unique())) == (42, 7)


def test_a_name_that_is_taken_is_said_before_the_options(shop: Shop) -> None:
    columns = ("--user", "who", "--item", "what", "--timestamp", "day")
    assert run("shop", shop.log, *columns, "--yes").code == 0
    for options in (columns, columns[2:], ("--separator", ","), ()):
        finished = run("shop", shop.log, *options, "--yes")
        assert finished.code == 1
        assert "shop.dvc is there already; for newer rows write them into" in finished.err
        assert f"{Path('data/01_raw/shop/shop.csv')} and run" in finished.err


@pytest.mark.parametrize(
    ("text", "answers", "shown", "columns"),
    [
        (
            LOG,
            "whoo who",
            "Which column holds the users? (who, what): whoo|did you mean 'who'?",
            {"user": "who", "item": "what", "timestamp": "day"},
        ),
        (
            "a,b,c,day\nu,i,x,2024-01-01\n",
            "b b a",
            "column 'b' is named twice",
            {"user": "b", "item": "a", "timestamp": "day"},
        ),
        (
            "user,item\na,b\n",
            "none",
            "Which column holds the timestamps? (none if the rows stand in order)",
            {"user": "user", "item": "item", "timestamp": None},
        ),
        (
            "user,artist_id,track_id,ts\na,b,c,1398556800\n",
            "track_id",
            "Which column holds the items? (artist_id, track_id): track_id",
            {"user": "user", "item": "track_id", "timestamp": "ts"},
        ),
    ],
)
def test_columns_that_are_not_clear_are_asked_for(
    shop: Shop, text: str, answers: str, shown: str, columns: dict[str, str | None]
) -> None:
    Path(shop.log).write_text(text)
    finished = run("shop", shop.log, answers="\n".join([*answers.split(), "y\n"]))
    assert finished.code == 0
    assert all(part in finished.out + finished.err for part in shown.split("|"))
    assert shop.block()["columns"] == columns


@pytest.mark.parametrize("answers", ["n\n", "", None])
def test_no_is_no(shop: Shop, answers: str | None) -> None:
    finished = run("shop", shop.log, "--user", "who", answers=answers)
    assert finished.code == 1
    assert shop.left() == []
    if answers is None:
        line = "error: nothing was written, for nobody can be asked here; add --yes\n"
        assert finished.err == line


def test_the_options_are_written_down(shop: Shop, tmp_path: Path) -> None:
    log = tmp_path / "odd.txt"
    log.write_text("a\tb\tc\td\nu\ti\t1398556800\t4\n")
    names = ("--user", "a", "--item", "b", "--timestamp", "c", "--rating", "d")
    finished = run("shop", str(log), *names, "--separator", r"\t", "--yes")
    assert finished.code == 0
    assert shop.block() == {
        "name": "odd.txt",
        "reader": "table",
        "separator": "\t",
        "columns": {"user": "a", "item": "b", "timestamp": "c", "rating": "d"},
    }


def test_a_configured_data_set_takes_its_file(shop: Shop, tmp_path: Path) -> None:
    log = tmp_path / "u.data"
    log.write_text("196\t242\t3\t881250949\n")
    blocks = shop.root / "conf/base/parameters/datasets"
    before = {path.name: path.read_bytes() for path in blocks.iterdir()}
    finished = run("movielens-100k", str(log), "--yes")
    assert (finished.code, finished.err) == (0, "")
    assert "data set 'movielens-100k' is configured already" in finished.out
    assert (shop.root / "data/01_raw/movielens-100k/u.data").read_text() == log.read_text()
    assert (shop.root / "data/01_raw/movielens-100k.dvc").is_file()
    assert {path.name: path.read_bytes() for path in blocks.iterdir()} == before
    listed = yaml.safe_load((shop.root / "conf/base/globals.yml").read_text())["datasets"]
    assert listed.count("movielens-100k") == 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("shop none.csv", "none.csv: no such file; check its path"),
        ("shop data", "data is a folder; name the file in it"),
        (
            "shop LOG",
            "LOG: which column holds the users, the items is not clear from who, what, day;"
            " add --user COLUMN --item COLUMN",
        ),
        ("shop LOG --user woh", "unknown column 'woh' in LOG; did you mean 'who'?"),
        (
            "shop LOG --user who --item who",
            "column 'who' is named twice; --item has to be another one",
        ),
        ("shop LOG --reader tabel", "unknown reader 'tabel'; did you mean 'table'?"),
        (
            "shop LOG --reader yelp_reviews --user who",
            "LOG: reader 'yelp_reviews' knows its columns; leave out --user, or give --reader table"
            " if the first line names the columns",
        ),
        (
            "beauty LOG --item what",
            "data set 'beauty' is configured, which says how its file is read; leave out --item,"
            " or give the data set another name",
        ),
        (
            "shop LOG --separator ::",
            "--separator '::' is not one character, as a table's has to be; name another one",
        ),
    ],
)
def test_one_line_and_nothing_written(shop: Shop, arguments: str, line: str) -> None:
    finished = run(*arguments.replace("LOG", shop.log).split(), "--yes")
    assert (finished.code, finished.out) == (1, "")
    assert finished.err == f"error: {line.replace('LOG', shop.log)}\n"
    assert shop.left() == []


def test_outside_of_a_project_and_from_a_folder_of_it(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    finished = run("shop", shop.log, "--yes")
    assert finished.code == 1
    assert finished.err.startswith(f"error: no project in {tmp_path} or above it")
    monkeypatch.chdir(shop.root / "conf")
    assert run("shop", "../../shop.csv", "--user", "who", "--yes").code == 0
    assert (shop.root / "data/01_raw/shop/shop.csv").read_text() == LOG


def test_it_is_a_command_of_seqrec(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["add-dataset", "shop", "none.csv"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: none.csv: no such file; check its path\n"


def test_its_help_needs_neither_kedro_nor_arrow() -> None:
    code = (
        "import sys; from seqrec.add_dataset.command import add_dataset\n"
        "try: add_dataset(['--help'])\n"
        "finally: print({'kedro', 'pyarrow', 'dvc'} & set(sys.modules), file=sys.stderr)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Make FILE the data set NAME" in finished.stdout
    assert finished.stderr == "set()\n"
