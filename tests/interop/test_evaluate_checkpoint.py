"""Weights of the authors' code to metrics, beside a plain loop over users and items."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from seqrec.errors import SeqrecError
from seqrec.evaluation.evaluate import EvaluationResult
from seqrec.interop import DIALECTS, from_authors
from seqrec.interop import evaluate_checkpoint as checkpoint_evaluation
from seqrec.interop.bsarec_harness import HARNESS
from seqrec.interop.evaluate_checkpoint import evaluate_checkpoint
from seqrec.parameters.sections import EvaluationOptions
from tests.authors import GOLDEN

FILES = {path.stem.removesuffix("_1").lower(): path.stem for path in GOLDEN.glob("*_1.npz")}
CASES = {name: (FILES[name.removesuffix("_ce")], "param/") for name in HARNESS}
CASES["mqsa_ted"] = ("mqsa_L1", "var/")
NUM_ITEMS = 25
"""That all of them have; most have thirty."""
CUTOFFS = (1, 5, 10)


@dataclass
class Checkpoint:
    """Golden weights in files, and random users."""

    name: str
    folder: Path
    state: dict[str, Any]
    config: dict[str, Any]
    users: list[list[int]]

    def evaluated(self, weights: str = "weights.pt", **options: Any) -> EvaluationResult:
        section = EvaluationOptions(
            cutoffs=CUTOFFS, seen_items=options.pop("seen_items", "exclude")
        )
        return evaluate_checkpoint(
            self.name,
            self.folder / weights,
            self.folder / "config.json",
            self.folder / "Toy.txt",
            options=section,
            device="cpu",
            **options,
        )

    def write(self) -> None:
        (self.folder / "config.json").write_text(json.dumps(self.config))
        lines = [" ".join(map(str, [u, *items])) for u, items in enumerate(self.users, 1)]
        (self.folder / "Toy.txt").write_text("\n".join(lines) + "\n")
        tensors = {name: torch.from_numpy(value) for name, value in self.state.items()}
        torch.save(tensors, self.folder / "weights.pt")


def checkpoint_of(name: str, folder: Path) -> Checkpoint:
    file, prefix = CASES[name]
    with np.load(GOLDEN / f"{file}.npz") as arrays:
        state = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        config = json.loads(str(arrays["config"]))
    random = np.random.default_rng(5)
    # repeats occur, histories beyond max_len, and one user without targets
    count = config["num_users"] - 1 if DIALECTS[name].users else 40
    lengths = [*random.integers(3, 30, count), 2]
    users = [random.integers(1, NUM_ITEMS + 1, n).tolist() for n in lengths]
    checkpoint = Checkpoint(name, folder, state, config, users)
    checkpoint.write()
    return checkpoint


@pytest.fixture(params=list(CASES))
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Checkpoint:
    return checkpoint_of(request.param, tmp_path)


@pytest.fixture
def bsarec(tmp_path: Path) -> Checkpoint:
    return checkpoint_of("bsarec", tmp_path)


def expected(checkpoint: Checkpoint, split: str, rules: str) -> list[float]:
    """Rank the targets one by one; histories as wide as the authors' code makes them."""
    model = from_authors(checkpoint.name, checkpoint.state, checkpoint.config).eval()
    length, back = model.config.max_len, {"valid": 2, "test": 1}[split]
    # of training items the last max_len count as seen, and for the test the one behind them
    windows = {"mqsa_ted authors": length + 2 - back, "keep": 0}
    ranks = []
    for place, user in enumerate(checkpoint.users):
        if len(user) > 2:
            history, target = user[:-back], user[-back]
            with torch.no_grad():
                padded = torch.tensor([([0] * length + history)[-length:]])
                state = model.encode(padded, torch.tensor([place]))  # whom they count from 0
                scores = (state @ model.item_vectors().T)[0].tolist()
            seen = history[max(0, len(history) - windows.get(rules, len(history))) :]
            ranks.append(plain_rank(scores, seen, target, rules))
    return ranks


def plain_rank(scores: list[float], seen: list[int], target: int, rules: str) -> float:
    """Rank one target by a loop over the items; item 0 is padding."""
    if rules == "harness authors":  # seen items get 0, padding competes
        ruled = [0.0 if item in seen else score for item, score in enumerate(scores)]
        own = ruled[target]
        ties = sum(score == own for score in ruled) - 1
        return 1 + sum(score > own for score in ruled) + ties / 2
    if target in seen:
        return math.inf
    rivals = [s for item, s in enumerate(scores) if item not in {0, target, *seen}]
    higher = sum(score > scores[target] for score in rivals)
    return 1 + higher + sum(score == scores[target] for score in rivals) / 2


def ranks_of(result: EvaluationResult, split: str) -> list[float]:
    rows = result.ranks.to_pylist()
    return [row["rank"] for row in rows if row["split"] == split]


@pytest.mark.parametrize("split", ["valid", "test"])
@pytest.mark.parametrize("protocol", ["authors", "standard"])
def test_ranks_and_metrics_beside_a_plain_loop(
    checkpoint: Checkpoint, protocol: str, split: str
) -> None:
    result = checkpoint.evaluated(protocol=protocol)
    of_mqsa_ted = checkpoint.name == "mqsa_ted"
    authors = "mqsa_ted authors" if of_mqsa_ted else "harness authors"
    rules = authors if protocol == "authors" else "standard"
    plain = expected(checkpoint, split, rules)
    assert ranks_of(result, split) == plain
    measured = result.metrics["splits"][split]
    assert measured["targets"] == len(plain) > 10
    for k in CUTOFFS:
        hits = [rank for rank in plain if rank <= k]
        of = measured["metrics"]
        assert of[f"HR@{k}"]["value"] == pytest.approx(len(hits) / len(plain))
        assert of[f"NDCG@{k}"]["value"] == pytest.approx(
            sum(1 / math.log2(rank + 1) for rank in hits) / len(plain)
        )


