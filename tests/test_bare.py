"""Training and its benchmark need torch, numpy, pyarrow and safetensors, and nothing else."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.plain.training import WITH_PLAIN_FORMS
from seqrec.models import MODELS
from tests.bare import bare_python

ROOT = Path(__file__).parents[1]

IMPORTS = """
from importlib import import_module

for name in (
    "models.bsarec", "models.parts.face", "models.parts.layers", "batches", "losses",
    "evaluation.ranking", "evaluation.metrics", "evaluation.evaluate", "machine.devices",
    "training.loop", "training.checkpoint", "models.folder", "models.hybrid", "training.counted",
):
    import_module(f"seqrec.{name}")
"""

ONE_EPOCH = """
from dataclasses import dataclass
import numpy as np
import torch
from seqrec.batches import Sequences
from seqrec.models import MODELS, model_class
from seqrec.training.forecast import check_fits
from seqrec.training.loop import fit

@dataclass(frozen=True)
class Training:
    batch_size: int = 16
    learning_rate: float = 1e-3
    max_epochs: int = 1
    patience: int = 1
    monitor: str = "NDCG@10"
    validate_every: int = 1
    device: str = "cpu"
    precision: str = "fp32"
    compile: str = "off"
    loss: str = "cross_entropy"
    negatives: int | None = None
    calibration: float = 0.75
    weight_decay: float = 0.0
    target_share: float = 1.0
    average_weights: float | None = None

@dataclass(frozen=True)
class Evaluation:
    seen_items: str = "exclude"
    batch_size: int = 16

sequences = Sequences(
    items=np.random.default_rng(0).integers(1, 10, 20 * 6).astype(np.int32),
    offsets=np.arange(21) * 6,
    split=np.tile(np.array([0, 0, 0, 0, 1, 2], np.int8), 20),
    num_items=9,
)
for name in MODELS:
    kind = model_class(name)
    users = {"num_users": 20} if "num_users" in kind.Config.__dataclass_fields__ else {}
    config, device = kind.Config(num_items=9, max_len=5, dim=8, **users), torch.device("cpu")
    check_fits(kind, config, len(sequences.items), device, copies=5)
    fitted = fit(
        kind(config), sequences, options=Training(), evaluation=Evaluation(), seed=0, device=device
    )
    # The compiler takes more than a second to load and 70 MB, its algebra half a second.
    loaded = {"torch._dynamo", "sympy"} & set(sys.modules)
    print(name, len(fitted.history), fitted.history[0]["loss"] > 0, *loaded)
"""


BENCHMARK = """
from benchmarks import measure
from benchmarks.steps import main

measure.peak_memory = lambda *_: {"main": 1.0}  # processes of their own
few = "--dataset synthetic --users 40 --items 30 --max-len 8 --steps 2 --vs --epochs 1"
sys.exit(main(few.split()))
"""

Bare = Callable[[str], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """Run code where only the four packages are, and a checkout that is not installed."""
    python = bare_python(tmp_path_factory.mktemp("bare"))

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
            cwd=python.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_model_trains_with_four_packages(bare: Bare) -> None:
    finished = bare("import benchmarks" + IMPORTS + ONE_EPOCH)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "".join(f"{name} 1 True\n" for name in MODELS)


@pytest.mark.slow
def test_the_benchmark_runs_with_four_packages(bare: Bare) -> None:
    finished = bare(BENCHMARK)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("training step, ms of CPU") == len(WITH_PLAIN_FORMS)


def test_the_others_are_really_absent(bare: Bare) -> None:
    finished = bare("import benchmarks, seqrec.parameters.sections")
    assert "No module named 'pydantic'" in finished.stderr
