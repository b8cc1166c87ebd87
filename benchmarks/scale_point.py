"""One point of ``benchmarks.scale``, in a process of its own: ``python -m benchmarks.scale_point``.

The peak of a process never falls, so a process measures one point, and reads its sequences from
a file: making them up would take more memory than having them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from benchmarks import ROOT
from benchmarks.asking import reason
from benchmarks.clock import Timing, middle, timed
from benchmarks.memory import MIB, highest_resident
from benchmarks.real import Source
from benchmarks.sequences import LONGEST, SCALE, SHORTEST, SYNTHETIC, TAIL
from benchmarks.settings import Setting, published
from benchmarks.synthetic_log import SCRAMBLE, SKEW
from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.losses import CrossEntropy, ItemLoss, Seen
from seqrec.losses.sampled_softmax import SampledSoftmax
from seqrec.machine.devices import resolve_device
from seqrec.models import model_class
from seqrec.models.parts.face import SequentialModel
from seqrec.training.loop import training_batches
from seqrec.training.step import TrainingStep

Loss = Literal["full", "sampled"]
Figures = dict[str, float]

NEGATIVES = 1024
GPU_BLOCK = 20
"""Steps between two waits for a GPU."""
FEWEST, SECONDS = 3, 30.0
"""Steps are timed until there are enough or so long is over, but never fewer."""


@dataclass(frozen=True)
class Point:
    """What one process measures."""

    model: str
    loss: Loss
    """Over all items, or over a sample of them."""
    items: int
    users: int
    max_len: int
    full: bool
    """Sequences so long that every history has max_len items; else the lengths of Beauty."""
    device: str
    threads: int
    steps: int

    @property
    def where(self) -> torch.device:
        """The device."""
        return resolve_device(self.device)

    @property
    def setting(self) -> Setting:
        """The published settings; weight decay would need all item vectors in every step."""
        setting = published(self.model, SYNTHETIC)
        options = setting.model_options | {"max_len": self.max_len}
        if self.loss == "sampled" and "l2" in options:
            options["l2"] = 0.0
        return replace(setting, model_options=options)


@dataclass(frozen=True)
class Options:
    """What a step needs of the section ``training``."""

    batch_size: int
    learning_rate: float
    loss: str
    precision: str = "fp32"
    compile: str = "off"
    weight_decay: float = 0.0


def draw(point: Point, seed: int = 0) -> Sequences:
    """Return made-up sequences: popularity and lengths with long tails, leave-one-out."""
    rng = np.random.default_rng(seed)
    tails = (rng.pareto(TAIL, point.users) * SCALE).astype(np.int64)
    lengths = np.minimum(SHORTEST + tails, LONGEST)
    if point.full:
        lengths[:] = 2 * point.max_len + 2
    ends = np.cumsum(lengths)
    ranks = (point.items * rng.random(ends[-1]) ** SKEW).astype(np.int64)
    split = np.zeros(ends[-1], dtype=np.int8)
    split[ends - 2], split[ends - 1] = 1, 2
    return Sequences(
        items=(ranks * SCRAMBLE % point.items + 1).astype(np.int32),
        offsets=np.concatenate([[0], ends]),
        split=split,
        num_items=point.items,
    )


def write(sequences: Sequences, file: Path) -> None:
    """Write the arrays to a file."""
    np.savez(file, items=sequences.items, offsets=sequences.offsets, split=sequences.split)


def read(file: Path, num_items: int) -> Sequences:
    """Read them again."""
    with np.load(file) as arrays:
        return Sequences(arrays["items"], arrays["offsets"], arrays["split"], num_items)


def measured_apart(point: Point, file: Path) -> Figures:
    """Measure a point on the sequences of a file, in a process of its own.

    Raises:
        SeqrecError: the process failed.
    """
    text = json.dumps(asdict(point))
    command = [sys.executable, "-m", "benchmarks.scale_point", text, str(file)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if finished.returncode:
        why = reason(finished.returncode, finished.stderr)
        raise SeqrecError(f"{text} failed: {why}; choose other sizes or options")
    figures: Figures = json.loads(finished.stdout.splitlines()[-1])
    return figures


def measure(point: Point, file: Path) -> Figures:
    """Measure a point: milliseconds, seconds and MiB, and how much data there is."""
    torch.set_num_threads(point.threads)
    torch.manual_seed(0)
    memory = Memory(point.where)
    sequences = read(file, point.items)
    model = build(point)
    memory.before_batches()
    source, building = timed(lambda: training_batches(sequences, model, point.where), point.where)
    memory.after_batches()
    work = Work(point, sequences, model, source)
    memory.before_steps(model)
    work.first()
    gather, step = work.timings()
    memory.after_steps()
    loss, optimizer = work.parts()
    steps = -(-len(source) // work.batch_size)
    return {
        "interactions": len(sequences.items),
        "examples": len(source),
        "build_s": building.wall,
        "build_cpu_s": building.cpu,
        "gather_ms": 1e3 * gather.cpu,
        "step_cpu_ms": 1e3 * step.cpu,
        "step_wall_ms": 1e3 * step.wall,
        "loss_cpu_ms": 1e3 * loss.cpu,
        "loss_wall_ms": 1e3 * loss.wall,
        "optimizer_cpu_ms": 1e3 * optimizer.cpu,
        "optimizer_wall_ms": 1e3 * optimizer.wall,
        "epoch_s": steps * (gather + step).wall,
        "epoch_cpu_s": steps * (gather + step).cpu,
        **memory.figures,
    }


def build(point: Point) -> SequentialModel:
    """Return the model under ``standard``, on its device."""
    kind = model_class(point.model)
    options = {**point.setting.model_options, "protocol": "standard"}
    return kind(kind.Config(num_items=point.items, **options)).to(point.where)


class Memory:
    """How high the memory of the process stood, step by step; on a GPU its own memory."""

    def __init__(self, device: torch.device) -> None:
        self.gpu = device.type == "cuda"
        self.figures: Figures = {"imports_mib": highest_resident()}

    def before_batches(self) -> None:
        """Note what sequences and weights take."""
        self._before = self._now()

    def after_batches(self) -> None:
        """Note what building the examples added, its temporary arrays with it."""
        self.figures["build_mib"] = self._now() - self._before

    def before_steps(self, model: SequentialModel) -> None:
        """Note what is there before the first step, Adam's moments counted in."""
        weights = sum(value.nbytes for value in model.parameters()) / MIB
        self.figures |= {"weights_mib": weights, "held_mib": self._now() + 2 * weights}

    def after_steps(self) -> None:
        """Note the peak."""
        self.figures["peak_mib"] = self._now()
        self.figures["peak_main_mib"] = highest_resident()

    def _now(self) -> float:
        return torch.cuda.max_memory_allocated() / MIB if self.gpu else highest_resident()


