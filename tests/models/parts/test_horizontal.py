"""The largest answers of filters: by convolutions, and of windows with an item alone."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from seqrec.models.parts import horizontal
from seqrec.models.parts.columns import real_columns
from seqrec.models.parts.horizontal import (
    Filters,
    Group,
    largest_answers,
    largest_answers_to_items,
)


def by_the_book(x: Tensor, filters: list[Tensor]) -> Tensor:
    """Return one convolution a height, pooled over all places: (B, F)."""
    answers = [F.conv2d(x.unsqueeze(1), each.unsqueeze(1)).squeeze(3) for each in filters]
    return torch.cat([each.max(dim=2).values for each in answers], dim=1)


def some_filters(length: int, count: int, dim: int, dtype: torch.dtype) -> list[Tensor]:
    return [
        torch.randn(count, height, dim, dtype=dtype, requires_grad=True)
        for height in range(1, length + 1)
    ]


def compared(one: Tensor, other: Tensor, variables: list[Tensor]) -> None:
    """Check that values and gradients are the same."""
    tolerance = 1e-5 if one.dtype == torch.float32 else 1e-12
    torch.testing.assert_close(one, other, atol=tolerance, rtol=tolerance)
    upstream = torch.randn_like(one)
    actual = torch.autograd.grad(one, variables, upstream)
    expected = torch.autograd.grad(other, variables, upstream)
    for a, b in zip(actual, expected, strict=True):
        torch.testing.assert_close(a, b, atol=10 * tolerance, rtol=10 * tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("length", "count"), [(1, 2), (5, 1), (8, 3), (9, 2), (17, 2)])
def test_few_convolutions_equal_one_a_height(dtype: torch.dtype, length: int, count: int) -> None:
    torch.manual_seed(0)
    filters = some_filters(length, count, 4, dtype)
    x = torch.randn(6, length, 4, dtype=dtype, requires_grad=True)
    compared(largest_answers(x, filters), by_the_book(x, filters), [x, *filters])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("length", "count"), [(1, 2), (2, 1), (7, 3), (12, 2)])
@pytest.mark.parametrize("with_padding", [False, True])
def test_items_alone_give_what_all_columns_give(
    dtype: torch.dtype, length: int, count: int, with_padding: bool
) -> None:
    """Histories of all lengths, in groups of which one has no item at all."""
    torch.manual_seed(0)
    filters = some_filters(length, count, 4, dtype)
    padding = torch.randn(4, dtype=dtype) if with_padding else torch.zeros(4, dtype=dtype)
    lengths = torch.cat([torch.arange(length, -1, -1), torch.zeros(3, dtype=torch.long)])
    histories = (torch.arange(length) >= length - lengths[:, None]).long()
    vectors = torch.randn(len(lengths), length, 4, dtype=dtype, requires_grad=True)
    groups, items = [], []
    for part, of_part in zip(histories.split(3), vectors.split(3), strict=True):
        columns = real_columns(part)
        groups.append(Group(len(part), columns.counts))
        items.append(of_part.flatten(0, 1)[columns.places])
    real = histories.unsqueeze(2).bool()
    expected = by_the_book(torch.where(real, vectors, padding), filters)
    actual = largest_answers_to_items(torch.cat(items) - padding, padding, groups, filters)
    compared(actual, expected, [vectors, *filters])


def test_equal_windows_share_nothing() -> None:
    """The gradient of a largest answer goes to one window, be there ever so many like it."""
    torch.manual_seed(0)
    filters = some_filters(4, 2, 3, torch.float64)
    item = torch.randn(3, dtype=torch.float64, requires_grad=True)
    groups = [Group(1, [1, 1, 1, 1])]
    actual = largest_answers_to_items(item.expand(4, -1), torch.zeros(3).double(), groups, filters)
    compared(actual, by_the_book(item.expand(1, 4, -1), filters), [item, *filters])


def test_the_answers_of_few_histories_are_in_memory_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = []

    def observed(answers: Tensor, count: int) -> tuple[Tensor, Tensor]:
        sizes.append(answers.shape)
        return inner(answers, count)

    inner = horizontal._largest_of
    monkeypatch.setattr(horizontal, "_largest_of", observed)
    filters = some_filters(10, 2, 3, torch.float32)
    groups = [Group(2, [1, 2]), Group(3, [1]), Group(4, [])]
    largest_answers_to_items(torch.randn(4, 3), torch.zeros(3), groups, filters)
    assert sizes == [(3, 2, 20), (2, 3, 20), (1, 4, 20)]


def test_filters_are_drawn_as_torch_draws_convolutions() -> None:
    torch.manual_seed(0)
    ours = Filters(500, 3, 12)
    theirs = torch.nn.Conv2d(1, 500, (3, 12))
    assert theirs.bias is not None
    for one, other in ((ours.weight, theirs.weight), (ours.bias, theirs.bias)):
        assert one.abs().max().item() == pytest.approx(other.abs().max().item(), rel=0.02)
        assert one.std().item() == pytest.approx(other.std().item(), rel=0.1)
