"""The training loop: one plain function for every model.

Notable: batches are gathered on the device from flat arrays; every epoch is seeded by itself,
so a run that was killed goes on to the same last digit; nothing waits for the device inside an
epoch but the progress bar, twice a second.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from seqrec.batches import Batches, Sequences, evaluation_examples, training_examples
from seqrec.batches.packing import PackedBatch, PackedExamples, PackedSequences
from seqrec.batches.same_targets import SameTargets
from seqrec.errors import SeqrecError
from seqrec.evaluation.findable import check_findable
from seqrec.evaluation.metrics import metric_of, parse_label
from seqrec.evaluation.ranker import Ranker
from seqrec.losses.distillation import Distillation
from seqrec.machine.heap import keep_freed_memory
from seqrec.machine.processes import ALONE, Processes
from seqrec.models.parts.face import SequentialModel
from seqrec.training.averaging import AverageWeights
from seqrec.training.checkpoint import Progress, Run, load_checkpoint, save_checkpoint
from seqrec.training.fitted import Fitted
from seqrec.training.forecast import Forecast, usual_epochs
from seqrec.training.objective import check_loss, item_loss
from seqrec.training.progress import EpochBar
from seqrec.training.shares import AnyBatch, Draws
from seqrec.training.step import TrainingStep

if TYPE_CHECKING:
    from seqrec.parameters.sections import RankingOptions, TrainingOptions

log = logging.getLogger(__name__)
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Checkpointing:
    """Where a run keeps its state, and by which it knows itself again."""

    path: Path
    run: str
    """Fingerprint of everything the run depends on, but how far it goes."""


def fit(
    model: SequentialModel,
    sequences: Sequences,
    *,
    options: TrainingOptions,
    seed: int,
    device: torch.device,
    evaluation: RankingOptions | None = None,
    distillation: Distillation | None = None,
    checkpointing: Checkpointing | None = None,
    after_epoch: Callable[[dict[str, float]], None] | None = None,
    epochs: int | None = None,
    processes: Processes = ALONE,
) -> Fitted[SequentialModel]:
    """Train until the validation metric stops improving, and keep the best weights.

    Told how many epochs, it trains these and keeps the last weights; nothing is validated then.

    Args:
        model: a model of ``seqrec.models``, freshly built; it is moved to ``device``.
        sequences: the data; its training part is learned from, its validation part watched.
        options: the section ``training``.
        seed: for the order of the examples and for dropout.
        device: where to compute.
        evaluation: by which rules validation ranks.
        distillation: TED, on ``device``, if the model learns from the transition graph too.
        checkpointing: save after every epoch, and go on from there if the same run was cut off,
            or is to go further than it did.
        after_epoch: called with the history row of each epoch; what it raises ends the training.
        epochs: instead of ``max_epochs`` and ``patience``.
        processes: this one and the others that train the same model, each with its share of every
            batch; the first one writes the state.

    Returns:
        The model in evaluation mode, with the weights of its best epoch.

    Raises:
        SeqrecError: nothing to learn from or to validate on, nothing that can be found, an unknown
            metric, a diverged loss, or a model that needs whole batches in several processes.
    """
    parse_label(options.monitor)
    check_loss(options, type(model), model.config.protocol)
    check_shares(model, processes)
    if model.learns_new_items_alone and evaluation and evaluation.seen_items == "keep":
        log.warning(
            "this model learns which new items come next; with evaluation.seen_items=keep items of "
            "the history compete, of which it knows little: choose another model for repeats"
        )
    model.prepare(sequences)
    model.to(device)
    trainer = Trainer(
        model,
        sequences,
        options,
        seed,
        device,
        evaluation,
        distillation,
        epochs=epochs,
        processes=processes,
    )
    if trainer.ranker is not None:
        check_findable(sequences, trainer.ranker)
    run, optimizer = trainer.run(checkpointing), trainer.step.optimizer
    progress = Progress()
    if checkpointing:
        progress = load_checkpoint(checkpointing.path, run, model, optimizer, trainer.average)
        if progress.epoch:
            log.info("training goes on after epoch %d", progress.epoch)
        processes.check_same(progress.epoch, "checkpoints, of epochs")
    while not run.is_over(progress):
        trainer.epoch(progress)
        if checkpointing and processes.first:
            save_checkpoint(checkpointing.path, run, model, optimizer, progress, trainer.average)
        if after_epoch:
            after_epoch(progress.history[-1])
    trainer.finish(progress)
    return Fitted(model.eval(), progress.history, progress.best_epoch, progress.best_value)


def check_shares(model: SequentialModel, processes: Processes) -> None:
    """Raise a SeqrecError where a batch cannot be shared out."""
    if model.compares_histories and not processes.alone:
        raise SeqrecError(
            f"training.processes={processes.size}: this model compares all histories of a batch "
            "with each other; train it in one process, or with the option contrast=none"
        )


def training_batches(
    sequences: Sequences, model: SequentialModel, device: torch.device
) -> Batches | PackedSequences | PackedExamples:
    """Return what a model is trained on, in the form it is trained on."""
    max_len, protocol = model.config.max_len, model.config.protocol
    if model.training_form in ("sequences", "masked_sequences"):
        return PackedSequences(
            sequences,
            max_len,
            protocol,
            device,
            apart=model.needs_rows_of_their_own,
            next_items=model.training_form == "sequences",
        )
    examples = training_examples(sequences, max_len, protocol)
    packed = model.training_form == "packed_prefixes"
    partners = None
    if model.needs_same_targets:
        # packed rows are laid out on the host
        where = torch.device("cpu") if packed else device
        partners = SameTargets(sequences, examples, where)
    kind = PackedExamples if packed else Batches
    return kind(sequences, examples, max_len, device, partners)


class Trainer:
    """One epoch after another on one device; ``fit`` says what the arguments are."""

    def __init__(
        self,
        model: SequentialModel,
        sequences: Sequences,
        options: TrainingOptions,
        seed: int,
        device: torch.device,
        evaluation: RankingOptions | None,
        distillation: Distillation | None,
        *,
        epochs: int | None = None,
        processes: Processes = ALONE,
    ) -> None:
        if device.type == "cpu":
            keep_freed_memory()
        self.model, self.options, self.seed = model, options, seed
        self.processes, self.draws = processes, Draws(processes, device)
        self.max_epochs = options.max_epochs if epochs is None else epochs
        self.patience = options.patience if epochs is None else None
        self.batches = training_batches(sequences, model, device)
        _check_any("training", self.batches)
        self.ranker: Ranker | None = None
        if epochs is None:
            config = model.config
            valid = evaluation_examples(sequences, "valid", model.history_len, config.protocol)
            _check_any("validation", valid)
            self.ranker = Ranker(sequences, valid, model, device, evaluation, processes=processes)
        # weight decay and an average move all item vectors in every step
        moves_all = bool(options.weight_decay or options.average_weights)
        sparse = model.sparse_gradients and distillation is None and device.type != "mps"
        sparse &= not moves_all
        decay = options.average_weights
        self.average = AverageWeights(model, decay) if decay else None
        self.step = TrainingStep(
            model,
            options,
            device,
            distillation=distillation,
            item_loss=item_loss(options, model, sequences, device, sparse=sparse, draws=self.draws),
            sparse_items=sparse and options.loss == "sampled_softmax",
            steps_ahead=self.max_epochs * -(-self.examples_of_an_epoch() // options.batch_size),
            processes=processes,
        )
        self.forecast = Forecast(
            -(-self.examples_of_an_epoch() // options.batch_size),
            self.max_epochs,
            usual_epochs(model, options) if self.patience else None,
            self.ranker,
            model,
            device,
        )

    def run(self, checkpointing: Checkpointing | None) -> Run:
        """Return what a state of this training belongs to."""
        fingerprint = checkpointing.run if checkpointing else ""
        return Run(
            fingerprint,
            self.max_epochs,
            self.patience,
            self.step.compiled,
            validated=self.ranker is not None,
            validate_every=self.options.validate_every,
        )

    def epoch(self, progress: Progress) -> None:
        """Train one epoch, validate where one does, and write both into ``progress``."""
        number = progress.epoch + 1
        self.forecast.go_on_after(progress.epoch)
        started = time.perf_counter()
        losses = self._train(number)
        seconds = time.perf_counter() - started
        measured = self._validate(number)
        progress.history.append(
            {
                "epoch": number,
                **losses,
                **measured,
                "seconds": seconds,
                "validation_seconds": time.perf_counter() - started - seconds,
                "examples_per_second": self.examples_of_an_epoch() / seconds,
            }
        )
        progress.epoch = number
        self._keep_the_best(progress, measured)
        _report(progress, self.options.monitor)

    def finish(self, progress: Progress) -> None:
        """Give the model its best weights, or the last ones where nothing was validated."""
        ranker = self.ranker
        if progress.best_weights:
            self.model.load_learned(progress.best_weights)
        elif self.average:
            self.average.keep()
        if ranker is None:
            self.model.settle(None)
            return

        def measure() -> float:
            return metric_of(self.options.monitor, ranker.ranks(self.model))

        chosen = self.model.settle(measure)
        if chosen is not None:
            progress.best_value = chosen

    def _with_average(self) -> AbstractContextManager[None]:
        return self.average.in_place() if self.average else nullcontext()

    def _validate(self, number: int) -> dict[str, float]:
        """Return the metrics on the validation part, none where it is learned from.

        They are NaN after an epoch that is not validated.
        """
        if self.ranker is None:
            return {}
        labels = (self.options.monitor, "HR@10", "NDCG@10")
        if not self.run(None).validates(number):
            return dict.fromkeys(labels, math.nan)
        with self._with_average():
            ranks = self.ranker.ranks(self.model)
        return {label: metric_of(label, ranks) for label in labels}

    def _keep_the_best(self, progress: Progress, measured: dict[str, float]) -> None:
        value = measured.get(self.options.monitor)
        if value is None:
            progress.best_epoch, progress.best_value = progress.epoch, math.nan
        elif value > progress.best_value:
            progress.best_epoch, progress.best_value = progress.epoch, value
            with self._with_average():
                weights = self.model.learned().items()
                progress.best_weights = {name: each.detach().clone() for name, each in weights}

    def _train(self, number: int) -> dict[str, float]:
        """Return the mean of every named loss over the epoch's examples."""
        self.draws.start(epoch_seed(self.seed, number))
        self.processes.as_first(self.model.parameters())  # machines of two kinds round in two ways
        self.model.train()
        order = self._drawn(self.batches.shuffled(self.draws.on(CPU)))
        sums: dict[str, Tensor] = {}
        with EpochBar(number, self.max_epochs, len(order), shown=self.processes.first) as bar:
            for rows in torch.split(order, self.options.batch_size):
                losses = self.step(self.gathered(rows))
                if self.average:
                    self.average.update()
                for name, value in losses.items():
                    sums[name] = sums.get(name, 0.0) + value * len(rows)
                bar.advance(len(rows), losses.get("loss"), self.processes.size)
                self.forecast.after_step()
        sums = sums if self.processes.alone else self._of_all(sums)
        means = {name: float(total) / len(order) for name, total in sums.items()}
        if not np.isfinite(means["loss"]):
            raise SeqrecError(
                f"the loss of epoch {number} is {means['loss']}: training diverged; "
                "lower training.learning_rate"
            )
        return means

    def _of_all(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        """Add up the losses of all processes; one whose shares were empty has none."""
        nothing = torch.zeros((), device=self.step.device)
        return {
            name: self.processes.sum(sums.get(name, nothing).double())
            for name in self.processes.names(sums)
        }

    def _drawn(self, order: Tensor) -> Tensor:
        """Return the examples of an epoch, of those in a random order."""
        return order[: self.examples_of_an_epoch()]

    def examples_of_an_epoch(self) -> int:
        """Return how many there are: where each has one target, a share of all."""
        share, count = self.options.target_share, len(self.batches)
        if share == 1 or isinstance(self.batches, PackedSequences):
            return count
        return max(1, round(share * count))

    def gathered(self, rows: Tensor) -> AnyBatch:
        """Return a batch, of whole sequences perhaps with a share of their targets."""
        batch, share = self.batches.gather(rows), self.options.target_share
        if isinstance(batch, PackedBatch) and share < 1:
            batch = batch.sampled(share, self.draws.on(CPU))
        if self.processes.alone:
            return batch
        drawn: AnyBatch = self.model.drawn(batch, self.draws.on(self.step.device))
        return drawn


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of one epoch: a resumed run needs no generator state, only its number."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0] >> 1)


def _check_any(part: str, examples: Sized) -> None:
    if not len(examples):
        raise SeqrecError(
            f"no {part} examples in the sequences; filter less strictly "
            "or choose another splitting.strategy"
        )


def _report(progress: Progress, monitor: str) -> None:
    row = progress.history[-1]
    star = " *" if progress.best_epoch == progress.epoch else "  "
    log.info(
        "epoch %3d  loss %.4f%s  %.1f s  %.0f examples/s",
        progress.epoch,
        row["loss"],
        f"  valid {monitor} {row[monitor]:.4f}{star}" if row.get(monitor, math.nan) >= 0 else "",
        row["seconds"] + row["validation_seconds"],
        row["examples_per_second"],
    )
