"""Sampled negatives: beside a plain form, and that nothing but seed, user and target counts."""

import logging
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from seqrec.errors import SeqrecError
from seqrec.evaluation.evaluate import evaluate
from seqrec.evaluation.ranking import apply_rules, target_ranks
from seqrec.evaluation.sampled_ranking import drawable_items, item_keys, ranks_among_drawn
from seqrec.models import build_model
from seqrec.models.mqsa_ted import MQSATED
from seqrec.parameters.sections import EvaluationOptions
from seqrec.protocol import ranking_rules
from tests.evaluation.test_evaluate import FixedScores, table, trained

MASK = (1 << 64) - 1
Seen = list[list[int]]


def mixed(number: int) -> int:
    """SplitMix64, in Python's whole numbers."""
    number = (number + 0x9E3779B97F4A7C15) & MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & MASK
    return number ^ (number >> 31)


def plainly_drawn(
    seed: int, user: int, target: int, seen: list[int], items: int, n: int
) -> set[int]:
    """The plain form: number every item that may be drawn, sort, take the first."""
    start = mixed(mixed(mixed(seed) + user) + target)
    numbers = {item: mixed(start + item) % (1 << 63) for item in range(1, items + 1)}
    drawable = [item for item in numbers if item != target and item not in seen]
    return set(sorted(drawable, key=numbers.__getitem__)[:n])


def pairs(seen: Seen) -> tuple[Tensor, Tensor]:
    rows = [row for row, items in enumerate(seen) for _ in items]
    items = [item for items in seen for item in items]
    return torch.tensor(rows, dtype=torch.long), torch.tensor(items, dtype=torch.long)


def sampled(scores: Tensor, seen: Seen, negatives: int, target: int = 1) -> Tensor:
    targets = torch.full((len(scores),), target)
    drawable = drawable_items(scores, targets, pairs(seen))
    keys = item_keys(drawable, 0, torch.arange(1, len(scores) + 1), targets)
    return ranks_among_drawn(scores, targets, keys, negatives)


def test_the_plain_form_is_splitmix() -> None:
    """Its first outputs from seed 0, as published with the generator."""
    step = 0x9E3779B97F4A7C15
    assert [hex(mixed(step * i)) for i in range(2)] == ["0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4"]


@pytest.mark.parametrize("seed", [0, 42, 2**40])
def test_the_draw_is_that_of_the_plain_form(seed: int) -> None:
    random = np.random.default_rng(1)
    users, targets = torch.tensor([1, 2, 2, 900_001]), torch.tensor([5, 5, 6, 50])
    seen: Seen = [random.integers(1, 51, 12).tolist() for _ in users]
    scores = torch.zeros(4, 51)
    keys = item_keys(drawable_items(scores, targets, pairs(seen)), seed, users, targets)
    drawn = keys.topk(20, largest=False).indices
    for row, (user, target) in enumerate(zip(users.tolist(), targets.tolist(), strict=True)):
        expected = plainly_drawn(seed, user, target, seen[row], 50, 20)
        assert set(drawn[row].tolist()) == expected


def test_every_item_is_drawn_as_often_as_another() -> None:
    """8,000 users draw 5 of 20 items: each comes 2,000 times, within five standard deviations."""
    users = torch.arange(1, 8001)
    targets = torch.ones_like(users)
    drawable = drawable_items(torch.zeros(8000, 22), targets, pairs([[]]))
    drawn = item_keys(drawable, 7, users, targets).topk(5, largest=False).indices
    counts = np.bincount(drawn.flatten().numpy(), minlength=22)
    assert counts[:2].tolist() == [0, 0]
    assert np.abs(counts[2:] - 2000).max() < 5 * np.sqrt(8000 * 0.25 * 0.75)


