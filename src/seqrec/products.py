"""Products of matrices, by the fastest library torch has for them.

On CPUs with AVX-512 that are not Intel's, torch's default library (MKL) uses half of the vector
width; oneDNN, which torch brings too, uses all of it: 180 against 80 GFLOP/s on one core of a
2.6 GHz EPYC. Everywhere else, and for anything but float32, these are torch's own products.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _wide_vectors() -> bool:
    """Whether oneDNN is there, on a CPU whose whole width it uses."""
    return (
        torch.backends.mkldnn.is_available()
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


ONEDNN = _wide_vectors()
"""Decided by the machine alone, so that a run repeats to the last digit."""


def inner(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return all inner products of the rows of ``a`` with the rows of ``b``.

    Args:
        a: (…, k).
        b: (n, k); a transposed view is as fast as a contiguous one.
        bias: (n,), added.

    Returns:
        (…, n), ``a @ b.T + bias``. Records no gradient; ``linear`` does.
    """
    if _plain(a):
        return F.linear(a, b, bias)
    result: Tensor = torch.ops.mkldnn._linear_pointwise(a, b, bias, "none", [], "")
    return result


def _plain(x: Tensor) -> bool:
    return (
        not ONEDNN
        or x.dim() < 2
        or x.numel() == 0
        or x.device.type != "cpu"
        or x.dtype != torch.float32
        or torch.is_autocast_enabled("cpu")
        or torch.compiler.is_compiling()  # which cannot take oneDNN's product apart
    )


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x @ weight.T + bias``, with gradients.

    Args:
        x: (…, k).
        weight: (n, k).
        bias: (n,).

    Returns:
        (…, n).
    """
    if _plain(x):
        return F.linear(x, weight, bias)
    result: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return result


class _Linear(torch.autograd.Function):
    """Three products, each in the order of operands that oneDNN likes best."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return inner(x, weight, bias)

    @staticmethod
    def backward(
        ctx: Any, *gradients: Tensor
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        flat, rows = gradient.flatten(0, -2), x.flatten(0, -2)
        of_x, of_weight, of_bias = ctx.needs_input_grad
        return (
            inner(gradient, weight.t()) if of_x else None,
            columns_by_columns(flat, rows) if of_weight else None,
            flat.sum(dim=0) if of_bias else None,
        )


def columns_by_columns(a: Tensor, b: Tensor) -> Tensor:
    """Return ``a.T @ b`` for (m, n) and (m, k): (n, k). The shorter side comes first."""
    if a.shape[1] <= b.shape[1]:
        return inner(a.t(), b.t())
    return inner(b.t(), a.t()).t()


class Linear(nn.Linear):
    """``torch.nn.Linear`` by ``linear``; the same weights under the same names."""

    def forward(self, input: Tensor) -> Tensor:
        """Map (…, in) to (…, out)."""
        return linear(input, self.weight, self.bias)
