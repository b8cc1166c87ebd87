"""What an exported model costs, and how near its lists come to the model's own.

``python -m benchmarks.export`` exports every model with its default settings and weights drawn at
random, compares a thousand lists as the export itself does, and times onnxruntime on one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import pyarrow as pa
import torch

from benchmarks.sequences import BEAUTY_ITEMS
from seqrec.export.export_folder import GRAPH, Export, write_export
from seqrec.export.list_check import lists_of_graph, lists_of_model, random_histories
from seqrec.models import MODELS, build_model
from seqrec.models.folder import TrainedModel

SPREAD = 0.1
"""Added to the weights as drawn, so that all of them matter."""
LENGTH, CALLS = 20, 200


class Row(NamedTuple):
    """One line of the table."""

    model: str
    seconds: float
    """Of this process, for the export and its check."""
    megabytes: float
    in_another_order: int
    """Of the thousand lists."""
    apart: float
    """The largest distance of two scores, as a share of the list's largest."""
    one: float
    """Milliseconds for one history."""
    many: float
    """For 64."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--protocol", default="standard", choices=("standard", "authors"))
    parser.add_argument("--items", type=int, default=BEAUTY_ITEMS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print("model      seconds     MB  in another order    apart   1 history  64 histories")
    for name in options.models:
        row = measure(trained(name, options.protocol, options.items))
        print(
            f"{row.model:<10} {row.seconds:7.1f} {row.megabytes:6.1f} {row.in_another_order:17} "
            f"{row.apart:8.1e} {row.one:8.2f} ms {row.many:10.1f} ms",
            flush=True,
        )


def trained(name: str, protocol: str, items: int) -> TrainedModel:
    torch.manual_seed(0)
    model = build_model(name, {}, protocol, items, num_users=1).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight), alpha=SPREAD)
    numbers = np.arange(1, items + 1)
    table = pa.table({"item_index": numbers, "item_id": numbers, "interactions": numbers})
    facts: tuple[Any, ...] = ("random", items, 1, "", 0, 0, "NDCG@20", None)
    return TrainedModel(model, table, name, {}, protocol, *facts)


def measure(model: TrainedModel) -> Row:
    with TemporaryDirectory() as folder:
        place = Path(folder, "model")
        before = time.process_time()
        write_export(place, Export(model))
        seconds = time.process_time() - before
        graph = place / GRAPH
        histories = random_histories(len(model.items), model.model.config.max_len)
        found, expected = lists_of_graph(graph, histories), lists_of_model(model, histories)
        differ = int((found.items != expected.items).any(axis=1).sum())
        largest = np.abs(expected.scores).max(axis=1, keepdims=True)
        apart = float((np.abs(found.scores - expected.scores) / largest).max())
        one, many = (milliseconds(caller(graph, len(model.items), rows)) for rows in (1, 64))
        return Row(model.model_name, seconds, graph.stat().st_size / 1e6, differ, apart, one, many)


def caller(graph: Path, items: int, rows: int) -> Callable[[], Any]:
    """Return a function that asks for the lists of so many histories, on one thread."""
    one_thread = onnxruntime.SessionOptions()
    one_thread.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, one_thread)
    histories = np.random.default_rng(0).integers(1, items + 1, (rows, LENGTH))
    asked = {"histories": histories, "k": np.array([10]), "keep_seen": np.array(False)}
    if any(given.name == "users" for given in session.get_inputs()):
        asked["users"] = np.zeros(rows, np.int64)
    return lambda: session.run(["items", "scores"], asked)


def milliseconds(call: Callable[[], Any]) -> float:
    times = []
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e3 * median(times)


if __name__ == "__main__":
    main()