def test_neither_seen_items_nor_padding_are_drawn() -> None:
    """The target 1 has score 0; padding and the seen items 2, 3 score above it, 4 to 6 below."""
    scores = torch.tensor([[9.0, 0.0, 9.0, 9.0, -1.0, -2.0, -3.0]])
    assert sampled(scores, [[2, 3]], 3).item() == 1


def test_a_seen_target_is_no_hit_among_sampled_items_either() -> None:
    assert sampled(torch.tensor([[0.0, -torch.inf, 1.0, 2.0]]), [[1]], 2).item() == np.inf


def test_sampling_all_negatives_is_the_full_ranking() -> None:
    torch.manual_seed(0)
    scores = torch.randn(20, 31)
    ruled = apply_rules(scores.clone(), pairs([[]]), ranking_rules("standard"))
    full = target_ranks(ruled, torch.ones(20).long())
    torch.testing.assert_close(sampled(scores, [[]], 29), full)


def log_of(users: int, items: int) -> list[list[int]]:
    random = np.random.default_rng(0)
    return [(random.permutation(items)[:n] + 1).tolist() for n in random.integers(3, 14, users)]


def measured(model: Any, users: list[list[int]], items: int, **options: Any) -> dict[str, Any]:
    section = EvaluationOptions.model_validate({"cutoffs": [1, 5], **options})
    log = table(users)
    found = evaluate(trained(model, log, items), log, options=section, device="cpu")
    block: dict[str, Any] = found.metrics["splits"]["test"]["sampled"]
    return block


@pytest.mark.parametrize("protocol", ["standard", "authors"])
def test_neither_batches_nor_max_len_change_a_draw(protocol: str) -> None:
    """With the rules of MQSA's authors too, under which seen items outside the window compete."""
    users = log_of(60, 30)
    found = []
    for max_len in (3, 50):
        for size in (1, 7, 256):
            model = FixedScores(torch.arange(30.0).tolist(), protocol)
            model.config.max_len = max_len
            model.authors_ranking = MQSATED.authors_ranking  # type: ignore[misc]
            found.append(measured(model, users, 30, sampled_negatives=5, batch_size=size))
    assert found[0]["targets"] == 60
    assert all(block == found[0] for block in found)


def test_the_order_in_which_histories_are_ranked_changes_nothing() -> None:
    """A model that hides padding is shown histories of like length together; here one by one."""
    users = log_of(60, 30)
    torch.manual_seed(0)
    model = build_model("bsarec", {"max_len": 6, "dim": 8, "c": 3}, "standard", num_items=30).eval()
    block = measured(model, users, 30, sampled_negatives=8)
    hits = []
    for user, (*history, target) in enumerate(users, 1):
        drawn = plainly_drawn(1, user, target, history, 30, 8)
        padded = torch.tensor([[0] * 6 + history])[:, -6:]
        with torch.no_grad():
            scores = (model.encode(padded) @ model.item_vectors().T)[0].tolist()
        hits.append(all(scores[item] < scores[target] for item in drawn))
    assert block["metrics"]["HR@1"]["value"] == pytest.approx(np.mean(hits))


def test_a_user_who_has_seen_nearly_everything_is_left_out_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """User 1 has 2 unseen items beside the target 8, users 2 and 3 have 7, and targets on top."""
    users = [[1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 10], [3, 4, 1]]
    model = FixedScores(list(range(1, 11)))
    with caplog.at_level(logging.WARNING):
        block = measured(model, users, 10, sampled_negatives=4)
    assert (block["targets"], block["left_out_targets"], block["left_out_users"]) == (2, 1, 1)
    assert block["metrics"]["HR@1"]["value"] == 0.5  # 10 is best of all, 1 the worst
    assert "test: 1 of 3 targets left out, for 1 users have fewer than 4 unseen" in caplog.text
    assert measured(model, users, 10, sampled_negatives=2)["left_out_users"] == 0
    with pytest.raises(SeqrecError, match=r"no user has more than \d unseen items .*choose fewer"):
        measured(model, users, 10, sampled_negatives=9)
