"""A few steps and a few batches of a ranking, and what a whole training takes by them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch

from seqrec.batches import Split
from seqrec.evaluation.ranker import Ranker, split_targets
from seqrec.machine.devices import resolve_device
from seqrec.machine.memory import highest_resident
from seqrec.models import model_class
from seqrec.training import Settings, TrainingData
from seqrec.training.counted import Attempts
from seqrec.training.forecast import WARM_UP, check_fits, copies_of, usual_epochs, weight_bytes
from seqrec.training.loop import Trainer

ENOUGH_SECONDS, FEWEST_STEPS = 6.0, 20
BESIDE = 70_000_000
"""Bytes that checkpoints, the reports and the engine take beside; measured on ten cells."""
LISTS = 1.3
"""An evaluation takes so many times a mere ranking, for it makes lists too."""


@dataclass(frozen=True)
class Expected:
    """What a training and its evaluation take; seconds and bytes."""

    preparing: float
    """Before the first step."""
    training: float
    """An epoch's steps, or of a model without training one counting."""
    validation: float
    """Of an epoch, or of a trial."""
    evaluation: float
    """Of validation and test targets, at the end."""
    most: int
    """Epochs, or trials, at most."""
    usual: int
    """As many as there usually are."""
    memory: int
    """Of the whole process at its peak, in main memory."""
    looked_at: int
    """Steps that were taken to find out."""

    def seconds(self, epochs: int) -> float:
        """Return how long so many epochs take, with what comes before and after."""
        rounds = epochs * (self.training + self.validation)
        return self.preparing + rounds + self.evaluation


def expect(data: TrainingData, settings: Settings, seed: int) -> Expected:
    """Try a model out.

    Args:
        data: what it would learn from.
        settings: what it would be told; checked.
        seed: of the weights and the batches.

    Raises:
        SeqrecError: it does not fit into the memory, or cannot be trained.
    """
    how = _counted if settings.counted else _trained
    return how(data, settings, seed)


def _trained(data: TrainingData, settings: Settings, seed: int) -> Expected:
    started = time.perf_counter()
    options, sequences = settings.training, data.sequences
    device = resolve_device(options.device)
    kind = model_class(settings.model)
    config = settings.config(sequences.num_items, sequences.num_users)
    copies = copies_of(options, validated=True)
    check_fits(kind, config, len(sequences.items), device, copies=copies)
    torch.manual_seed(seed)
    model, ted = kind(config), data.ted(settings.ted)
    model.prepare(sequences)
    model.to(device)
    distillation = ted.distillation(sequences, device) if ted else None
    trainer = Trainer(model, sequences, options, seed, device, settings.ranking, distillation)
    preparing = time.perf_counter() - started
    assert trainer.ranker is not None, "a training validates"
    steps = -(-trainer.examples_of_an_epoch() // options.batch_size)
    seconds, taken = _steps(trainer, device)
    validation = trainer.ranker.expected_seconds(model)
    evaluation = validation + _ranking(data, settings, model, device, "test")
    return Expected(
        preparing=preparing,
        training=steps * seconds,
        validation=validation / options.validate_every,
        evaluation=LISTS * evaluation,
        most=options.max_epochs,
        usual=min(usual_epochs(model, options) or options.max_epochs, options.max_epochs),
        memory=highest_resident() + weight_bytes(model) + BESIDE,
        looked_at=taken,
    )


def _steps(trainer: Trainer, device: torch.device) -> tuple[float, int]:
    """Return the seconds of a step, and how many were taken to find out."""
    trainer.model.train()
    trainer.draws.start(0)
    taken, started = -WARM_UP, 0.0
    while True:
        order = trainer.batches.shuffled()
        for rows in torch.split(order, trainer.options.batch_size):
            if taken == 0:
                started = _now(device)
            trainer.step(trainer.gathered(rows))
            taken += 1
            seconds = time.perf_counter() - started
            if taken >= FEWEST_STEPS and seconds >= ENOUGH_SECONDS:
                return (_now(device) - started) / taken, taken


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _ranking(
    data: TrainingData, settings: Settings, model: Any, device: torch.device, split: Split
) -> float:
    """Return what ranking the targets of a split takes."""
    targets = split_targets(data.sequences, split, model.history_len, settings.protocol)
    ranker = Ranker(data.sequences, targets, model, device, settings.ranking)
    return ranker.expected_seconds(model)


def _counted(data: TrainingData, settings: Settings, seed: int) -> Expected:
    """Try the first parameters twice: what is counted but once does not count the second time."""
    started = time.perf_counter()
    attempts = Attempts(data.sequences, settings, seed)
    attempts.attempt(attempts.defaults)
    again = time.perf_counter()
    model, _ = attempts.attempt(attempts.defaults)
    trial = time.perf_counter() - again
    rankings = [
        _ranking(data, settings, model, attempts.device, split) for split in ("valid", "test")
    ]
    return Expected(
        preparing=again - started - trial,
        training=trial,
        validation=0.0,
        evaluation=LISTS * sum(rankings),
        most=attempts.trials,
        usual=attempts.trials,
        memory=highest_resident() + BESIDE,
        looked_at=2,
    )
