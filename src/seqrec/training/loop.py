"""The training loop: one plain function for every model.

Notable: batches are gathered on the device from flat arrays; every epoch is seeded by itself,
so a run that was killed goes on to the same last digit; nothing waits for the device inside an
epoch but the progress bar, twice a second.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seqrec.batches import Batches, Sequences, evaluation_examples, training_examples
from seqrec.configuration import EvaluationOptions, TrainingOptions
from seqrec.devices import autocast
from seqrec.errors import SeqrecError
from seqrec.evaluation import Ranker
from seqrec.metrics import metric_of, parse_label
from seqrec.models.face import SequentialModel
from seqrec.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from seqrec.training.progress import EpochBar

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitted:
    """What training leaves: the model with its best weights, and one history row an epoch."""

    model: SequentialModel
    history: list[dict[str, float]]
    best_epoch: int
    best_value: float


@dataclass(frozen=True)
class Checkpointing:
    """Where a run keeps its state, and the fingerprint by which it knows itself again."""

    path: Path
    run: str


def fit(
    model: SequentialModel,
    sequences: Sequences,
    *,
    options: TrainingOptions,
    seed: int,
    device: torch.device,
    evaluation: EvaluationOptions | None = None,
    checkpointing: Checkpointing | None = None,
) -> Fitted:
    """Train until the validation metric stops improving, and keep the best weights.

    Args:
        model: a model of ``seqrec.models``, freshly built; it is moved to ``device``.
        sequences: the data; its training part is learned from, its validation part watched.
        options: the section ``training``.
        seed: for the order of the examples and for dropout.
        device: where to compute.
        evaluation: by which rules validation ranks.
        checkpointing: save after every epoch, and go on from there if the same run was cut off.

    Returns:
        The model in evaluation mode, with the weights of its best epoch.

    Raises:
        SeqrecError: nothing to learn from or to validate on, an unknown metric, a diverged loss.
    """
    parse_label(options.monitor)
    model.to(device)
    trainer = _Trainer(model, sequences, options, seed, device, evaluation or EvaluationOptions())
    progress = Progress()
    if checkpointing:
        progress = load_checkpoint(checkpointing.path, checkpointing.run, model, trainer.optimizer)
        if progress.epoch:
            log.info("training goes on after epoch %d", progress.epoch)
    while not _finished(progress, options):
        trainer.epoch(progress)
        if checkpointing:
            save_checkpoint(
                checkpointing.path, checkpointing.run, model, trainer.optimizer, progress
            )
    model.load_state_dict(progress.best_weights)
    return Fitted(model.eval(), progress.history, progress.best_epoch, progress.best_value)


def _finished(progress: Progress, options: TrainingOptions) -> bool:
    stale = progress.epoch - progress.best_epoch
    return progress.epoch >= options.max_epochs or (
        progress.epoch > 0 and stale >= options.patience
    )


class _Trainer:
    """One epoch after another on one device."""

    def __init__(
        self,
        model: SequentialModel,
        sequences: Sequences,
        options: TrainingOptions,
        seed: int,
        device: torch.device,
        evaluation: EvaluationOptions,
    ) -> None:
        config = model.config
        examples = training_examples(sequences, config.max_len, config.protocol)
        valid = evaluation_examples(sequences, "valid", config.max_len, config.protocol)
        if not len(examples) or not len(valid):
            part = "training" if not len(examples) else "validation"
            raise SeqrecError(
                f"no {part} examples in the sequences; filter less strictly "
                "or choose another splitting.strategy"
            )
        self.model, self.options, self.seed, self.device = model, options, seed, device
        self.batches = Batches(sequences, examples, config.max_len, device)
        self.ranker = Ranker(sequences, valid, config.max_len, config.protocol, device, evaluation)
        self.optimizer = torch.optim.Adam(
            model.parameters(), lr=options.learning_rate, fused=device.type != "mps"
        )

    def epoch(self, progress: Progress) -> None:
        """Train one epoch, validate, and write both into ``progress``."""
        number = progress.epoch + 1
        started = time.perf_counter()
        losses = self._train(number)
        seconds = time.perf_counter() - started
        ranks = self.ranker.ranks(self.model)
        value = metric_of(self.options.monitor, ranks)
        row = {"epoch": number, **losses, self.options.monitor: value}
        row |= {"HR@10": metric_of("HR@10", ranks), "NDCG@10": metric_of("NDCG@10", ranks)}
        row |= {
            "seconds": seconds,
            "validation_seconds": time.perf_counter() - started - seconds,
            "examples_per_second": len(self.batches) / seconds,
        }
        progress.history.append(row)
        progress.epoch = number
        if value > progress.best_value:
            progress.best_epoch, progress.best_value = number, value
            progress.best_weights = {
                name: weight.detach().clone() for name, weight in self.model.state_dict().items()
            }
        _report(row, self.options.monitor, progress)

    def _train(self, number: int) -> dict[str, float]:
        """Return the mean of every named loss over the epoch's examples."""
        torch.manual_seed(epoch_seed(self.seed, number))
        self.model.train()
        order = torch.randperm(len(self.batches)).to(self.device)
        sums: dict[str, Tensor] = {}
        with EpochBar(number, self.options.max_epochs, len(order)) as bar:
            for rows in torch.split(order, self.options.batch_size):
                losses = self._step(rows)
                for name, value in losses.items():
                    sums[name] = sums.get(name, 0.0) + value.detach() * len(rows)
                bar.advance(len(rows), losses["loss"])
        means = {name: float(total) / len(order) for name, total in sums.items()}
        if not np.isfinite(means["loss"]):
            raise SeqrecError(
                f"the loss of epoch {number} is {means['loss']}: training diverged; "
                "lower training.learning_rate"
            )
        return means

    def _step(self, rows: Tensor) -> dict[str, Tensor]:
        batch = self.batches.gather(rows)
        with autocast(self.device, self.options.precision):
            losses: dict[str, Tensor] = self.model.loss(batch)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(losses["loss"])
        self.optimizer.step()
        return losses


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of one epoch: a resumed run needs no generator state, only its number."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> 1)


def _report(row: dict[str, float], monitor: str, progress: Progress) -> None:
    log.info(
        "epoch %3d  loss %.4f  valid %s %.4f%s  %.1f s  %.0f examples/s",
        row["epoch"],
        row["loss"],
        monitor,
        row[monitor],
        " *" if progress.best_epoch == row["epoch"] else "  ",
        row["seconds"] + row["validation_seconds"],
        row["examples_per_second"],
    )
