"""The service as a process: its socket, its signals, its log."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any

import torch
import uvicorn

from seqrec.errors import SeqrecError
from seqrec.machine.devices import resolve_device
from seqrec.machine.heap import give_back_freed_memory
from seqrec.service.app import create_app
from seqrec.service.live_model import LiveModel
from seqrec.service.measures import Measures
from seqrec.service.quickening import quicken

logger = logging.getLogger(__name__)

TOKEN = "SEQREC_TOKEN"
"""The environment's variable."""
TIDY_SECONDS = 30
"""How often freed memory is given back."""
SECONDS_TO_END = 8
"""How long requests under way may take once the service must stop: it is to be gone in ten."""


def run_server(folder: Path, host: str, port: int, device: str, graph: bool = False) -> None:
    """Serve a model until a signal ends it.

    Args:
        folder: of one model.
        host: the address to listen at.
        port: 0 takes a free one.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        graph: whether the model's graph answers once it is exported.

    Raises:
        SeqrecError: no model, no such device, an address that cannot be had, or an empty token.
    """
    _write_log()
    token = _token()
    resolve_device(device)
    with _bound(host, port) as listener:
        early = _early_signals()
        live = LiveModel(folder, device)
        _spare_the_waiting()
        asyncio.run(_serve(live, listener, token, graph, early))


def _early_signals() -> list[int]:
    """Return where a SIGHUP is noted that comes before there is a model to replace."""
    early: list[int] = []
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda number, _: early.append(number))
    return early


async def _serve(
    live: LiveModel, listener: socket.socket, token: str | None, graph: bool, early: list[int]
) -> None:
    app = create_app(live, token)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_END,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    beside = Beside()
    if graph:
        beside.start("graph", quicken(live))
    reload = _reload_on_signal(live, app.state.measures, beside, graph)
    _announce(live, listener, token)
    if early:  # what it told of may be newer than what was read
        reload()
    beside.start("tidying", _tidy())
    await _Server(config, beside).serve(sockets=[listener])


async def _tidy() -> None:
    """Give freed memory back, again and again, beside the loop."""
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        await asyncio.to_thread(give_back_freed_memory)


def _spare_the_waiting() -> None:
    """Take out what makes single answers late."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)  # the products of a few histories are too small to be shared
    gc.collect()
    gc.freeze()  # the modules stay: to look through them takes a tenth of a second
    gc.collect()  # a full one waits for a quarter more objects than the last one left


class Beside:
    """What runs beside the answers, by name; one that is started again ends the one before."""

    def __init__(self) -> None:
        self.tasks: dict[str, asyncio.Task[None]] = {}  # the loop itself keeps none

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Start it."""
        if name in self.tasks:
            self.tasks[name].cancel()
        self.tasks[name] = task = asyncio.create_task(work)
        task.add_done_callback(lambda task: self._forget(name, task))

    async def end(self) -> None:
        """Cancel all, and wait until they are gone."""
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    def _forget(self, name: str, task: asyncio.Task[None]) -> None:
        if self.tasks.get(name) is task:
            del self.tasks[name]
        if not task.cancelled() and (error := task.exception()):
            logger.error("%s: %s: %s", name, type(error).__name__, error)


class _Server(uvicorn.Server):
    """Ends what runs beside it too: after its own end the signal that came ends the process."""

    def __init__(self, config: uvicorn.Config, beside: Beside) -> None:
        super().__init__(config)
        self.beside = beside

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests under way end, and all else."""
        await super().shutdown(sockets)
        await self.beside.end()


def _reload_on_signal(
    live: LiveModel, measures: Measures, beside: Beside, graph: bool
) -> Callable[[], None]:
    """Read the model folder again at every SIGHUP; return what does so."""
    reloads = count()  # several in a row are done one after the other

    async def reload() -> None:
        taken_over = await live.reload()
        measures.reloads.labels("taken over" if taken_over else "refused").inc()
        if taken_over and graph:
            beside.start("graph", quicken(live))

    def start() -> None:
        beside.start(f"reload {next(reloads)}", reload())

    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, start)
    return start


def _announce(live: LiveModel, listener: socket.socket, token: str | None) -> None:
    host, port = listener.getsockname()[:2]
    if token is None and not ipaddress.ip_address(host).is_loopback:
        logger.warning("anyone who reaches %s may ask: set %s to a token", host, TOKEN)
    shown = f"[{host}]" if ":" in host else host
    logger.info("%s at http://%s:%d (Ctrl+C ends it)", live.current.name, shown, port)


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket at an address, before anything that takes long.

    Raises:
        SeqrecError: the port is taken, or the address is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        # without the protocol asyncio would hold small answers back for 40 ms
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except (OSError, UnicodeError) as error:  # the second: a name that none can be
        reason = getattr(error, "strerror", None) or str(error)
        raise SeqrecError(
            f"cannot listen at {host}, port {port}: {reason}; name another by --port or --host"
        ) from None
    return listener


def _token() -> str | None:
    """Return the token of the environment without blanks around it, None where it sets none.

    Raises:
        SeqrecError: it is empty, or holds what no header can.
    """
    token = os.environ.get(TOKEN)
    if token is not None and not (token.isascii() and token.isprintable() and token.strip()):
        raise SeqrecError(
            f"{TOKEN} is set to no token; use printable ASCII characters, or unset it"
        )
    return token.strip() if token else None  # no header keeps the blanks around it


def _write_log() -> None:
    """Write the log to stderr, a line an event."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s  %(message)s", force=True
    )
