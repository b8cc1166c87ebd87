"""What a training step, an evaluation and an epoch cost: ``python -m benchmarks.steps --help``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from benchmarks.asking import MOST_THREADS, check_target, device, status_of, whole
from benchmarks.case import LINES, SEQUENCES, Case
from benchmarks.machine import machine
from benchmarks.measure import measure
from benchmarks.plain.training import WITH_PLAIN_FORMS
from benchmarks.real import check
from benchmarks.report import heading, table
from benchmarks.sequences import (
    AUTO,
    BEAUTY_ITEMS,
    BEAUTY_USERS,
    FILES,
    SYNTHETIC,
    find_file,
    make,
    read,
    write_lines,
)
from seqrec.batches import Sequences
from seqrec.losses.by_name import LOSSES
from seqrec.models import MODELS, model_class

MOST_USERS = 10_000_000
"""That can be made up here; ``benchmarks.scale`` is for more."""
LONGEST_HISTORY = 10_000
COMPILE = "auto: on a GPU, and in long runs on CPUs without AVX-512"


@dataclass(frozen=True)
class Data:
    """The sequences of a benchmark, laid down where every process finds them."""

    dataset: str
    description: str
    num_items: int
    num_users: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; return the exit status."""
    options = parse(arguments)
    return status_of(lambda: report(options))


def report(options: argparse.Namespace) -> None:
    """Measure what is asked for and write the figures where they are wanted."""
    check_target(options.json)
    device(options.device)
    with TemporaryDirectory() as folder:
        results = run(options, Path(folder))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def run(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Measure one model after the other, print their tables and return all figures."""
    data = lay_down(options, folder)
    cases = cases_of(options, data, folder)
    for case in cases:
        check(case)
    results = []
    for case in cases:
        facts, described = machine(case.where), asdict(case) | {"data": data.description}
        figures = measure(
            case, versus=options.vs, steps=options.steps, epochs=options.epochs, say=_progress
        )
        print(heading(case.model, data.description, described, facts))
        print(table(figures, gpu=case.where.type == "cuda") + "\n", flush=True)
        del described["folder"]
        by_form: dict[str, Any] = {form: of_form.as_json() for form, of_form in figures.items()}
        results.append({"case": described, "machine": facts} | by_form)
    return results


def cases_of(options: argparse.Namespace, data: Data, folder: Path) -> list[Case]:
    """Return what is measured, a model after the other."""
    return [
        Case(
            model=model,
            dataset=data.dataset,
            protocol=options.protocol,
            folder=str(folder),
            num_items=data.num_items,
            num_users=data.num_users,
            device=options.device,
            threads=options.threads,
            compile=options.compile,
            precision=options.precision,
            loss=options.loss,
            negatives=options.negatives,
            options={"max_len": options.max_len} if options.max_len else {},
        )
        for model in (
            all_models(options.loss, options.vs) if options.model == "all" else [options.model]
        )
    ]


def all_models(loss: str | None, plain: bool) -> list[str]:
    """Return the models that can be trained with a loss, None for their own.

    Args:
        loss: its name.
        plain: those alone that have a plain form, which is written from a paper.
    """
    kinds = {name: model_class(name) for name in MODELS}
    takers = [name for name in kinds if loss is None or loss in (kinds[name].losses or LOSSES)]
    return [name for name in takers if not plain or name in WITH_PLAIN_FORMS]


def lay_down(options: argparse.Namespace, folder: Path) -> Data:
    """Write the sequences as a table and as lines, and say what they are."""
    file = find_file(options.dataset, options.data)
    interactions = read(file) if file else make(options.users, options.items)
    dataset = options.dataset if options.dataset != AUTO else "beauty" if file else SYNTHETIC
    sequences = Sequences.from_table(interactions)
    pq.write_table(interactions, folder / SEQUENCES)
    write_lines(sequences, folder / LINES)
    source = f"from {file.name}" if file else "made up in the shape of Beauty"
    description = (
        f"{dataset} ({source}: {sequences.num_users:,} users, {sequences.num_items:,} items, "
        f"{len(sequences.items):,} interactions)"
    )
    return Data(dataset, description, sequences.num_items, sequences.num_users)


def _progress(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what is asked for on the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.steps",
        description="Time and memory of training and evaluation, with the published settings.",
    )
    add = parser.add_argument
    add("--model", choices=(*MODELS, "all"), default="all")
    add("--dataset", choices=(AUTO, *FILES, SYNTHETIC), default=AUTO, help="auto: Beauty if found")
    add("--data", type=Path, help="a file of sequence lines, a sequences.parquet, or its folder")
    add("--users", type=whole(most=MOST_USERS), default=BEAUTY_USERS, help="of synthetic sequences")
    add("--items", type=whole(most=MOST_USERS), default=BEAUTY_ITEMS, help="of synthetic sequences")
    add("--max-len", type=whole(most=LONGEST_HISTORY), help="instead of the published one")
    add("--protocol", choices=("authors", "standard"), default="authors")
    add("--loss", choices=LOSSES, help="instead of the published one")
    add("--negatives", type=whole(), help="of a loss that draws some")
    add("--vs", action="store_true", help="in turn with the plain form written from the paper")
    add("--threads", type=whole(most=MOST_THREADS), default=1)
    add("--device", choices=("cpu", "cuda", "auto"), default="cpu")
    add("--compile", choices=("auto", "on", "off"), default="auto", help=COMPILE)
    add("--precision", choices=("fp32", "tf32", "bf16"), default="fp32")
    add("--steps", type=whole(), default=30, help="training steps to time")
    add("--epochs", type=whole(0), default=0, help="run so many in full; 0 estimates one")
    add("--json", type=Path, help="where to write all figures")
    options = parser.parse_args(arguments)
    if options.vs and options.loss:
        parser.error("--vs: the plain form has the published loss only; leave out --vs or --loss")
    return options


if __name__ == "__main__":
    sys.exit(main())