def test_the_protocol_decides_the_rules_alone(bsarec: Checkpoint) -> None:
    """The rules differ so much that ranks must; the states are the authors' under both."""
    authors, standard = (bsarec.evaluated(protocol=name) for name in ("authors", "standard"))
    assert ranks_of(authors, "test") != ranks_of(standard, "test")
    assert authors.metrics["seen_items"] == "score 0"
    assert standard.metrics["seen_items"] == "exclude"
    for result, name in ((authors, "authors"), (standard, "standard")):
        assert result.metrics["protocol"] == name
        assert result.metrics["checkpoint"]["states"] == "authors"


def test_seen_items_can_be_kept_under_standard(bsarec: Checkpoint) -> None:
    result = bsarec.evaluated(protocol="standard", seen_items="keep")
    assert ranks_of(result, "test") == expected(bsarec, "test", "keep")
    with pytest.raises(SeqrecError, match="authors has a rule of its own"):
        bsarec.evaluated(protocol="authors", seen_items="keep")


def test_every_form_of_file_gives_the_same(checkpoint: Checkpoint) -> None:
    folder, state = checkpoint.folder, checkpoint.state
    np.savez(folder / "weights.npz", **state)
    tensors = {name: torch.from_numpy(value).contiguous() for name, value in state.items()}
    save_file(tensors, folder / "weights.safetensors")
    torch.save({"state_dict": tensors, "epoch": 7}, folder / "wrapped.pt")
    torch.save({f"module.{k}": v for k, v in tensors.items()}, folder / "parallel.pt")
    first = checkpoint.evaluated("weights.pt")
    for other in ("weights.npz", "weights.safetensors", "wrapped.pt", "parallel.pt"):
        result = checkpoint.evaluated(other)
        assert result.ranks.equals(first.ranks), other
        assert result.metrics["splits"] == first.metrics["splits"], other


def test_the_metrics_say_what_was_measured(bsarec: Checkpoint) -> None:
    metrics = bsarec.evaluated().metrics
    assert (metrics["dataset"], metrics["model"]) == ("Toy", "bsarec")
    assert metrics["checkpoint"]["weights"] == "weights.pt"
    assert len(metrics["checkpoint"]["sha256"]) == 64
    assert bsarec.evaluated(dataset="Other").metrics["dataset"] == "Other"


def test_fewer_items_than_the_model_has_are_fine(bsarec: Checkpoint) -> None:
    bsarec.users = [[1, 2, 3, 4], [2, 3, 1], [1, 2]]
    bsarec.write()
    assert ranks_of(bsarec.evaluated(), "test") == expected(bsarec, "test", "harness authors")


def test_a_user_numbered_by_the_authors_from_zero(
    bsarec: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model with a vector a user is told that the first line is the authors' user 0."""

    class Personal:
        first_user = 0

        def eval(self) -> "Personal":
            return self

    model = Personal()
    monkeypatch.setattr(checkpoint_evaluation, "from_authors", lambda *_: model)
    folder = bsarec.folder
    loaded = checkpoint_evaluation._load_model(
        "caser", folder / "weights.pt", folder / "config.json"
    )
    assert loaded is model  # type: ignore[comparison-overlap]
    assert model.first_user == 1


def test_more_users_than_the_model_has_vectors_for() -> None:
    class Config:
        num_users = 3

    checkpoint_evaluation._check_users(Path("Toy.txt"), 3, Config)
    with pytest.raises(SeqrecError, match=r"Toy.txt has 4 users, the model a vector for each of 3"):
        checkpoint_evaluation._check_users(Path("Toy.txt"), 4, Config)


def test_refusals_name_the_thing_and_the_place(bsarec: Checkpoint) -> None:
    state, config, name = bsarec.state, bsarec.config, "item_embeddings.weight"
    last = dict(list(state.items())[:-1])
    broken = {**state, name: np.full_like(state[name], np.nan)}
    cases: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({"state": last}, {}, "no weight given for"),
        ({"state": {**state, "extra": np.zeros(2, np.float32)}}, {}, "'extra' has no place"),
        ({"state": {**state, name: state[name][1:]}}, {}, "has shape (30, 16)"),
        ({"state": broken}, {}, f"'{name}' holds values that are not numbers"),
        ({"config": {k: v for k, v in config.items() if k != "alpha"}}, {}, "lacks 'alpha'"),
        (
            {"config": {k: v for k, v in config.items() if k != "item_size"}},
            {},
            "lacks 'item_size'",
        ),
        ({"config": {**config, "item_size": "many"}}, {}, "item_size='many'"),
        ({"config": {**config, "hidden_size": "many"}}, {}, "dim: input should be a valid integer"),
        ({"config": []}, {}, "is no JSON object"),
        ({"users": [[1, 2, 31]]}, {}, "'31' is not among the model's items, 1 to 30"),
        ({}, {"protocol": "author"}, "unknown protocol 'author'; did you mean 'authors'?"),
        ({}, {"weights": "absent.pt"}, "no weights at"),
    ]
    for changes, options, message in cases:
        wrong = Checkpoint("bsarec", bsarec.folder, state, config, bsarec.users)
        for field, value in changes.items():
            setattr(wrong, field, value)
        wrong.write()
        with pytest.raises(SeqrecError) as caught:
            wrong.evaluated(**options)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)
