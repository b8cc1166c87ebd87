"""The exported graph of the model at work, made beside it while torch answers."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from seqrec.errors import SeqrecError
from seqrec.export.graph import PACKAGES
from seqrec.models.parts.face import SequentialModel
from seqrec.service.live_model import LiveModel, ServedModel

logger = logging.getLogger(__name__)

PATIENT = 10
"""The export gets the cores that answers leave over."""


async def quicken(live: LiveModel) -> None:
    """Let the model at work answer by its graph, once that is exported and checked.

    What stands in the way is a line of the log: torch answers as before.
    """
    served = live.current
    if remark := _in_the_way(served):
        logger.info("lists come from torch: %s", remark)
        return
    started = time.perf_counter()
    with TemporaryDirectory(prefix="seqrec-graph-") as folder:
        try:
            graph = await _exported(served.folder, Path(folder) / "export")
            quick = await asyncio.to_thread(_by_graph, served, graph)
        except Exception as error:  # whatever it is, torch still answers
            reason = (str(error) or type(error).__name__).splitlines()[0]
            logger.warning("lists come from torch: %s", reason)
            return
    if live.current is served:
        live.current = quick
        logger.info("lists come from onnxruntime after %.0f s", time.perf_counter() - started)


def _in_the_way(served: ServedModel) -> str | None:
    """Return why a model has no use of a graph, None where it has."""
    recommender = served.recommender
    if not isinstance(recommender.model, SequentialModel):
        return "a model that counts has no graph"
    if recommender.model.looks_things_up:
        return "a model that reads tables has no graph"
    if recommender.device.type != "cpu":
        return f"the model is on {recommender.device}"
    if recommender.trained.protocol == "authors":
        return "protocol authors has rules of its own"
    if any(find_spec(package) is None for package in PACKAGES):
        return "pip install 'seqrec[export]' makes them faster"
    return None


async def _exported(model: Path, folder: Path) -> Path:
    """Return the graph of a model folder, exported by a process of its own.

    In this one the export would hold up answers: most of it is Python.

    Raises:
        SeqrecError: it could not be exported.
    """
    command = ["export", "--model", str(model), "--to", str(folder)]
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-P", "-m", "seqrec", *command],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, process.pid, PATIENT)
        _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()  # what it writes into is taken away next
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else f"exit status {process.returncode}"
        raise SeqrecError(f"no graph could be exported: {reason}")
    return folder / "model.onnx"


def _by_graph(served: ServedModel, graph: Path) -> ServedModel:
    from seqrec.service.graph_lists import GraphRecommender

    quick = GraphRecommender(served.recommender.trained, graph)
    return replace(served, recommender=quick, facts=served.facts | {"lists": "onnxruntime"})
