"""The baselines' plain forms by name, and the examples they are trained on, made one by one.

One left-padded prefix an example, as in the BSARec authors' code; under ``standard`` the whole
sequence of a user for the models whose papers have it so. A negative is drawn until one is found
that the example does not hold; a partner is one of the prefixes with the same target.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from benchmarks.case import Case
from benchmarks.plain.caser import PlainCaser
from benchmarks.plain.fearec import PlainFEARec
from benchmarks.plain.fmlprec import PlainFMLPRec
from benchmarks.plain.gru4rec import PlainGRU4Rec
from benchmarks.plain.rules import prefixes_of
from benchmarks.plain.transformer import (
    PlainBERT4Rec,
    PlainDuoRec,
    PlainSASRec,
    PlainSASRecCE,
)
from benchmarks.sequences import Lists


@dataclass(frozen=True)
class Baseline:
    """A plain form, and what its loss takes beside prefixes and targets, in this order."""

    form: Callable[..., nn.Module]
    needs: tuple[str, ...] = ()
    """``negatives``, ``same_target``, ``users``."""
    whole: bool = False
    """Whether it learns from whole sequences under ``standard``."""

    def build(self, case: Case) -> nn.Module:
        """Return the model of a case."""
        more = {"num_users": case.num_users} if "users" in self.needs else {}
        return self.form(case.setting.model_options, case.num_items, case.protocol, **more)


BASELINES = {
    "sasrec": Baseline(PlainSASRec, ("negatives",), whole=True),
    "sasrec_ce": Baseline(PlainSASRecCE, whole=True),
    "bert4rec": Baseline(PlainBERT4Rec, whole=True),
    "caser": Baseline(PlainCaser, ("negatives", "users")),
    "gru4rec": Baseline(PlainGRU4Rec, ("negatives",), whole=True),
    "fmlprec": Baseline(PlainFMLPRec, ("negatives",)),
    "duorec": Baseline(PlainDuoRec, ("same_target",)),
    "fearec": Baseline(PlainFEARec, ("same_target",)),
}


class BaselineExamples(Dataset[tuple[Tensor, ...]]):
    """What all examples have."""

    def __init__(self, case: Case) -> None:
        self.max_len: int = case.setting.model_options["max_len"]
        self.needs, self.num_items = BASELINES[case.model].needs, case.num_items

    def padded(self, items: list[int]) -> list[int]:
        """Return items with zeros on their left."""
        return [0] * (self.max_len - len(items)) + items

    def negative(self, held: set[int]) -> int:
        """Return an item that is not held."""
        while True:
            item = random.randint(1, self.num_items)
            if item not in held:
                return item


class BaselinePrefixes(BaselineExamples):
    """One example for every prefix of a user that ends among the last ``max_len`` training items.

    Under ``authors`` a prefix begins there too, and may be empty.
    """

    def __init__(self, users: Lists, case: Case) -> None:
        super().__init__(case)
        self.examples: list[tuple[list[int], int, int]] = []
        self.same_target: dict[int, list[list[int]]] = {}
        for user, items in enumerate(users.train):
            for prefix, target in prefixes_of(items, self.max_len, case.protocol):
                self.examples.append((prefix, target, user))
                self.same_target.setdefault(target, []).append(prefix)

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        prefix, target, user = self.examples[index]
        more: dict[str, Any] = {"users": user}
        if "negatives" in self.needs:
            more["negatives"] = self.negative({*prefix, target})
        if "same_target" in self.needs:
            more["same_target"] = self.padded(self.partner(prefix, target))
        parts = (self.padded(prefix), target, *(more[need] for need in self.needs))
        return tuple(torch.as_tensor(part) for part in parts)

    def partner(self, prefix: list[int], target: int) -> list[int]:
        """Return another prefix with this target, if there is one."""
        others = self.same_target[target]
        if all(other == prefix for other in others):
            return prefix
        while True:
            choice = random.choice(others)
            if choice != prefix:
                return choice


class WholeSequences(BaselineExamples):
    """A user's last ``max_len`` training items that are followed by one, and what follows each."""

    def __init__(self, users: Lists, case: Case) -> None:
        super().__init__(case)
        self.examples = [items[-self.max_len - 1 :] for items in users.train if len(items) > 1]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        items = self.examples[index]
        parts = [self.padded(items[:-1]), self.padded(items[1:])]
        if "negatives" in self.needs:
            parts.append(self.padded([self.negative(set(items)) for _ in items[1:]]))
        return tuple(map(torch.tensor, parts))


class MaskedSequences(BaselineExamples):
    """A user's last ``max_len`` training items, which the model masks."""

    def __init__(self, users: Lists, case: Case) -> None:
        super().__init__(case)
        self.examples = [items[-self.max_len :] for items in users.train if items]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return (torch.tensor(self.padded(self.examples[index])),)


def examples_of(users: Lists, case: Case) -> BaselineExamples:
    """Return the examples that a baseline is trained on."""
    if case.protocol == "authors" or not BASELINES[case.model].whole:
        return BaselinePrefixes(users, case)
    return MaskedSequences(users, case) if case.model == "bert4rec" else WholeSequences(users, case)
