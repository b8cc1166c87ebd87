"""What bounds a training step on the CPU: its operations by kind.

    python -m benchmarks.bounds --model sasrec --dataset beauty --data FILE --protocol standard

Times are those that torch's profiler gives each operation for itself. It makes calls dearer, so
their part is at most what is said; the step's own time is taken without it.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from torch.profiler import ProfilerActivity, profile

from benchmarks.asking import MOST_THREADS, status_of, whole
from benchmarks.case import Case, prepare
from benchmarks.clock import timed
from benchmarks.machine import machine
from benchmarks.measure import WARM_UP
from benchmarks.real import Real, check, read
from benchmarks.sequences import AUTO, FILES, SYNTHETIC
from benchmarks.steps import cases_of, lay_down
from benchmarks.steps import parse as parse_steps
from seqrec.models import MODELS

CALLS, PASSES = "calls", "passes"
OPERATIONS = {
    "products": "mm addmm mv addmv mkldnn_linear _mkldnn_linear convolution mkldnn_convolution "
    "_convolution convolution_backward",
    "small products": "bmm baddbmm",
    "exponentials": "_softmax _softmax_backward_data _log_softmax _log_softmax_backward_data "
    "exp exp_ log log_ logsumexp gelu gelu_backward sigmoid sigmoid_ sigmoid_backward tanh tanh_ "
    "tanh_backward log_sigmoid_forward log_sigmoid_backward softplus softplus_backward",
    "looked up": "index index_select gather embedding embedding_dense_backward _index_put_impl_ "
    "index_add_ scatter_add_ scatter_ index_select_backward sort argsort cumsum nonzero _unique2 "
    "unique searchsorted bincount repeat_interleave topk",
    "drawn": "random_ bernoulli_ uniform_ normal_ randint randperm multinomial bitwise_and "
    "bitwise_or native_dropout native_dropout_backward",
    "Adam": "_fused_adam_ _foreach_add_",
    CALLS: "view as_strided transpose t slice select empty empty_strided empty_like reshape to "
    "_to_copy unsqueeze squeeze expand split unsafe_split split_with_sizes detach resolve_conj "
    "resolve_neg narrow alias zeros zeros_like ones permute unbind chunk linear contiguous "
    "result_type flatten _unsafe_view unsafe_chunk clone item _local_scalar_dense gru lstm "
    "matmul einsum slice_backward select_backward new_zeros new_empty full arange layer_norm "
    "dropout softmax zero_ set_ lift_fresh detach_",
}
"""What torch calls its operations; what is named nowhere goes through arrays once: a pass."""
KINDS = {kind: frozenset(names.split()) for kind, names in OPERATIONS.items()}
KINDS_IN_ORDER = (
    "products", "small products", "exponentials", PASSES, "looked up", "drawn", "Adam", CALLS
)  # fmt: skip


class Bounds(NamedTuple):
    """A step by the kinds of its operations."""

    milliseconds: float
    """Of a step, without the profiler."""
    shares: dict[str, float]
    """Of what the profiler saw, by kind."""
    operations: float
    """How many a step calls."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark as the command line says; return the exit status."""
    options = parse(arguments)
    return status_of(lambda: run(options))


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", choices=(*MODELS, "all"), default="all")
    parser.add_argument("--dataset", choices=(AUTO, *FILES, SYNTHETIC), default=SYNTHETIC)
    parser.add_argument("--data", type=Path, help="as of benchmarks.steps")
    parser.add_argument("--protocol", default="standard", choices=["standard", "authors"])
    parser.add_argument("--threads", type=whole(most=MOST_THREADS), default=1)
    parser.add_argument("--steps", type=whole(), default=6)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> None:
    """Measure one model after the other, and print a line of each."""
    asked = ["--model", options.model, "--dataset", options.dataset, "--protocol", options.protocol]
    asked += ["--data", str(options.data)] if options.data else []
    with TemporaryDirectory() as folder:
        steps = parse_steps(asked)
        cases = cases_of(steps, lay_down(steps, Path(folder)), Path(folder))
        print(f"{cases[0].dataset}, {options.protocol}; {machine(cases[0].where)}")
        print("| | step, ms | " + " | ".join(KINDS_IN_ORDER) + " | operations |")
        print("| --- " + "| ---: " * (len(KINDS_IN_ORDER) + 2) + "|")
        for case in cases:
            check(case)
            bounds = measured(replace(case, threads=options.threads), options.steps)
            print(line(case.model, bounds), flush=True)


def measured(case: Case, steps: int) -> Bounds:
    """Return what the steps of a model consist of."""
    prepare(case)
    form = Real(case, read(case))
    batches = [form.batch() for _ in range(steps)]

    def work() -> None:
        for batch in batches:
            form.step(batch)

    for _ in range(max(1, WARM_UP // steps)):
        work()
    milliseconds = 1e3 * timed(work, case.where)[1].wall / steps
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        work()
    seen = [(e.key, e.self_cpu_time_total, e.count) for e in profiled.key_averages()]
    return Bounds(
        milliseconds,
        shares((name, time) for name, time, _ in seen),
        sum(count for name, _, count in seen if name.startswith("aten::")) / steps,
    )


def shares(times: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return the share of each kind in the times of operations."""
    sums: dict[str, float] = defaultdict(float)
    for name, time in times:
        sums[kind_of(name)] += time
    whole_time = sum(sums.values())
    return {kind: sums[kind] / whole_time for kind in KINDS_IN_ORDER}


def kind_of(name: str) -> str:
    """Return the kind of an operation; what is not torch's own is a call."""
    library, _, operation = name.rpartition("::")
    if library != "aten":
        return CALLS
    return next((kind for kind, names in KINDS.items() if operation in names), PASSES)


def line(model: str, bounds: Bounds) -> str:
    """Return a row of the table."""
    parts = [f"{100 * bounds.shares[kind]:.0f} %" for kind in KINDS_IN_ORDER]
    figures = [f"{bounds.milliseconds:.0f}", *parts, f"{bounds.operations:,.0f}"]
    return f"| {model} | " + " | ".join(figures) + " |"


if __name__ == "__main__":
    sys.exit(main())
