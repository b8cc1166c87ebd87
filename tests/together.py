"""Trainings that one process and several do alike; several are started once for all of them."""

import json
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from seqrec.batches import evaluation_examples
from seqrec.errors import SeqrecError
from seqrec.evaluation.evaluate import rank_splits
from seqrec.evaluation.ranker import Ranker
from seqrec.machine.processes import ALONE, Processes
from seqrec.models import model_class
from seqrec.models.parts.face import SequentialModel
from seqrec.parameters.sections import EvaluationOptions
from seqrec.training import Fitted, fit, train
from tests.trainings import data_of, settings

CPU = torch.device("cpu")
NO_DROPOUT = {"hidden_dropout": 0.0, "attention_dropout": 0.0}
SMALL = {"max_len": 5, "dim": 8, "num_blocks": 1}
TED = {"weight": 0.3, "tau": 0.5}


@dataclass(frozen=True)
class Case:
    """A training without dropout."""

    model: str
    protocol: str = "standard"
    options: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    ted: dict[str, Any] = field(default_factory=dict)


BSAREC: dict[str, Any] = {**SMALL, **NO_DROPOUT, "c": 3, "alpha": 0.5}
MQSA = {**SMALL, "dropout": 0.0}
CASES = {
    "bsarec": Case("bsarec", options=BSAREC),
    "bsarec-authors": Case("bsarec", "authors", BSAREC),
    "bsarec-ted": Case("bsarec", options=BSAREC, ted=TED),
    "bsarec-half": Case("bsarec", options=BSAREC, training={"target_share": 0.5}),
    "bsarec-average": Case("bsarec", options=BSAREC, training={"average_weights": 0.9}),
    "bsarec-sampled": Case("bsarec", options=BSAREC, training={"loss": "sampled_softmax"}),
    "mqsa_ted": Case("mqsa_ted", options=MQSA, ted=TED),
    "mqsa_ted-authors": Case("mqsa_ted", "authors", MQSA, ted=TED),
    "mqsa_ted-half": Case("mqsa_ted", options=MQSA, training={"target_share": 0.5}, ted=TED),
    "sasrec_ce": Case("sasrec_ce", options={**SMALL, **NO_DROPOUT}),
    "sasrec-sampled": Case(
        "sasrec", options={**SMALL, **NO_DROPOUT}, training={"loss": "sampled_softmax"}
    ),
    # batches of one or two rows: the second process often gets nothing, or never anything
    "mqsa_ted-tiny": Case("mqsa_ted", options=MQSA, training={"batch_size": 2}, ted=TED),
    "sasrec-tiny": Case(
        "sasrec",
        options={**SMALL, **NO_DROPOUT},
        training={"loss": "sampled_softmax", "batch_size": 2, "target_share": 0.9},
    ),
    "sasrec_ce-single": Case(
        "sasrec_ce", options={**SMALL, **NO_DROPOUT}, training={"batch_size": 1}
    ),
    "bert4rec-half": Case(
        "bert4rec", options={**SMALL, **NO_DROPOUT}, training={"target_share": 0.5}
    ),
    # one target a batch, and often a share that has some but masks none of them
    "sasrec_ce-few": Case(
        "sasrec_ce", options={**SMALL, **NO_DROPOUT}, training={"target_share": 1e-9}
    ),
    "bert4rec-few": Case(
        "bert4rec",
        options={**SMALL, **NO_DROPOUT},
        training={"batch_size": 3, "target_share": 0.2},
        ted=TED,
    ),
    "bert4rec": Case("bert4rec", options={**SMALL, **NO_DROPOUT}),
    "gru4rec": Case("gru4rec", options={"max_len": 5, "dim": 8, "hidden_dropout": 0.0}),
    "fmlprec": Case("fmlprec", options={**SMALL, "hidden_dropout": 0.0}),
    "caser": Case("caser", options={"max_len": 5, "dim": 8, "hidden_dropout": 0.0}),
    "seer": Case(
        "seer",
        options={"max_len": 5, "dim": 8, "members": 2, "encoder_options": {"dropout": 0.0}},
        ted=TED,
    ),
}


