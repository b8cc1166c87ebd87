"""The growth of cost from its command line, on a few made-up users."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import scale
from benchmarks.scale import PLANS, main, parse, points_of
from benchmarks.scale_point import Point, draw, measure, measured_apart, read, write
from benchmarks.sequences import BEAUTY_ITEMS
from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.losses import items as losses
from tests.memory import LargestTensor

FEW = ["--steps", "2", "--users", "30"]


def point(**changes: Any) -> Point:
    values: dict[str, Any] = {
        "model": "bsarec",
        "loss": "full",
        "items": 50,
        "users": 30,
        "max_len": 8,
        "full": False,
        "device": "cpu",
        "threads": 1,
        "steps": 2,
    }
    return Point(**values | changes)


@pytest.fixture
def no_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of their own take seconds to start."""
    monkeypatch.setattr(scale, "measured_apart", measure)


@pytest.mark.usefixtures("no_children")
@pytest.mark.parametrize(
    ("series", "size", "points"), [("items", 60, 2), ("max_len", 6, 1), ("users", 40, 1)]
)
def test_a_series_is_measured(
    series: str, size: int, points: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "figures.json"
    assert main(["--vary", series, "--sizes", str(size), *FEW, "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    assert sum(line.startswith(f"| {size} | ") for line in printed.splitlines()) == points
    assert ("sampled: the last step takes 1.00 times the first" in printed) == (series == "items")
    report = json.loads(file.read_text())
    assert report["machine"].keys() >= {"cpu", "torch", "commit"}
    assert [found["point"][series] for found in report["results"]] == [size] * points
    for found in report["results"]:
        figures = found["figures"]
        assert figures.keys() >= set(PLANS[found["series"]].columns.values())
        assert all(figures[name] > 0 for name in ("step_cpu_ms", "loss_cpu_ms", "peak_mib"))
        assert figures["imports_mib"] < figures["held_mib"]


def test_a_point_is_a_process_of_its_own(tmp_path: Path) -> None:
    """Memory is its own: of weights, 51 + 8 rows of 64 and the blocks; moments twice as much."""
    here, file = point(model="mqsa_ted"), tmp_path / "sequences.npz"
    write(draw(here), file)
    found = measured_apart(here, file)
    assert found["examples"] == 30
    assert found["peak_mib"] >= found["held_mib"] - 2 * found["weights_mib"]
    assert 4 * 59 * 64 / 2**20 < found["weights_mib"] < 1
    assert found["imports_mib"] < 1000


def test_a_process_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(SeqrecError, match=r'"items": 50.* failed: exit status 1, without a word'):
        measured_apart(point(), Path("sequences.npz"))


@pytest.mark.parametrize("budget", [16 * losses.CACHED, losses.RESIDENT])
def test_two_million_items_and_all_logits_are_never_together(
    budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on the CPU, in fewer blocks, and as on an accelerator; without values it costs nothing."""
    monkeypatch.setattr(losses, "RESIDENT", budget)
    rows, items = 256, 2_000_000
    states = torch.empty(rows, 64, device="meta", requires_grad=True)
    vectors = torch.empty(items + 1, 64, device="meta", requires_grad=True)
    with LargestTensor() as largest:
        losses.chunked_cross_entropy(
            states, vectors, torch.ones_like(states[:, 0]).long()
        ).backward()
    assert largest.elements <= max(budget, vectors.numel())
    assert largest.elements < rows * items / 3


def test_the_published_sizes_are_the_usual_ones() -> None:
    points = points_of("items", "bsarec", parse([]))
    assert [(p.items, p.loss) for p in points[:2]] == [(10_000, "full"), (10_000, "sampled")]
    assert points[-1].items == 2_000_000
    assert {p.users for p in points} == {200_000}
    lengths = points_of("max_len", "mqsa_ted", parse([]))
    assert [p.max_len for p in lengths] == [50, 100, 200, 500]
    assert all(p.full and p.items == BEAUTY_ITEMS for p in lengths)
    assert points_of("users", "bsarec", parse(["--users", "5"]))[-1].users == 2_000_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "cuda"], "--device cuda: this machine has no cuda device .* --device cpu"),
        (["--json", "/nowhere/x.json"], "--json /nowhere/x.json: there is no folder /nowhere; .*"),
        (["--vary", "max_len", "--sizes", "1"], ".* failed: ValueError: c = 5 .* max_len 1 .*"),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Sizes that a model refuses are found in the process of their point."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main([*FEW, *arguments]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert all(line.startswith("… ") for line in lines[:-1])
    assert re.fullmatch(f"error: {message}", lines[-1])


@pytest.mark.parametrize("number", ["x", "0", "-1", "1e3", "9" * 20])
def test_numbers_are_whole_and_in_range(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(["--users", number])
    assert f"should be a whole number from 1 to 100,000,000 (got '{number}')" in (
        capsys.readouterr().err
    )


def test_sizes_need_a_series() -> None:
    with pytest.raises(SystemExit):
        parse(["--sizes", "5"])


def test_weight_decay_is_off_with_a_sample() -> None:
    assert point(model="mqsa_ted").setting.model_options["l2"] > 0
    assert point(model="mqsa_ted", loss="sampled").setting.model_options["l2"] == 0
    assert "l2" not in point(loss="sampled").setting.model_options


def test_made_up_sequences_have_tails_or_fill_the_histories(tmp_path: Path) -> None:
    some = draw(point(users=5_000, items=500))
    lengths = np.diff(some.offsets)
    assert lengths.min() == 5
    assert lengths.mean() == pytest.approx(8.7, abs=0.3)
    assert lengths.max() > 50
    counts = some.item_counts()
    assert counts[0] == 0
    assert np.sort(counts)[-50:].sum() > 0.4 * counts.sum()
    assert (some.split[some.offsets[1:] - 1] == 2).all()
    assert (some.split == 1).sum() == 5_000
    filled = draw(point(full=True))
    assert set(np.diff(filled.offsets)) == {2 * 8 + 2}
    write(filled, tmp_path / "sequences.npz")
    again: Sequences = read(tmp_path / "sequences.npz", 50)
    assert again.fingerprint() == filled.fingerprint()
