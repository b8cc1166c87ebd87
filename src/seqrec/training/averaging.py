"""The moving average of all weights: smoother than the last step, and often better.

Notable: the average starts with the weights and forgets the start faster than later steps, with
decay min(decay, (1 + s) / (10 + s)) in step s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class AverageWeights:
    """The average of a model's parameters over the steps so far.

    Args:
        model: on its device.
        decay: what the average keeps of itself in a step, in the long run.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.parameters = dict(model.named_parameters())
        self.average = {name: each.detach().clone() for name, each in self.parameters.items()}
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step."""
        self.steps += 1
        kept = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(list(self.average.values()), list(self.parameters.values()), 1 - kept)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the average in the block, and its own weights after it."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def keep(self) -> None:
        """Let the model have the average for good."""
        for name, value in self.average.items():
            self.parameters[name].copy_(value)

    @torch.no_grad()
    def restore(self, average: Mapping[str, Tensor], steps: int) -> None:
        """Go on from an average of so many steps."""
        for name, value in self.average.items():
            value.copy_(average[name])
        self.steps = steps

    def _swap(self) -> None:
        for name, parameter in self.parameters.items():
            parameter.data, self.average[name] = self.average[name], parameter.data