DOUBLE, FLOAT = torch.float64, torch.float32
FLOATS = ("bsarec", "mqsa_ted", "sasrec_ce", "sasrec-sampled", "seer")
"""What is trained in floats too; the last in them alone."""
RUNS = [(name, FLOAT) for name in FLOATS] + [(name, DOUBLE) for name in CASES if name != "seer"]


def fitted(
    case: Case, processes: Processes = ALONE, kind: torch.dtype = DOUBLE
) -> Fitted[SequentialModel]:
    """Train two epochs in batches of 7, the last of them smaller; in doubles, that round little."""
    told = settings(
        case.model, case.protocol, {"batch_size": 7, **case.training}, case.ted, **case.options
    )
    data = data_of()
    torch.manual_seed(1)
    model = model_class(told.model)(told.config(data.sequences.num_items, data.sequences.num_users))
    ted = data.ted(told.ted)
    distillation = ted.distillation(data.sequences, CPU) if ted else None
    if distillation:
        graph = distillation.graph
        graph.off, graph.excess = graph.off.to(kind), graph.excess.to(kind)
    return fit(
        model.to(kind),
        data.sequences,
        options=told.training,
        seed=3,
        device=CPU,
        distillation=distillation,
        processes=processes,
    )


def train_all(processes: Processes, folder: Path) -> None:
    """Train all cases; each process leaves what came out."""
    for name, kind in RUNS:
        result = fitted(CASES[name], processes, kind)
        _leave(folder / f"{name}-{kind}-{processes.rank}", result)


def rank_all(processes: Processes, folder: Path) -> None:
    """Rank the targets of some models; each process leaves what came out."""
    for name in ("bsarec", "mqsa_ted-authors"):
        place = folder / f"{name}-{processes.rank}"
        place.mkdir(parents=True)
        measured = ranked(CASES[name], processes)
        (place / "metrics.json").write_text(json.dumps(measured))


def ranked(case: Case, processes: Processes = ALONE) -> dict[str, Any]:
    """Return ranks and metrics of a model with random weights."""
    told, data = settings(case.model, case.protocol, **case.options), data_of().sequences
    torch.manual_seed(4)
    model = model_class(told.model)(told.config(data.num_items, data.num_users))
    options = EvaluationOptions(cutoffs=(1, 5), sampled_negatives=3, batch_size=16)
    found = rank_splits(model, data, options=options, device="cpu", processes=processes)
    valid = evaluation_examples(data, "valid", model.history_len, case.protocol)
    ranks = Ranker(data, valid, model, CPU, options, processes=processes).ranks(model)
    return {
        "metrics": found.metrics,
        "ranks": found.ranks.to_pydict(),
        "valid": ranks.tolist(),
    }


def _leave(place: Path, result: Fitted[SequentialModel]) -> None:
    place.mkdir(parents=True)
    learned = {name: value.contiguous() for name, value in result.model.learned().items()}
    save_file(learned, place / "weights.safetensors")
    (place / "history.json").write_text(json.dumps(result.history))


def refuse(processes: Processes, line: str) -> None:
    """Let the second process meet what a user is to read, while the first waits for it."""
    if not processes.first:
        raise SeqrecError(line)
    processes.sum(torch.zeros(1))


def die_in_epoch(processes: Processes, number: int, state: Path) -> None:
    """Train with a state on the disk; the second process is killed in an epoch."""

    def after_epoch(row: dict[str, float]) -> None:
        if row["epoch"] == number - 1 and not processes.first:
            os.kill(os.getpid(), signal.SIGKILL)

    data, told = data_of(), settings(training={"max_epochs": 4}, **BSAREC)
    train(
        data, told, 3, checkpoint=state, after_epoch=after_epoch, epochs=None, processes=processes
    )
