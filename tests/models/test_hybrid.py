"""Cosine and transitions together: by hand, against a plain form, and on real data."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from seqrec.batches import Sequences
from seqrec.evaluation.evaluate import evaluate
from seqrec.models.folder import load_model, save_model
from seqrec.parameters.sections import EvaluationOptions
from tests.counted import (
    fitted,
    plain_shared_users,
    plain_sum,
    plain_ties,
    plain_transitions,
    random_users,
    split_off,
    table_of,
)
from tests.trainings import trained_on

PLAIN = {
    "window": 1,
    "reverse": 0.0,
    "transition_source_exponent": 0.0,
    "transition_target_exponent": 0.0,
    "cosine_source_exponent": 0.5,
    "cosine_target_exponent": 0.5,
    "transition_items": 1,
    "cosine_items": 1,
    "cosine_weight": 0.5,
}


def test_both_sides_by_hand() -> None:
    """After 1: 2 twice, 3 once. Users of 1 2 3: 3 2 2; of 1 and 2 two, of 1 and 3 two."""
    model = fitted("hybrid", [[1, 2, 3], [1, 2], [1, 3]], num_items=4, **PLAIN)
    expected = torch.tensor([[0, 0, 1 + 0.5, 0.5 + 0.5, 0]])
    ties = torch.tensor([0, 3, 2, 2, 0]) * 1e-4 / 3
    torch.testing.assert_close(model.scores(torch.tensor([[1]])) - ties, expected)


def test_the_other_direction_and_degrees_by_hand() -> None:
    """Transitions 1→2 twice, 2→1 once: S_12 = 2 + .5, S_21 = 1 + 1, and 2→3, 3→2 with 1 and .5."""
    options = {**PLAIN, "reverse": 0.5, "cosine_weight": 0.0}
    degrees = {"transition_source_exponent": 1.0, "transition_target_exponent": 0.5}
    model = fitted("hybrid", [[1, 2], [1, 2, 3], [2, 1]], num_items=3, **{**options, **degrees})
    # row 2 of T: 2 / 3 / √2 for item 1, which 2 alone leads to; 1 / 3 / √1 for item 3
    expected = torch.tensor([[0, 1, 0, 0.5 * 2**0.5]])
    ties = torch.tensor([0, 3, 3, 1]) * 1e-4 / 3
    torch.testing.assert_close(model.scores(torch.tensor([[2]])) - ties, expected)


@pytest.mark.parametrize("num_items", [12, 400])
def test_scores_equal_a_plain_form(num_items: int) -> None:
    """With 12 items the tables are dense, with 400 they are sparse."""
    users = random_users(num_items=num_items, users=60)
    options = {
        "window": 4,
        "gamma": 0.6,
        "reverse": 0.3,
        "transition_source_exponent": 0.4,
        "transition_target_exponent": 0.2,
        "transition_items": 3,
        "transition_decay": 0.5,
        "cosine_source_exponent": 0.6,
        "cosine_target_exponent": 0.3,
        "cosine_items": 6,
        "cosine_decay": 0.9,
        "cosine_weight": 1.7,
    }
    model = fitted("hybrid", users, num_items, **options)
    both = plain_transitions(users, num_items, window=4, gamma=0.6)
    both = both + 0.3 * both.T
    out, into = (np.maximum(both.sum(axis=axis), 1e-9) for axis in (1, 0))
    transitions = both / np.outer(out**0.4, into**0.2)
    shared, audience = plain_shared_users(users, num_items)
    similar = shared / np.outer(np.maximum(audience, 1) ** 0.6, np.maximum(audience, 1) ** 0.3)
    for history in users[:10]:
        a = plain_sum(transitions, history, 3, 0.5)
        b = plain_sum(similar, history, 6, 0.9)
        expected = a / max(a.max(), 1e-30) + 1.7 * b / max(b.max(), 1e-30)
        scores = model.scores(torch.tensor([[0, *history]]))[0].numpy()
        np.testing.assert_allclose(scores, expected + plain_ties(users, num_items), atol=2e-6)


def test_padding_and_width_change_nothing() -> None:
    model = fitted("hybrid", random_users(), 12)
    narrow = torch.tensor([[0, 3, 5], [2, 2, 7]])
    wide = torch.nn.functional.pad(narrow, (40, 0))
    assert torch.equal(model.scores(narrow), model.scores(wide))


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    log = split_off(*random_users(), num_items=12)
    for name in ("one", "two"):
        save_model(tmp_path / name, trained_on(log, "hybrid", trials=5).trained)
    for file in ("model.safetensors", "config.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_model_folder_stands_on_its_own(tmp_path: Path) -> None:
    log = split_off(*random_users(), num_items=12)
    trained = trained_on(log, "hybrid", trials=5).trained
    save_model(tmp_path, trained)
    loaded = load_model(tmp_path)
    assert loaded.options == trained.options
    assert loaded.options["trials"] == 5
    metrics = [
        evaluate(model, table_of(log), options=EvaluationOptions(), device="cpu").metrics
        for model in (trained, loaded)
    ]
    assert metrics[0] == metrics[1]


def test_lastfm_reaches_the_level_of_trained_models(shared_folder: Path) -> None:
    lines = (shared_folder / "datasets" / "sequences" / "LastFM.txt").read_text().splitlines()
    log: Sequences = split_off(*([*map(int, line.split()[1:])] for line in lines), num_items=3646)
    started = time.perf_counter()
    trained = trained_on(log, "hybrid").trained
    seconds = time.perf_counter() - started
    metrics = evaluate(trained, table_of(log), options=EvaluationOptions(), device="cpu").metrics
    assert metrics["splits"]["test"]["metrics"]["NDCG@10"]["value"] > 0.046
    assert seconds < 60
