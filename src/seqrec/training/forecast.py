"""What a training will take: told after its first steps, and what cannot fit before the first."""

from __future__ import annotations

import logging
import math
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from seqrec.errors import SeqrecError
from seqrec.machine.memory import free_memory, highest_resident, size_text

if TYPE_CHECKING:
    from seqrec.evaluation.ranker import Ranker
    from seqrec.models.parts.face import SequentialModel
    from seqrec.parameters.sections import TrainingOptions

log = logging.getLogger(__name__)

WARM_UP = 3
"""Steps that are not looked at: memory is new to them, and they may be compiled."""
FEWEST_STEPS, FEWEST_SECONDS = 10, 2.0
WORTH_TELLING = 60.0
"""Seconds from which on a training says what it will take."""
KEPT = 3
"""Copies of the weights that any training has: themselves, and Adam's two moments."""
DRAWS = ("normal_", "uniform_")
"""What fills with random values, of tensors and of torch.nn.init."""
A_INTERACTION = 8
"""Bytes that one takes beyond what is loaded, at least: its item, where batches are made."""


class Forecast:
    """Tells once, after the first steps of a run, how long it will take.

    Args:
        steps: of an epoch.
        epochs: that are left, at most.
        usual: that a run of this model usually takes; None: all.
        ranker: what validates, if anything does.
        model: what is trained.
        device: where.
    """

    def __init__(
        self,
        steps: int,
        epochs: int,
        usual: int | None,
        ranker: Ranker | None,
        model: SequentialModel,
        device: torch.device,
    ) -> None:
        self.steps, self.epochs, self.usual = steps, epochs, usual
        self.ranker, self.model, self.device = ranker, model, device
        self.taken, self.started, self.told = 0, 0.0, False

    def go_on_after(self, epoch: int) -> None:
        """Leave out the epochs that were trained before this run, before its first step."""
        if self.taken == 0:
            self.epochs -= epoch
            self.usual = None if self.usual is None else self.usual - epoch

    def after_step(self) -> None:
        """Count a step, and tell when there were enough of them."""
        self.taken += 1
        if self.told or self.taken < WARM_UP:
            return
        if self.taken == WARM_UP:
            self.started = self._now()
            return
        if self.taken - WARM_UP < FEWEST_STEPS:
            return
        seconds = time.perf_counter() - self.started
        if seconds < FEWEST_SECONDS and self.taken < self.steps:
            return
        self.told = True
        step = (self._now() - self.started) / (self.taken - WARM_UP)
        validation = self.ranker.expected_seconds(self.model) if self.ranker else 0.0
        self.model.train()
        self._tell(self.steps * step, validation)

    def _tell(self, training: float, validation: float) -> None:
        epoch = training + validation
        if epoch * self.epochs < WORTH_TELLING:
            return
        usual = self.usual if self.usual is not None and 0 < self.usual < self.epochs else None
        log.info(
            "an epoch takes about %s (%s of it validation), all %d that may come %s%s; memory %s",
            *(duration(epoch), duration(validation), self.epochs, duration(epoch * self.epochs)),
            f", the {usual} that usually do {duration(epoch * usual)}" if usual else "",
            size_text(highest_resident() + weight_bytes(self.model)),
        )

    def _now(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def duration(seconds: float) -> str:
    """Return a time for people."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    if minutes < 60:
        return f"{minutes:.1f} min" if minutes < 10 else f"{minutes:.0f} min"
    return f"{int(minutes // 60)} h {int(minutes % 60):02d} min"


def usual_epochs(model: SequentialModel, options: TrainingOptions) -> int | None:
    """Return how many epochs a run usually takes; None where nothing ends it early."""
    if options.patience is None:
        return None
    return model.usually_best_in + options.patience


def weight_bytes(model: SequentialModel) -> int:
    """Return how much the weights of a model take."""
    return sum(each.numel() * each.element_size() for each in model.parameters())


def copies_of(options: TrainingOptions, *, validated: bool) -> int:
    """Return how many copies of the weights a training has, at least.

    Beyond ``KEPT``: gradients, where they are dense, and the best so far, where one validates.
    """
    return KEPT + (options.loss != "sampled_softmax") + validated


def check_fits(
    kind: type[SequentialModel],
    config: object,
    interactions: int,
    device: torch.device,
    *,
    copies: int,
    processes: int = 1,
) -> None:
    """Raise a SeqrecError where weights and data alone are more than the memory that is left.

    Args:
        kind: the model's class.
        config: its configuration.
        interactions: of the data.
        device: where it is to be trained.
        copies: of the weights.
        processes: how many train it on this machine.
    """
    free = free_memory(device)
    if free is None:
        return
    with torch.device("meta"), _WithoutDraws():  # shapes alone
        weights = weight_bytes(kind(config))
    data = A_INTERACTION * interactions
    shared = processes if device.type == "cpu" else 1
    needed = shared * (copies * weights + data)
    if needed <= free:
        return
    raise SeqrecError(
        f"this training needs at least {size_text(needed)} ({copies} times the weights, "
        f"{size_text(weights)}, and {size_text(data)} of data"
        + (f", in each of {shared} processes" if shared > 1 else "")
        + f"), and {device.type} has {size_text(free)} left; "
        + _remedy(config, (free / shared - data) / (copies * weights))
    )


class _WithoutDraws(TorchFunctionMode):
    """Leaves what has no values without initial ones.

    To draw them, torch would load its compiler: a second and 70 MB of a run that compiles nothing.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = MappingProxyType({})
    ) -> Any:
        if getattr(func, "__name__", "") in DRAWS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def _remedy(config: object, share: float) -> str:
    """Return what would fit: so large a share of the weights would."""
    dim = int(getattr(config, "dim", 0) * share)
    if dim >= 1:
        power = 2 ** int(math.log2(dim))
        return f"model_options.dim={power} would fit, or take a machine with more memory"
    return "filter more (filtering.item_core), or take a machine with more memory"
