"""Cross entropy with a bonus, against the plain form: values and all gradients."""

import pytest
import torch
from torch import Tensor

from seqrec.losses import items
from seqrec.losses.bonus import Bonus, cross_entropy_with_bonus, plain_cross_entropy_with_bonus
from seqrec.losses.items import Padding


def given(vectors: int = 40) -> tuple[Tensor, Tensor, Tensor, Bonus]:
    generator = torch.Generator().manual_seed(3)
    states = torch.randn(37, 8, generator=generator, dtype=torch.double)
    table = torch.randn(vectors, 8, generator=generator, dtype=torch.double)
    targets = torch.randint(1, vectors, (37,), generator=generator)
    columns = torch.stack([torch.randperm(vectors, generator=generator)[:6] for _ in range(37)])
    columns[::3, 4:] = 0
    columns[1, 0] = targets[1]
    values = torch.randn(37, 6, generator=generator, dtype=torch.double)
    without = torch.randint(0, vectors, (37, 5), generator=generator)
    without[2, 0] = targets[2]  # stays a class all the same
    return states, table, targets, Bonus(columns, values, without)


@pytest.mark.parametrize("padding", ["none", "zero", "class"])
@pytest.mark.parametrize(("budget", "fewest"), [(1 << 20, 32), (100, 4), (90, 32)])
def test_equals_the_plain_form(
    padding: Padding, budget: int, fewest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one chunk, in chunks of rows, in blocks of items."""
    monkeypatch.setattr(items, "logits_at_once", lambda _: budget)
    monkeypatch.setattr(items, "FEWEST_ROWS", fewest)
    found = []
    for function in (cross_entropy_with_bonus, plain_cross_entropy_with_bonus):
        states, table, targets, bonus = given()
        wanted = [each.requires_grad_() for each in (states, table, bonus.values)]
        loss = function(states, table, targets, bonus, padding=padding)
        found.append((loss.detach(), *torch.autograd.grad(2 * loss, wanted)))
    for mine, plain in zip(*found, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-9, atol=1e-10)


def test_no_bonus_is_the_cross_entropy_of_items() -> None:
    states, table, targets, bonus = given()
    nothing = Bonus(bonus.columns * 0, bonus.values, bonus.without * 0)
    mine = cross_entropy_with_bonus(states, table, targets, nothing)
    torch.testing.assert_close(mine, items.plain_cross_entropy(states, table, targets))
