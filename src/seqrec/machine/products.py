"""Products of matrices, by the fastest library torch has for them.

On CPUs with AVX-512 that are not Intel's, torch's default library (MKL) uses half of the vector
width; oneDNN, which torch brings too, uses all of it: 180 against 80 GFLOP/s on one core of a
2.6 GHz EPYC. Everywhere else, and for anything but float32, these are torch's own products.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


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
        (…, n), ``a @ b.T + bias``. Records no gradient.
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


def columns_by_columns(a: Tensor, b: Tensor) -> Tensor:
    """Return ``a.T @ b`` for (m, n) and (m, k): (n, k). The shorter side comes first."""
    if a.shape[1] <= b.shape[1]:
        return inner(a.t(), b.t())
    return inner(b.t(), a.t()).t()
