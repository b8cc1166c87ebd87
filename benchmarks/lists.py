"""Lists for everybody: their time beside that of an evaluation, and their memory.

``python -m benchmarks.lists`` measures both in turns on one data set; with ``--memory`` the lists
alone and the most memory of this process, ``--dataset synthetic --users 1000000 --items 1000000``.
The weights are as drawn: what a list costs does not depend on them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from benchmarks.clock import Timing, middle, timed
from benchmarks.memory import highest_resident
from benchmarks.sequences import (
    AUTO,
    BEAUTY_ITEMS,
    BEAUTY_USERS,
    FILES,
    SYNTHETIC,
    find_file,
    make,
    read,
)
from benchmarks.settings import published
from seqrec.batches import Sequences
from seqrec.evaluation.evaluate import EVALUATED, rank_splits
from seqrec.models import MODELS, build_model
from seqrec.models.folder import TrainedModel
from seqrec.parameters.sections import EvaluationOptions, RecommendationOptions
from seqrec.recommendation.everybody import Everybody
from seqrec.recommendation.recommender import Recommender

CPU = torch.device("cpu")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for, and print it."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    sequences = data(options)
    model = trained(options, sequences)
    everybody = lists_of(model, sequences, options)
    with TemporaryDirectory() as folder:

        def write() -> int:
            return everybody.write(Path(folder, "lists.parquet"))

        if options.memory:
            print(memory(write, len(everybody), sequences))
        else:
            print(beside_evaluation(model, sequences, write, options.rounds))


def data(options: argparse.Namespace) -> Sequences:
    """Return the sequences to measure on."""
    file = find_file(options.dataset, options.data)
    table = read(file) if file else make(options.users, options.items)
    return Sequences.from_table(table, None if file else options.items)


def trained(options: argparse.Namespace, sequences: Sequences) -> TrainedModel:
    """Return the model with its published settings, as drawn."""
    torch.manual_seed(0)
    told: dict[str, Any] = dict(published(options.model, "beauty").model_options)
    told |= {"dim": options.dim} if options.dim else {}
    size = (sequences.num_items, sequences.num_users)
    model = build_model(options.model, told, options.protocol, *size).eval()
    numbers = pa.array(np.arange(1, sequences.num_items + 1))
    return TrainedModel(
        model=model,
        items=pa.table({"item_index": numbers, "item_id": numbers.cast(pa.string())}),
        model_name=options.model,
        options=told,
        protocol=options.protocol,
        dataset=options.dataset,
        num_items=sequences.num_items,
        num_users=sequences.num_users,
        data_fingerprint=sequences.fingerprint(),
        seed=0,
        best_epoch=0,
        monitor="NDCG@20",
        best_value=0.0,
    )


def lists_of(model: TrainedModel, sequences: Sequences, options: argparse.Namespace) -> Everybody:
    """Return everybody, or the first so many of them."""
    names = pa.array(np.arange(1, sequences.num_users + 1)).cast(pa.string())
    told = RecommendationOptions(k=options.k)
    everybody = Everybody(Recommender(model, device="cpu"), sequences, names, told)
    if options.first:
        everybody.numbers = everybody.numbers[: options.first]
        everybody.names = everybody.names[: options.first]
    return everybody


def memory(write: Callable[[], int], users: int, sequences: Sequences) -> str:
    """Return what the lists alone take."""
    before, started = highest_resident(), time.perf_counter()
    rows = write()
    seconds = time.perf_counter() - started
    return (
        f"{users:,} lists, {rows:,} rows, {sequences.num_items:,} items, "
        f"{sequences.num_users:,} users, {len(sequences.items):,} interactions: {seconds:.0f} s; "
        f"most memory {highest_resident():,.0f} MiB, {before:,.0f} MiB before the first list"
    )


def beside_evaluation(
    model: TrainedModel, sequences: Sequences, write: Callable[[], int], rounds: int
) -> str:
    """Return the times of an evaluation of one split and of all lists, measured in turns."""
    options = EvaluationOptions()

    def evaluate() -> object:
        return rank_splits(model.model, sequences, options=options, device="cpu")

    evaluate()
    write()
    timings: list[tuple[Timing, Timing]] = []
    for _ in range(rounds):
        both = timed(evaluate, CPU)[1].times(1 / len(EVALUATED))
        timings.append((both, timed(write, CPU)[1]))
        print(f"one split {timings[-1][0].cpu:.2f} s of CPU, lists {timings[-1][1].cpu:.2f} s")
    split, lists = (middle([pair[i] for pair in timings]) for i in (0, 1))
    ratios = [pair[1].cpu / pair[0].cpu for pair in timings]
    return (
        f"medians: one split {split.cpu:.2f} s, lists {lists.cpu:.2f} s, "
        f"ratio {np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what is asked for on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lists",
        description="Lists for everybody: time beside an evaluation, and memory.",
    )
    add = parser.add_argument
    add("--model", choices=tuple(MODELS), default="bsarec")
    add("--protocol", choices=("standard", "authors"), default="standard")
    add("--dataset", choices=(AUTO, SYNTHETIC, *FILES), default=AUTO)
    add("--data", type=Path, help="the file of the sequences, or its folder")
    add("--users", type=int, default=BEAUTY_USERS, help="of made-up sequences")
    add("--items", type=int, default=BEAUTY_ITEMS, help="of made-up sequences")
    add("--dim", type=int, help="instead of the published one")
    add("-k", type=int, default=20)
    add("--first", type=int, help="only the lists of so many users")
    add("--rounds", type=int, default=3)
    add("--threads", type=int, default=1)
    add("--memory", action="store_true", help="the lists alone, and the most memory they take")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
