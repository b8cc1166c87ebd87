"""What is measured, said once for the real form, the plain one and the child processes."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import torch

from benchmarks.settings import Setting, published
from seqrec.machine.devices import resolve_device

Split = Literal["valid", "test"]
SPLITS: tuple[Split, ...] = ("valid", "test")
SEQUENCES, LINES = "sequences.parquet", "sequences.txt"


@dataclass(frozen=True)
class Case:
    """A model, its data and where it computes."""

    model: str
    dataset: str
    protocol: str
    folder: str
    """Holds the sequences as a table and as lines."""
    num_items: int
    num_users: int = 1
    device: str = "cpu"
    threads: int = 1
    compile: str = "auto"
    precision: str = "fp32"
    loss: str | None = None
    """Instead of the published one."""
    negatives: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    """Model options instead of the published ones."""

    @property
    def setting(self) -> Setting:
        """The published settings, with the options asked for."""
        setting = published(self.model, self.dataset)
        return replace(setting, model_options=setting.model_options | self.options)

    @property
    def where(self) -> torch.device:
        """The device."""
        return resolve_device(self.device)

    @property
    def table(self) -> Path:
        """The sequences as the project keeps them."""
        return Path(self.folder) / SEQUENCES

    @property
    def lines(self) -> Path:
        """The sequences as the papers publish them."""
        return Path(self.folder) / LINES

    def to_json(self) -> str:
        """Return the case as text, for a process of its own."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Case:
        """Return the case that was written down."""
        return cls(**json.loads(text))


class Contender(Protocol):
    """A form of a model that can be measured: the project's own or the plain one."""

    examples: int
    """Of an epoch: training targets (BSARec) or users (MQSA-TED)."""
    steps: int
    """Of an epoch."""

    def batch(self) -> Any:
        """Put the next batch together."""

    def step(self, batch: Any) -> torch.Tensor:
        """Train on it; return the loss, without waiting for it."""

    def validate(self, split: Split) -> float:
        """Rank all targets of a split; return NDCG@20."""


def prepare(case: Case) -> None:
    """Set what holds for the whole process: threads, seed, the products' precision."""
    torch.set_num_threads(case.threads)
    torch.manual_seed(0)
    torch.set_float32_matmul_precision("high" if case.precision == "tf32" else "highest")


def computing(case: Case) -> AbstractContextManager[object]:
    """Return the context in which a plain form computes."""
    if case.precision != "bf16":
        return nullcontext()
    return torch.autocast(case.where.type, dtype=torch.bfloat16)
