"""``seqrec serve`` under load: how long answers take, which rate it holds, whether it grows.

    python -m benchmarks.serve_load MODEL_FOLDER                       # 100 a second, half a minute
    python -m benchmarks.serve_load MODEL_FOLDER --search              # the highest rate it holds
    python -m benchmarks.serve_load MODEL_FOLDER --rate 300 --minutes 10
    python -m benchmarks.serve_load MODEL_FOLDER --no-graph            # all of it by torch

The service runs on loopback in a process of its own, the load in this one, on the same cores. The
load is open: requests are sent when they are due (exponential gaps), whatever the answers before
them do, and a time is that from when a request was due. Histories are of 1 to 50 items.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch

from benchmarks.machine import machine
from seqrec.models.folder import load_model

HELD_MS = 50.0
"""p99 up to which a rate counts as held."""
SEARCH_SECONDS = 10.0
WARM_SECONDS = 3.0
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Measured:
    """One run of the load."""

    rate: float
    milliseconds: np.ndarray[tuple[int], np.dtype[np.float64]]
    errors: int
    seconds: float
    megabytes: list[float]
    """Of the service, each second."""

    def quantile(self, share: float) -> float:
        return float(np.quantile(self.milliseconds, share)) if len(self.milliseconds) else np.inf

    @property
    def held(self) -> bool:
        answered = len(self.milliseconds) / self.seconds
        return self.errors == 0 and self.quantile(0.99) <= HELD_MS and answered > 0.9 * self.rate

    def line(self) -> str:
        quantiles = "  ".join(
            f"{name} {self.quantile(share):.1f}"
            for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))
        )
        fifths = np.linspace(0, len(self.megabytes) - 1, 6).astype(int)
        resident = " ".join(f"{self.megabytes[place]:.0f}" for place in fifths)
        return (
            f"{self.rate:6.0f}/s  {len(self.milliseconds):,} answers, {self.errors} errors  "
            f"{quantiles} ms  resident {resident} MB"
        )


@contextmanager
def served(folder: Path, graph: bool) -> Iterator[tuple[int, psutil.Process]]:
    """Run the service, and yield its port and its process once the lists come fast."""
    command = [sys.executable, "-c", "from seqrec.commands import cli; cli()"]
    process = subprocess.Popen(
        [*command, "serve", str(folder), "--port", "0", "--graph" if graph else "--no-graph"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        if "http://" not in line:
            sys.exit(f"the service did not start: {line.strip()}")
        if graph:
            print(process.stderr.readline().split("  ", 1)[1], end="", flush=True)
        yield (
            int(line.split("http://")[1].split()[0].rsplit(":", 1)[1]),
            psutil.Process(process.pid),
        )
    finally:
        process.terminate()
        process.wait()


def requests_of(folder: Path, count: int = 2000) -> list[bytes]:
    """Return requests for lists after random histories, as bytes."""
    items = load_model(folder).items["item_id"].to_pylist()
    rng = np.random.default_rng(0)
    made = []
    for length in rng.integers(1, 51, count):
        history = [items[number] for number in rng.integers(0, len(items), length)]
        body = json.dumps({"history": history, "k": 10}).encode()
        head = f"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        made.append(head.encode() + body)
    return made


class Load:
    """Sends requests over a pool of connections that stay open."""

    def __init__(self, port: int, requests: list[bytes]) -> None:
        self.port, self.requests = port, requests
        self.idle: list[Connection] = []
        self.milliseconds: list[float] = []
        self.errors = 0

    async def ask(self, number: int, due: float) -> None:
        """Send one request, and note how long its answer took."""
        request = self.requests[number % len(self.requests)]
        try:
            status = await self._answered(request)
        except (OSError, asyncio.IncompleteReadError):
            self.errors += 1
            return
        self.milliseconds.append(1000 * (time.perf_counter() - due))
        self.errors += b" 200 " not in status

    async def _answered(self, request: bytes) -> bytes:
        """Return the status line of the answer; an idle connection may have been closed."""
        while self.idle:
            connection = self.idle.pop()
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                return await self._exchange(connection, request)
        return await self._exchange(await asyncio.open_connection("127.0.0.1", self.port), request)

    async def _exchange(self, connection: Connection, request: bytes) -> bytes:
        reader, writer = connection
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        self.idle.append(connection)
        return head.split(b"\r\n")[0]

    async def run(self, rate: float, seconds: float, process: psutil.Process) -> Measured:
        """Send requests at a rate for a while."""
        gaps = np.random.default_rng(1).exponential(1 / rate, int(rate * seconds))
        started = time.perf_counter()
        tasks, megabytes = set(), [process.memory_info().rss / 1e6]
        for number, due in enumerate((started + gaps.cumsum()).tolist()):
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(self.ask(number, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            if due - started > len(megabytes):
                megabytes.append(process.memory_info().rss / 1e6)
        await asyncio.gather(*tasks)
        megabytes.append(process.memory_info().rss / 1e6)
        for _, writer in self.idle:
            writer.close()
        elapsed = time.perf_counter() - started
        return Measured(rate, np.array(self.milliseconds), self.errors, elapsed, megabytes)


def measured(
    port: int, process: psutil.Process, requests: list[bytes], rate: float, seconds: float
) -> Measured:
    result = asyncio.run(Load(port, requests).run(rate, seconds, process))
    print(result.line(), flush=True)
    return result


def highest_rate(port: int, process: psutil.Process, requests: list[bytes]) -> float:
    """Return the highest rate held: doubled until it is not, then halved in between."""
    low, high = 0.0, 100.0
    while measured(port, process, requests, high, SEARCH_SECONDS).held:
        low, high = high, 2 * high
    while high - low > max(10.0, 0.05 * low):
        middle = (low + high) / 2
        if measured(port, process, requests, middle, SEARCH_SECONDS).held:
            low = middle
        else:
            high = middle
    return low


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serve_load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second")
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--search", action="store_true", help="the highest rate held")
    parser.add_argument("--graph", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args(arguments)
    requests = requests_of(options.folder)
    facts = machine(torch.device("cpu")) | {"load before": f"{psutil.getloadavg()[0]:.1f}"}
    print(", ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
    with served(options.folder, options.graph) as (port, process):
        asyncio.run(Load(port, requests).run(50.0, WARM_SECONDS, process))
        if options.search:
            rate = highest_rate(port, process, requests)
            print(f"held at p99 <= {HELD_MS:.0f} ms: {rate:.0f} requests a second")
        else:
            measured(port, process, requests, options.rate, 60 * options.minutes)


if __name__ == "__main__":
    main()
