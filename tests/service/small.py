"""A small trained model with titles, and the service of a folder in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from seqrec.models.folder import save_model
from seqrec.training import TrainingData, train
from tests.conftest import ROOT
from tests.trainings import LOG, graph_of, settings

TITLES = [
    *("Amélie (2001)", "Alien (1979)", "Aliens (1986)", "Matrix, The (1999)", "Up (2009)"),
    *("Heat (1995)", "Big (1988)", "Se7en (1995)", "Fargo (1996)", "M (1931)", "<b>Jaws</b>", None),
]
ITEMS = pa.table(
    {
        "item_index": range(1, LOG.num_items + 1),
        "item_id": [f"i{number}" for number in range(1, LOG.num_items + 1)],
        "title": TITLES,
    }
)


def saved(folder: Path, seed: int = 42, *, titles: bool = True) -> Path:
    """Train a model, and return the folder it is saved in."""
    items = ITEMS if titles else ITEMS.drop(["title"])
    data = TrainingData("films", LOG, items, graph_of(LOG))
    save_model(folder, train(data, settings(), seed).trained)
    return folder


class Served(NamedTuple):
    """A service that runs."""

    port: int
    process: subprocess.Popen[str]
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and content of an answer, parsed where it is JSON."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        is_json = answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(content) if is_json else content.decode()

    def lines(self) -> list[str]:
        """The log's lines without their times."""
        return [line.partition("  ")[2] or line for line in self.log.read_text().splitlines()]


@contextmanager
def serving(model: Path, log: Path, *, graph: bool = False, **environment: str) -> Iterator[Served]:
    """Run ``seqrec serve`` on a free port."""
    options = ["--port", "0", "--device", "cpu", "--graph" if graph else "--no-graph"]
    code = "from seqrec.commands import cli; cli()"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", code, "serve", str(model), *options],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
            stderr=stream,
            text=True,
        )
    try:
        yield Served(port_in(log, process), process, log)
    finally:
        process.terminate()
        process.wait(timeout=30)


def port_in(log: Path, process: subprocess.Popen[str]) -> int:
    while "http://" not in log.read_text():
        if process.poll() is not None:
            raise AssertionError(log.read_text())
        with_patience(process)
    return int(log.read_text().split("http://")[1].split()[0].rpartition(":")[2])


def with_patience(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(timeout=0.05)
    except subprocess.TimeoutExpired:
        return
