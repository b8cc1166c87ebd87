"""Adam, in the forms that training needs: torch's, TensorFlow's, and one for sparse gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

EPSILON = 1e-8


class TensorFlowAdam(torch.optim.Adam):
    """Adam with the epsilon of TensorFlow 1, added before the second moment is corrected.

    That is torch's form with epsilon / sqrt(1 - beta2^t), which falls towards epsilon with the
    steps t.
    """

    _count: int | None = None

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step."""
        if self._count is None:
            self._count = _steps_so_far(self)
        self._count += 1
        for group in self.param_groups:
            group["eps"] = EPSILON / (1 - group["betas"][1] ** self._count) ** 0.5
        loss: float | None = super().step(closure)
        return loss


class RowAdam(torch.optim.Optimizer):
    """Adam for tables with sparse gradients: only the rows of the batch and their moments change.

    The same as ``torch.optim.SparseAdam``, without its wait for the number of different rows.
    """

    def __init__(self, tables: list[Tensor], lr: float) -> None:
        super().__init__(tables, {"lr": lr, "betas": (0.9, 0.999)})
        self._count: int | None = None

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take one step."""
        if self._count is None:
            self._count = _steps_so_far(self)
        self._count += 1
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None:
                    self._update(table, table.grad, group["lr"], *group["betas"])

    def _update(
        self, table: Tensor, sparse: Tensor, rate: float, beta1: float, beta2: float
    ) -> None:
        state = self.state[table]
        if not state:
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(table), torch.zeros_like(table)
        count = self._count or 1
        state["step"] = torch.tensor(float(count))
        rows, gradient = _sums_by_row(sparse._indices()[0], sparse._values())
        first = state["exp_avg"][rows].lerp_(gradient, 1 - beta1)
        second = state["exp_avg_sq"][rows].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        state["exp_avg"][rows], state["exp_avg_sq"][rows] = first, second
        scale = rate * (1 - beta2**count) ** 0.5 / (1 - beta1**count)
        table[rows] -= scale * first / (second.sqrt() + EPSILON)


def _sums_by_row(rows: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Add up the values of equal rows: as many results as there were, the surplus zero for row 0.

    How many different rows there are is never asked. Row 0 is padding; its gradient is zero, so
    that writing it several times writes the same.
    """
    ordered, order = rows.sort()
    is_first = torch.ones_like(ordered)
    is_first[1:] = ordered[1:] != ordered[:-1]
    group = is_first.cumsum(0) - 1
    sums = torch.zeros_like(values).index_add_(0, group, values[order])
    return torch.zeros_like(rows).scatter_(0, group, ordered), sums


def _steps_so_far(optimizer: torch.optim.Optimizer) -> int:
    """Return the steps in the moments; read once, for on a GPU one would have to wait for it."""
    states = [state["step"] for state in optimizer.state.values() if "step" in state]
    return int(states[0]) if states else 0


class Optimizers:
    """One optimizer for the dense parameters and one for those whose gradients are sparse.

    Args:
        model: its parameters.
        learning_rate: of both.
        sparse: parameters that get sparse gradients: only their rows in the batch are updated.
        tensorflow: whether Adam is TensorFlow's.
    """

    def __init__(
        self,
        model: nn.Module,
        learning_rate: float,
        *,
        sparse: Iterable[Tensor] = (),
        tensorflow: bool = False,
    ) -> None:
        rows = list(sparse)
        apart = {id(parameter) for parameter in rows}
        dense = [p for p in model.parameters() if id(p) not in apart]
        adam = TensorFlowAdam if tensorflow else torch.optim.Adam
        fused = all(parameter.device.type in ("cpu", "cuda") for parameter in dense)
        self.parts: list[torch.optim.Optimizer] = [adam(dense, lr=learning_rate, fused=fused)]
        if rows:
            self.parts.append(RowAdam(rows, learning_rate))

    def step(self) -> None:
        """Take one step and forget the gradients."""
        for part in self.parts:
            part.step()
            part.zero_grad(set_to_none=True)

    def state_of(self, parameter: Tensor) -> dict[str, Any]:
        """Return the moments of a parameter, empty before its first step."""
        return dict(self._part_of(parameter).state.get(parameter, {}))

    def restore(self, parameter: Tensor, state: dict[str, Any]) -> None:
        """Put the moments of a parameter back."""
        self._part_of(parameter).state[parameter] = state

    def _part_of(self, parameter: Tensor) -> torch.optim.Optimizer:
        return next(
            part
            for part in self.parts
            if any(p is parameter for group in part.param_groups for p in group["params"])
        )
