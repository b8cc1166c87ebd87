"""The project's own form as a contender: the one file that knows how its training is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import torch
from torch import Tensor

from benchmarks.case import Case, Contender, Split
from benchmarks.clock import Timing, timed
from seqrec.batches import Batches, Sequences, evaluation_examples
from seqrec.batches.packing import PackedExamples, PackedSequences
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import metric_of
from seqrec.evaluation.ranker import Ranker
from seqrec.losses.distillation import Distillation, TransitionGraph
from seqrec.machine.processes import ALONE, Processes
from seqrec.models import model_class
from seqrec.models.parts.face import SequentialModel
from seqrec.training.loop import Trainer, fit, training_batches
from seqrec.training.objective import check_loss

MONITOR = "NDCG@20"
Source = Batches | PackedSequences | PackedExamples
Integers = npt.NDArray[np.int64]


AS_THE_MODEL_HAS_THEM = ("target_share", "average_weights")
"""Of the section ``training``."""


@dataclass(frozen=True)
class Training:
    """The section ``training``; pydantic's form of it is not on a bare machine."""

    batch_size: int
    learning_rate: float
    precision: str
    compile: str
    loss: str
    negatives: int | None
    calibration: float = 0.75
    max_epochs: int = 1
    patience: int | None = None
    monitor: str = MONITOR
    validate_every: int = 1
    device: str = "cpu"
    weight_decay: float = 0.0
    target_share: float = 1.0
    average_weights: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """The section ``evaluation``."""

    seen_items: str = "exclude"
    batch_size: int = 256


def real(case: Case) -> Contender:
    """Read the data and return the project's form of the model."""
    return Real(case, read(case))


def read(case: Case) -> Sequences:
    """Read the table."""
    return Sequences.from_table(pq.read_table(case.table), case.num_items)


def read_examples(case: Case, model: SequentialModel) -> tuple[Sequences, Source]:
    """Read the table and make the examples that a model is trained on."""
    sequences = read(case)
    return sequences, training_batches(sequences, model, case.where)


def build(case: Case, device: torch.device | None = None) -> SequentialModel:
    """Return the model with its published settings, on the device."""
    kind, config = _kind_and_config(case)
    with torch.device(device or "cpu"):
        return kind(config).to(device or case.where)


def _kind_and_config(case: Case) -> tuple[type[SequentialModel], Any]:
    kind = model_class(case.model)
    options = {**case.setting.model_options, "protocol": case.protocol}
    if "num_users" in kind.Config.__dataclass_fields__:
        options["num_users"] = case.num_users
    try:
        config = kind.Config(num_items=case.num_items, **options)
    except ValueError as error:
        raise SeqrecError(f"options of {case.model}: {error}; choose others") from None
    return kind, config


def check(case: Case) -> None:
    """Complain before anything is measured about what cannot be trained.

    Raises:
        SeqrecError: the loss does not go with the protocol, or model options do not fit together.
    """
    options: Any = training_of(case)
    check_loss(options, model_class(case.model), case.protocol)
    _kind_and_config(case)


def training_of(case: Case, epochs: int = 1) -> Training:
    """Return the published section ``training``."""
    sections = {
        name.removeprefix("training."): value
        for name, value in model_class(case.model).section_defaults.items()
    }
    return Training(
        **case.setting.training | ({"loss": case.loss} if case.loss else {}),
        precision=case.precision,
        compile=case.compile,
        negatives=case.negatives,
        max_epochs=epochs,
        device=case.device,
        **{name: value for name, value in sections.items() if name in AS_THE_MODEL_HAS_THEM},
    )


