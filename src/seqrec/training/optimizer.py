"""Adam (Kingma and Ba, ICLR 2015), in the forms that training needs.

Torch's own optimizers bring its compiler with them, a second and 70 MB of a run that does not
compile anything; these call the same fused kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

EPSILON = 1e-8
BETA1, BETA2 = 0.9, 0.999
State = dict[str, Tensor]


class Adam:
    """Adam for dense gradients, in one pass over each parameter.

    Args:
        parameters: what is to be trained.
        lr: learning rate.
        tensorflow: whether epsilon is added before the second moment is corrected, as in
            TensorFlow 1: torch's form with epsilon / sqrt(1 - beta2^t) in step t.
        weight_decay: share of a weight that is added to its gradient.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        *,
        tensorflow: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.weight_decay = weight_decay
        self.parameters, self.lr, self.tensorflow = list(parameters), lr, tensorflow
        self.state: dict[Tensor, State] = {}
        self._count: int | None = None

    @torch.no_grad()
    def step(self) -> None:
        """Take one step; parameters without a gradient stay as they are."""
        trained = [p for p in self.parameters if p.grad is not None]
        self._count = 1 + (_steps_so_far(self.state) if self._count is None else self._count)
        epsilon = EPSILON / (1 - BETA2**self._count) ** 0.5 if self.tensorflow else EPSILON
        for group in _by_kind(trained):
            update = _fused if _has_kernel(group[0]) else _plain
            update(group, self._states(group), self.lr, epsilon, self.weight_decay)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def _states(self, parameters: list[Tensor]) -> list[State]:
        for parameter in parameters:
            if parameter not in self.state:
                self.state[parameter] = {
                    "step": torch.zeros((), device=_home_of_steps(parameter)),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        return [self.state[parameter] for parameter in parameters]


def _has_kernel(parameter: Tensor) -> bool:
    return hasattr(torch, "_fused_adam_") and parameter.device.type in ("cpu", "cuda")


def _home_of_steps(parameter: Tensor) -> torch.device:
    """Where a count of steps is at hand: the kernel reads it on its device, Python on the host."""
    return parameter.device if _has_kernel(parameter) else torch.device("cpu")


def _by_kind(parameters: list[Tensor]) -> list[list[Tensor]]:
    """Put together what one kernel can update: parameters of one type and device."""
    groups: dict[Any, list[Tensor]] = {}
    for parameter in parameters:
        groups.setdefault((parameter.dtype, parameter.device), []).append(parameter)
    return list(groups.values())


def _fused(
    parameters: list[Tensor], states: list[State], lr: float, epsilon: float, weight_decay: float
) -> None:
    steps = [state["step"] for state in states]
    torch._foreach_add_(steps, 1)
    torch._fused_adam_(
        parameters,
        [parameter.grad for parameter in parameters if parameter.grad is not None],
        [state["exp_avg"] for state in states],
        [state["exp_avg_sq"] for state in states],
        [],
        steps,
        lr=lr,
        beta1=BETA1,
        beta2=BETA2,
        weight_decay=weight_decay,
        eps=epsilon,
        amsgrad=False,
        maximize=False,
    )


def _plain(
    parameters: list[Tensor], states: list[State], lr: float, epsilon: float, weight_decay: float
) -> None:
    """The same, operation by operation, for devices that lack the kernel."""
    for parameter, state in zip(parameters, states, strict=True):
        gradient, count = parameter.grad, int(state["step"].add_(1))
        assert gradient is not None
        gradient = gradient.add(parameter, alpha=weight_decay) if weight_decay else gradient
        first = state["exp_avg"].lerp_(gradient, 1 - BETA1)
        second = state["exp_avg_sq"].mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        root = (second / (1 - BETA2**count)).sqrt_().add_(epsilon)
        parameter.sub_(lr * first / (1 - BETA1**count) / root)


class RowAdam:
    """Adam for tables with sparse gradients: only the rows of the batch and their moments change.

    The same as ``torch.optim.SparseAdam``, without its wait for the number of different rows.

    Args:
        tables: whose gradients are sparse; row 0 is padding and gets gradients of zero.
        lr: learning rate.
    """

    def __init__(self, tables: Iterable[Tensor], lr: float) -> None:
        self.parameters, self.lr = list(tables), lr
        self.state: dict[Tensor, State] = {}
        self._count: int | None = None

    @torch.no_grad()
    def step(self) -> None:
        """Take one step."""
        self._count = 1 + (_steps_so_far(self.state) if self._count is None else self._count)
        for table in self.parameters:
            if table.grad is not None:
                self._update(table, table.grad, self._count)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for table in self.parameters:
            table.grad = None

    def _update(self, table: Tensor, sparse: Tensor, count: int) -> None:
        state = self.state.setdefault(table, {})
        if not state:
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(table), torch.zeros_like(table)
        state["step"] = torch.tensor(float(count))
        rows, gradient = _sums_by_row(sparse._indices()[0], sparse._values())
        first = state["exp_avg"][rows].lerp_(gradient, 1 - BETA1)
        second = state["exp_avg_sq"][rows].mul_(BETA2)
        second.addcmul_(gradient, gradient, value=1 - BETA2)
        state["exp_avg"][rows], state["exp_avg_sq"][rows] = first, second
        scale = self.lr * (1 - BETA2**count) ** 0.5 / (1 - BETA1**count)
        table[rows] -= scale * first / (second.sqrt() + EPSILON)


def _sums_by_row(rows: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Add up the values of equal rows: (n,) and (n, d) to one result for each row but padding's.

    How many rows differ is asked on the CPU alone, where it spares most of the work: four of five
    inputs are padding. Elsewhere it would have to be waited for; there are as many results as
    there were values, the surplus zero for row 0. Row 0 is padding; its gradient is zero, so that
    writing it several times writes the same.
    """
    if rows.device.type != "cpu":
        return _sums_without_waiting(rows, values)
    real = rows.nonzero().squeeze(1)
    different, group = rows[real].unique(return_inverse=True)
    sums = values.new_zeros(len(different), values.shape[1])
    return different, sums.index_add_(0, group, values[real])


def _sums_without_waiting(rows: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    ordered, order = rows.sort()
    is_first = torch.ones_like(ordered)
    is_first[1:] = ordered[1:] != ordered[:-1]
    group = is_first.cumsum(0) - 1
    sums = torch.zeros_like(values).index_add_(0, group, values[order])
    return torch.zeros_like(rows).scatter_(0, group, ordered), sums


def _steps_so_far(states: dict[Tensor, State]) -> int:
    """Return the steps in the moments; read once, for on a GPU one would have to wait for it."""
    return max((int(state["step"]) for state in states.values()), default=0)


class Optimizers:
    """One optimizer for the dense parameters and one for those whose gradients are sparse.

    Args:
        model: its parameters.
        learning_rate: of both.
        sparse: parameters that get sparse gradients: only their rows in the batch are updated.
        tensorflow: whether Adam is TensorFlow's.
        faster: parameters whose names begin so learn so many times as fast.
        weight_decay: share of a weight that is added to its gradient, of dense parameters.
    """

    def __init__(
        self,
        model: nn.Module,
        learning_rate: float,
        *,
        sparse: Iterable[Tensor] = (),
        tensorflow: bool = False,
        faster: Mapping[str, float] = MappingProxyType({}),
        weight_decay: float = 0.0,
    ) -> None:
        tables = list(sparse)
        apart = {id(table) for table in tables}
        groups: dict[float, list[Tensor]] = {1.0: []}
        for name, parameter in model.named_parameters():
            if id(parameter) not in apart:
                factors = (factor for start, factor in faster.items() if name.startswith(start))
                groups.setdefault(next(factors, 1.0), []).append(parameter)
        self.parts: list[Adam | RowAdam] = [
            Adam(
                parameters,
                learning_rate * factor,
                tensorflow=tensorflow,
                weight_decay=weight_decay,
            )
            for factor, parameters in groups.items()
        ]
        if tables:
            self.parts.append(RowAdam(tables, learning_rate))

    def step(self) -> None:
        """Take one step and forget the gradients."""
        for part in self.parts:
            part.step()
            part.zero_grad()

    def steps(self) -> int:
        """Return how many steps were taken."""
        return max(_steps_so_far(part.state) for part in self.parts)

    def state_of(self, parameter: Tensor) -> State:
        """Return the moments of a parameter, empty before its first step."""
        return self._part_of(parameter).state.get(parameter, {})

    def restore(self, parameter: Tensor, state: State) -> None:
        """Put the moments of a parameter back."""
        self._part_of(parameter).state[parameter] = state

    def home_of(self, parameter: Tensor, moment: str) -> torch.device:
        """Return the device on which a moment of a parameter lives."""
        return _home_of_steps(parameter) if moment == "step" else parameter.device

    def _part_of(self, parameter: Tensor) -> Adam | RowAdam:
        return next(
            part for part in self.parts if any(other is parameter for other in part.parameters)
        )
