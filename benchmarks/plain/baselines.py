"""The baselines' plain forms by name, and the examples they are trained on, made one by one.

As in the BSARec authors' code: one left-padded prefix an example; a negative is drawn until one
is found that the prefix does not hold; a partner is one of the prefixes with the same target.
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

    def build(self, case: Case) -> nn.Module:
        """Return the model of a case."""
        more = {"num_users": case.num_users} if "users" in self.needs else {}
        return self.form(case.setting.model_options, case.num_items, case.protocol, **more)


BASELINES = {
    "sasrec": Baseline(PlainSASRec, ("negatives",)),
    "sasrec_ce": Baseline(PlainSASRecCE),
    "bert4rec": Baseline(PlainBERT4Rec),
    "caser": Baseline(PlainCaser, ("negatives", "users")),
    "gru4rec": Baseline(PlainGRU4Rec, ("negatives",)),
    "fmlprec": Baseline(PlainFMLPRec, ("negatives",)),
    "duorec": Baseline(PlainDuoRec, ("same_target",)),
    "fearec": Baseline(PlainFEARec, ("same_target",)),
}


class BaselinePrefixes(Dataset[tuple[Tensor, ...]]):
    """One example for every prefix of a user's last ``max_len`` training items."""

    def __init__(self, users: Lists, max_len: int, needs: tuple[str, ...], num_items: int) -> None:
        self.max_len, self.needs, self.num_items = max_len, needs, num_items
        self.examples: list[tuple[list[int], int, int]] = []
        self.same_target: dict[int, list[list[int]]] = {}
        for user, items in enumerate(users.train):
            window = items[-max_len:]
            for target in range(len(window)):
                prefix = window[:target]
                self.examples.append((prefix, window[target], user))
                self.same_target.setdefault(window[target], []).append(prefix)

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

    def padded(self, prefix: list[int]) -> list[int]:
        """Return a prefix with zeros on its left."""
        return [0] * (self.max_len - len(prefix)) + prefix

    def negative(self, held: set[int]) -> int:
        """Return an item that is not held."""
        while True:
            item = random.randint(1, self.num_items)
            if item not in held:
                return item

    def partner(self, prefix: list[int], target: int) -> list[int]:
        """Return another prefix with this target, if there is one."""
        others = self.same_target[target]
        if all(other == prefix for other in others):
            return prefix
        while True:
            choice = random.choice(others)
            if choice != prefix:
                return choice