class Real:
    """What the project's loop trains with: its batches, its step, its ranking."""

    def __init__(self, case: Case, sequences: Sequences, processes: Processes = ALONE) -> None:
        options: Any = training_of(case)
        evaluation: Any = Evaluation()
        check_loss(options, model_class(case.model), case.protocol)
        self.case, self.sequences, self.model = case, sequences, build(case)
        self.model.prepare(sequences)
        ted = distillation(case, sequences)
        trainer = Trainer(
            self.model, sequences, options, 0, case.where, evaluation, ted, processes=processes
        )
        trainer.draws.start(0)
        self.source, self.step_of, self.gathered = trainer.batches, trainer.step, trainer.gathered
        self.draws, self.processes = trainer.draws, processes
        self.rankers = {"valid": trainer.ranker} if trainer.ranker else {}
        self.examples, self.batch_size = len(self.source), options.batch_size
        self.steps = -(-self.examples // self.batch_size)
        self.order: list[Tensor] = []

    def batch(self) -> Any:
        """Put the next batch together."""
        if not self.order:
            order = self.source.shuffled(self.draws.on(torch.device("cpu")))
            self.order = list(torch.split(order, self.batch_size))
        return self.gathered(self.order.pop())

    def step(self, batch: Any) -> Tensor:
        """Train on it; return the loss, without waiting for it."""
        self.model.train()
        return self.step_of(batch)["loss"]

    def validate(self, split: Split) -> float:
        """Rank all targets of a split; return NDCG@20."""
        if split not in self.rankers:
            self.rankers[split] = ranker(self.case, self.sequences, self.model, split)
        return metric_of(MONITOR, self.rankers[split].ranks(self.model))


def ranker(
    case: Case,
    sequences: Sequences,
    model: SequentialModel,
    split: Split,
    where: torch.device | None = None,
) -> Ranker:
    """Return what ranks a split, on the device of the case or another."""
    examples = evaluation_examples(sequences, split, model.history_len, case.protocol)
    options: Any = Evaluation()
    return Ranker(sequences, examples, model, where or case.where, options)


def distillation(
    case: Case,
    sequences: Sequences,
    dtype: torch.dtype = torch.float32,
    where: torch.device | None = None,
) -> Distillation | None:
    """Return TED with its published settings, if the model has it."""
    ted = case.setting.ted
    if not ted:
        return None
    last = case.setting.model_options["max_len"] if case.protocol == "authors" else None
    edges = transitions(sequences, ted["time_span"], last)
    graph = TransitionGraph(
        *edges,
        num_items=sequences.num_items,
        tau=ted["tau"],
        device=where or case.where,
        dtype=dtype,
    )
    return Distillation(graph, ted["weight"], ted["tau"])


def transitions(
    sequences: Sequences, time_span: int, last: int | None = None
) -> tuple[Integers, Integers, Integers]:
    """Return source items, target items and counts of the transition graph, sorted.

    Args:
        sequences: the data; its training part counts.
        time_span: how many places on an item is still followed.
        last: only a user's last so many training items; None for all.
    """
    begins, ends = sequences.offsets[:-1], sequences.train_ends()
    if last is not None:
        begins = np.maximum(begins, ends - last)
    keys, width = [], sequences.num_items + 1
    for span in range(1, time_span + 1):
        counts = np.maximum(ends - begins - span, 0)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        first = np.repeat(begins, counts) + within
        keys.append(sequences.items[first].astype(np.int64) * width + sequences.items[first + span])
    pairs, counted = np.unique(np.concatenate(keys), return_counts=True)
    return pairs // width, pairs % width, counted


def run_epochs(case: Case, epochs: int) -> list[Timing]:
    """Train so many epochs by the project's loop.

    Returns:
        The time of each with its validation; processor time is the same share of the whole.
    """
    sequences = read(case)
    options: Any = training_of(case, epochs)
    evaluation: Any = Evaluation()
    fitted, whole = timed(
        lambda: fit(
            build(case),
            sequences,
            options=options,
            evaluation=evaluation,
            distillation=distillation(case, sequences),
            seed=0,
            device=case.where,
        ),
        case.where,
    )
    rows = fitted.history
    return [Timing(row["seconds"] + row["validation_seconds"], whole.cpu / epochs) for row in rows]
