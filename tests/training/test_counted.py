"""Parameters are chosen on validation, by a seed, and only those that nobody gave."""

from dataclasses import replace

import numpy as np
import pytest

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.models import COUNTING_MODELS, counting_class, model_config
from seqrec.training import counted as tuning
from tests.counted import random_users, split_off
from tests.trainings import trained_on

LOG = split_off(*random_users(users=40), num_items=12)


def test_the_best_trial_is_kept() -> None:
    result = trained_on(LOG, "hybrid", trials=6)
    rows = result.history.to_pylist()
    assert [row["trial"] for row in rows] == [1, 2, 3, 4, 5, 6]
    best = max(rows, key=lambda row: row["NDCG@20"])
    trained = result.trained
    assert (trained.best_epoch, trained.best_value) == (best["trial"], best["NDCG@20"])
    tuned = [key for key in best if key in trained.options]
    assert len(tuned) == 9
    assert all(trained.options[key] == best[key] for key in tuned)
    # the first trial takes the defaults, the others something else
    assert rows[0]["gamma"] == 0.85
    assert len({row["gamma"] for row in rows}) == 6


@pytest.mark.parametrize("name", COUNTING_MODELS)
def test_tuning_starts_within_its_space(name: str) -> None:
    config = model_config(name, {}, "standard", num_items=2)
    for parameter, where in counting_class(name).space.items():
        assert where.low <= getattr(config, parameter) <= where.high


def test_a_given_parameter_is_not_tuned() -> None:
    result = trained_on(LOG, "cosine", trials=4, decay=0.5, target_exponent=0.3)
    assert set(result.history.column_names) & {"decay", "target_exponent"} == set()
    assert result.trained.options["decay"] == 0.5
    assert result.trained.options["target_exponent"] == 0.3
    assert len(set(result.history["source_exponent"].to_pylist())) == 4


def test_one_trial_or_nothing_to_tune_takes_the_defaults() -> None:
    assert trained_on(LOG, "hybrid", trials=1).trained.options["gamma"] == 0.85
    assert len(trained_on(LOG, "markov", trials=9, window=2, gamma=0.5).history) == 1


def test_the_seed_decides() -> None:
    def tried(seed: int) -> list[float]:
        history = trained_on(LOG, "cosine", trials=4, seed=seed).history
        rows: list[float] = history["decay"].to_pylist()
        return rows

    assert tried(1) == tried(1)
    assert tried(1) != tried(2)


def test_test_targets_are_not_looked_at() -> None:
    other = LOG.items.copy()
    other[LOG.split == 2] = 1
    results = [trained_on(log, "hybrid", trials=5) for log in (LOG, replace(LOG, items=other))]
    options = [result.trained.options for result in results]
    assert options[0] == options[1]
    values = [result.history["NDCG@20"].to_pylist() for result in results]
    assert values[0] == values[1]


def test_of_very_many_targets_the_same_some_are_ranked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "MOST_TARGETS", 10)
    targets = tuning._targets(LOG, 20, "standard", seed=3)
    assert len(targets) == 10
    assert (np.diff(targets.ends) > 0).all()
    assert np.array_equal(targets.ends, tuning._targets(LOG, 20, "standard", seed=3).ends)
    assert not np.array_equal(targets.ends, tuning._targets(LOG, 20, "standard", seed=4).ends)
    assert len(trained_on(LOG, "hybrid", trials=2).history) == 2


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (split_off([1, 2], [2, 1], num_items=2), "no validation targets"),
        (replace(LOG, split=np.ones_like(LOG.split)), "no training interactions"),
    ],
)
def test_nothing_to_work_with_is_one_clear_line(log: Sequences, said: str) -> None:
    with pytest.raises(SeqrecError, match=said):
        tuning._targets(log, 5, "authors", seed=1)
