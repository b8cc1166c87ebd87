"""Fast products against torch's own."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from seqrec.machine import products
from seqrec.machine.products import columns_by_columns, inner

PRECISIONS = [torch.float32, torch.float64]
SHAPES = [(7,), (1,), (3, 5), (2, 3, 4)]
"""Dimensions in front of the one that is summed over."""
VIEWS: list[Callable[[Tensor], Tensor]] = [
    lambda x: x,
    lambda x: torch.stack([x, x], dim=-1)[..., 0],  # every other number
    lambda x: x.transpose(-1, -2).contiguous().transpose(-1, -2) if x.dim() > 1 else x,
    lambda x: torch.cat([x, x])[len(x) :],  # starts in the middle of its memory
]


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("shape", [*SHAPES, (0,)])
@pytest.mark.parametrize("view", range(len(VIEWS)))
@pytest.mark.parametrize("bias", [True, False])
def test_inner_products_of_any_form(
    shape: tuple[int, ...], dtype: torch.dtype, view: int, bias: bool
) -> None:
    torch.manual_seed(0)
    a, b = VIEWS[view](torch.randn(*shape, 6, dtype=dtype)), torch.randn(9, 6, dtype=dtype)
    added = torch.randn(9, dtype=dtype) if bias else None
    expected = a @ b.T + (added if added is not None else 0)
    torch.testing.assert_close(inner(a, b, added), expected)
    torch.testing.assert_close(inner(a, VIEWS[view](b), added), expected)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("m", "n", "k"), [(5, 3, 4), (5, 4, 3), (1, 2, 2), (50, 7, 7)])
def test_columns_by_columns(m: int, n: int, k: int, dtype: torch.dtype) -> None:
    a, b = torch.randn(m, n, dtype=dtype), torch.randn(m, k, dtype=dtype)
    torch.testing.assert_close(columns_by_columns(a, b), a.T @ b)


def test_other_precisions_and_autocast_are_left_to_torch() -> None:
    a, b = torch.randn(4, 3), torch.randn(5, 3)
    for dtype in (torch.float64, torch.bfloat16):
        assert torch.equal(inner(a.to(dtype), b.to(dtype)), F.linear(a.to(dtype), b.to(dtype)))
    with torch.autocast("cpu", torch.bfloat16):
        assert inner(a, b).dtype == torch.bfloat16


def test_without_onednn_all_is_torchs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "ONEDNN", False)
    a, b, bias = torch.randn(4, 3), torch.randn(5, 3), torch.randn(5)
    assert torch.equal(inner(a, b, bias), F.linear(a, b, bias))
