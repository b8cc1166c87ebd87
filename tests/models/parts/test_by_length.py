"""Histories in groups of like length, against the whole batch at once."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqrec.batches import Batch
from seqrec.models import build_model
from seqrec.models.parts import by_length
from seqrec.models.parts.by_length import (
    SQUARES,
    cheapest,
    encode_by_length,
    groups_of_like_length,
)
from seqrec.models.parts.face import SequentialModel

ITEMS, WIDTH, DIM = 30, 40, 32


def histories_of(lengths: list[int]) -> Tensor:
    items = torch.randint(1, ITEMS + 1, (len(lengths), WIDTH))
    outside = torch.arange(WIDTH) < WIDTH - torch.tensor(lengths)[:, None]
    return items.masked_fill(outside, 0)


def mostly_short(count: int = 256) -> Tensor:
    """Of all lengths from none to the whole width, in no order, most of them short."""
    lengths = (WIDTH * torch.rand(count) ** 4).round().long()
    lengths[:3] = torch.tensor([0, WIDTH, 1])
    return histories_of(lengths[torch.randperm(count)].tolist())


def model_of(name: str, protocol: str = "standard") -> SequentialModel:
    options: dict[str, Any] = {"max_len": WIDTH, "dim": DIM, "hidden_dropout": 0.0}
    if name == "bsarec":
        options |= {"num_heads": 2, "attention_dropout": 0.0}
    return build_model(name, options, num_items=ITEMS, protocol=protocol).double()


def losses_and_gradients(model: SequentialModel, batch: Batch) -> dict[str, Tensor]:
    torch.manual_seed(5)  # FMLPRec draws a negative
    loss = model.loss(batch)["loss"]
    model.zero_grad()
    loss.backward()
    gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
    return {"loss": loss.detach()} | gradients


@pytest.mark.parametrize("name", ["bsarec", "fmlprec"])
def test_groups_give_what_the_whole_batch_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    model, histories = model_of(name).train(), mostly_short()
    targets = torch.randint(1, ITEMS + 1, (len(histories),))
    batch = Batch(users=targets, histories=histories, targets=targets)
    assert groups_of_like_length(histories, DIM) is not None
    in_groups = losses_and_gradients(model, batch)
    monkeypatch.setattr(by_length, "groups_of_like_length", lambda *_: None)
    at_once = losses_and_gradients(model, batch)
    assert in_groups.keys() == at_once.keys()
    for key, value in at_once.items():
        torch.testing.assert_close(in_groups[key], value, rtol=0, atol=1e-12, msg=key)


def test_each_group_is_as_wide_as_its_longest() -> None:
    torch.manual_seed(2)
    histories = mostly_short()
    groups = groups_of_like_length(histories, DIM)
    assert groups is not None
    assert sorted(int(row) for rows, _ in groups for row in rows) == list(range(256))
    for rows, width in groups:
        lengths = (histories[rows] != 0).sum(dim=1)
        assert width == max(1, int(lengths.max()))
    widths = [width for _, width in groups]
    assert len(widths) > 1
    assert widths == sorted(widths)


def cost(groups: list[tuple[int, int]], further: float) -> float:
    return sum(further + rows * width * (1 + SQUARES * width) for rows, width in groups)


def every_grouping(counts: list[int]) -> Iterator[list[tuple[int, int]]]:
    """By brute force: after each length that occurs a group ends, or does not."""
    widths = [width for width, count in enumerate(counts) if count]
    for ends in product([False, True], repeat=len(widths) - 1):
        groups, rows = [], 0
        for width, is_end in zip(widths, [*ends, True], strict=True):
            rows += counts[width]
            if is_end:
                groups.append((rows, width))
                rows = 0
        yield groups


@pytest.mark.parametrize("further", [0.0, 40.0, 300.0, 1e6])
def test_no_other_groups_cost_less(further: float) -> None:
    draw = np.random.default_rng(4)
    for _ in range(20):
        counts = draw.integers(0, 40, 9) * draw.integers(0, 2, 9)
        counts[draw.integers(1, 9)] += 1
        counts[0] = 0
        found = cheapest(counts, further)
        least = min(cost(each, further) for each in every_grouping(counts.tolist()))
        assert sum(rows for rows, _ in found) == counts.sum()
        assert cost(found, further) == pytest.approx(least)


def test_a_zero_between_items_stays_in_its_history() -> None:
    histories = torch.zeros(1024, WIDTH, dtype=torch.long)
    histories[:, -1] = 3
    histories[7, 4] = 5
    groups = groups_of_like_length(histories, DIM)
    assert groups is not None
    assert [width for rows, width in groups if 7 in rows.tolist()] == [WIDTH - 4]


@pytest.mark.parametrize(
    "histories", [histories_of([WIDTH] * 300), histories_of([1] * 9 + [WIDTH])], ids=["long", "few"]
)
def test_where_groups_gain_nothing_there_are_none(histories: Tensor) -> None:
    assert groups_of_like_length(histories, DIM) is None


@pytest.mark.parametrize("protocol", ["authors", "standard"])
def test_padding_that_counts_is_not_cut_off(protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    model = model_of("bsarec", protocol).eval()
    encode, shapes = model.encode, []

    def recorded(histories: Tensor) -> Tensor:
        shapes.append(tuple(histories.shape))
        return encode(histories)

    monkeypatch.setattr(model, "encode", recorded)
    encode_by_length(model, mostly_short())
    assert (shapes == [(256, WIDTH)]) == (protocol == "authors")
