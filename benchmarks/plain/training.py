"""The plain forms as contenders: a DataLoader, autograd, Adam; ranking user by user."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.case import Case, Contender, Split, computing
from benchmarks.plain.baselines import BASELINES, BaselineExamples, examples_of
from benchmarks.plain.bsarec import PlainBSARec, Prefixes
from benchmarks.plain.mqsa_ted import PlainMQSATED, UserBatch, Users
from benchmarks.sequences import Lists, read_lists
from benchmarks.settings import PAPERS
from seqrec.errors import SeqrecError

CUTOFF = 20
RANKED_AT_ONCE = 256
Target = tuple[list[int], list[int], int]
"""Training items, later items of the history, the target."""


WITH_PLAIN_FORMS = (*PAPERS, *BASELINES)


def plain(case: Case) -> Contender:
    """Read the data and return the plain form of the model."""
    users, data = read_examples(case)
    if isinstance(data, Users):
        return PlainTED(case, users, data)
    if isinstance(data, Prefixes):
        return PlainBSARecTraining(case, users, data)
    return PlainBaselineTraining(case, users, data)


def read_examples(case: Case) -> tuple[Lists, Prefixes | Users | BaselineExamples]:
    """Read the lines and make the examples.

    Raises:
        SeqrecError: nobody has written a plain form of this model.
    """
    if case.model not in WITH_PLAIN_FORMS:
        raise SeqrecError(f"--vs: {case.model} has no form in benchmarks/plain; leave it out")
    users, setting = read_lists(case.lines), case.setting
    max_len: int = setting.model_options["max_len"]
    if case.model == "bsarec":
        return users, Prefixes(users, max_len, case.protocol)
    if case.model == "mqsa_ted":
        return users, Users(users, max_len, setting.ted["time_span"], case.protocol)
    return users, examples_of(users, case)


class PlainTraining:
    """What both have: an endless loader, the optimizer and the evaluation."""

    model: Any

    def __init__(
        self, case: Case, users: Lists, model: nn.Module, data: Dataset[Any], collate: Any = None
    ) -> None:
        setting = case.setting
        self.case, self.users, self.device = case, users, case.where
        self.max_len: int = setting.model_options["max_len"]
        self.model = model.to(self.device)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=setting.training["learning_rate"]
        )
        self.loader: DataLoader[Any] = DataLoader(
            data, setting.training["batch_size"], shuffle=True, collate_fn=collate
        )
        self.examples, self.steps = len(data), len(self.loader)  # type: ignore[arg-type]
        self.order: Iterator[Any] = iter(())

    def batch(self) -> Any:
        """Put the next batch together."""
        batch = next(self.order, None)
        if batch is None:
            self.order = iter(self.loader)
            batch = next(self.order)
        return batch

    def step(self, batch: Any) -> Tensor:
        """Train on it; return the loss."""
        self.model.train()
        with computing(self.case):
            loss = self.loss([part.to(self.device) for part in batch])
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        return loss

    def loss(self, batch: list[Tensor]) -> Tensor:
        raise NotImplementedError

    def hide_seen(self, scores: Tensor, targets: list[Target]) -> None:
        raise NotImplementedError

    @torch.no_grad()
    def validate(self, split: Split) -> float:
        """Rank all targets of a split; return NDCG@20."""
        self.model.eval()
        gain, targets = 0.0, targets_of(self.users, split)
        for first in range(0, len(targets), RANKED_AT_ONCE):
            some = targets[first : first + RANKED_AT_ONCE]
            scores = self.scores([[*train, *later] for train, later, _ in some], first)
            self.hide_seen(scores, some)
            best = scores.topk(min(CUTOFF, scores.shape[1]), dim=1).indices.cpu().tolist()
            for items, (_, _, item) in zip(best, some, strict=True):
                gain += 1 / math.log2(items.index(item) + 2) if item in items else 0.0
        return gain / len(targets)

    def scores(self, histories: list[list[int]], first: int) -> Tensor:
        """Return the score of every item, (users, items + 1), for users from ``first`` on."""
        last = [items[-self.max_len :] for items in histories]
        padded = [[0] * (self.max_len - len(items)) + items for items in last]
        with computing(self.case):
            scores: Tensor = self.model.scores(torch.tensor(padded).to(self.device))
        return scores.float()


class PlainBSARecTraining(PlainTraining):
    def __init__(self, case: Case, users: Lists, data: Prefixes) -> None:
        model = PlainBSARec(case.setting.model_options, case.num_items, case.protocol)
        super().__init__(case, users, model, data)

    def loss(self, batch: list[Tensor]) -> Tensor:
        histories, targets = batch
        loss: Tensor = self.model.loss(histories, targets)
        return loss

    def hide_seen(self, scores: Tensor, targets: list[Target]) -> None:
        hide_seen(scores, targets, self.case.protocol)


class PlainBaselineTraining(PlainTraining):
    def __init__(self, case: Case, users: Lists, data: BaselineExamples) -> None:
        super().__init__(case, users, BASELINES[case.model].build(case), data)
        self.takes_users = "users" in data.needs

    def loss(self, batch: list[Tensor]) -> Tensor:
        loss: Tensor = self.model.loss(*batch)
        return loss

    def scores(self, histories: list[list[int]], first: int) -> Tensor:
        if not self.takes_users:
            return super().scores(histories, first)
        last = [items[-self.max_len :] for items in histories]
        padded = [[0] * (self.max_len - len(items)) + items for items in last]
        users = torch.arange(first, first + len(histories))
        scores: Tensor = self.model.scores(torch.tensor(padded), users)
        return scores

    def hide_seen(self, scores: Tensor, targets: list[Target]) -> None:
        hide_seen(scores, targets, self.case.protocol)


class PlainTED(PlainTraining):
    def __init__(self, case: Case, users: Lists, data: Users) -> None:
        setting = case.setting
        options, self.ted = setting.model_options, setting.ted
        model = PlainMQSATED(options, self.ted, case.num_items, case.protocol)
        self.l2: float = options["l2"]
        super().__init__(case, users, model, data, partial(data.collate, num_items=case.num_items))

    def loss(self, batch: list[Tensor]) -> Tensor:
        parts = UserBatch(*batch)
        loss: Tensor = self.model.recommendation_loss(parts.histories, parts.targets)
        loss += self.ted["weight"] * self.model.distillation_loss(parts.heads, parts.counts)
        loss += self.l2 * self.model.squares()
        return loss

    def hide_seen(self, scores: Tensor, targets: list[Target]) -> None:
        # what lies further back than the authors' window is forgotten
        kept = -self.max_len if self.case.protocol == "authors" else None
        for row, (train, later, _) in enumerate(targets):
            scores[row, train[kept:] + later] = -torch.inf
        scores[:, 0] = -torch.inf


def hide_seen(scores: Tensor, targets: list[Target], protocol: str) -> None:
    """Hide what users have seen, and padding, as the BSARec authors do or as one would."""
    for row, (train, later, _) in enumerate(targets):
        scores[row, train + later] = 0.0 if protocol == "authors" else -torch.inf
    if protocol != "authors":
        scores[:, 0] = -torch.inf


def targets_of(users: Lists, split: Split) -> list[Target]:
    """Return the targets of a split with their histories."""
    return [
        (train, [], valid) if split == "valid" else (train, [valid], test)
        for train, valid, test in zip(users.train, users.valid, users.test, strict=True)
        if test
    ]