class Watched:
    """A loss over items that remembers what it was called with."""

    def __init__(self, loss: ItemLoss) -> None:
        self.loss = loss

    def __call__(self, states: Tensor, item_vectors: Tensor, targets: Tensor, seen: Seen) -> Tensor:
        """Return the loss."""
        self.states, self.targets, self.seen = states.detach(), targets, seen
        return self.loss(states, item_vectors, targets, seen)


class Work:
    """Batches, and a training step on each."""

    def __init__(
        self, point: Point, sequences: Sequences, model: SequentialModel, source: Source
    ) -> None:
        options = Options(**point.setting.training)
        self.point, self.model, self.source = point, model.train(), source
        self.batch_size = options.batch_size
        self.loss = Watched(item_loss(point, sequences))
        self.step = TrainingStep(
            model,
            options,
            point.where,
            item_loss=self.loss,
            sparse_items=point.loss == "sampled",
        )
        self.order: list[Tensor] = []

    def rows(self) -> Tensor:
        """Return the examples of the next batch."""
        if not self.order:
            self.order = list(torch.split(self.source.shuffled(), self.batch_size))
        return self.order.pop(0)

    def first(self) -> None:
        """Take a step, and write over all moments: a long run will have touched every page."""
        self.step(self.source.gather(self.rows()))
        for parameter in self.model.parameters():
            for moment in self.step.optimizer.state_of(parameter).values():
                moment.mul_(1)
        self.step(self.source.gather(self.rows()))

    def timings(self) -> tuple[Timing, Timing]:
        """Return the median time of gathering a batch and of a step."""
        block = 1 if self.point.where.type == "cpu" else min(GPU_BLOCK, self.point.steps)
        turns: list[tuple[Timing, Timing]] = []
        started = time.perf_counter()
        while len(turns) * block < self.point.steps and (
            len(turns) < FEWEST or time.perf_counter() - started < SECONDS
        ):
            turns.append(self._block(block))
        return middle([gather for gather, _ in turns]), middle([step for _, step in turns])

    def _block(self, count: int) -> tuple[Timing, Timing]:
        where, rows = self.point.where, [self.rows() for _ in range(count)]
        batches, gather = timed(lambda: [self.source.gather(chosen) for chosen in rows], where)
        _, step = timed(lambda: [self.step(batch) for batch in batches], where)
        return gather.times(1 / count), step.times(1 / count)

    def parts(self) -> tuple[Timing, Timing]:
        """Return the times of the loss over items, with its gradients, and of the optimizer."""
        turns = [(self._loss(), self._optimizer()) for _ in range(min(FEWEST, self.point.steps))]
        return middle([loss for loss, _ in turns]), middle([adam for _, adam in turns])

    def _loss(self) -> Timing:
        states, vectors = self.loss.states.requires_grad_(), self.model.item_vectors()

        def work() -> object:
            loss = self.loss.loss(states, vectors, self.loss.targets, self.loss.seen)
            return torch.autograd.grad(loss, [states, vectors])

        return timed(work, self.point.where)[1]

    def _optimizer(self) -> Timing:
        batch = self.source.gather(self.rows())
        torch.autograd.backward(self.step.losses(batch)["loss"])
        return timed(self.step.optimizer.step, self.point.where)[1]


def item_loss(point: Point, sequences: Sequences) -> ItemLoss:
    """Return the loss over items."""
    if point.loss == "full":
        return CrossEntropy("none")
    return SampledSoftmax(sequences.item_counts(), NEGATIVES, point.where, sparse=True)


if __name__ == "__main__":
    _, text, file = sys.argv
    print(json.dumps(measure(Point(**json.loads(text)), Path(file))))
