"""A training run on disk after every epoch, so that a killed one goes on where it stood.

One safetensors file holds the weights, the best weights so far, Adam's state and, as metadata,
the history. It is written under another name and then renamed: a checkpoint is whole or absent.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from seqrec.files import replacing
from seqrec.training.optimizer import Optimizers

log = logging.getLogger(__name__)


@dataclass
class Progress:
    """How far a run has come."""

    epoch: int = 0
    """Finished epochs."""
    best_epoch: int = 0
    best_value: float = -1.0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    """One row an epoch."""


def save_checkpoint(
    path: Path,
    run: str,
    model: nn.Module,
    optimizer: Optimizers,
    progress: Progress,
) -> None:
    """Write the state after an epoch, atomically.

    Args:
        path: the file.
        run: fingerprint of everything the run depends on; only the same run may go on from it.
        model: its weights.
        optimizer: Adam; its moments.
        progress: epochs, best weights, history.

    Raises:
        SeqrecError: it cannot be written (a full disk, say).
    """
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"best/{name}": value for name, value in progress.best_weights.items()}
    for name, parameter in model.named_parameters():
        for moment, value in optimizer.state_of(parameter).items():
            tensors[f"adam/{moment}/{name}"] = value
    numbers = {
        "epoch": progress.epoch,
        "best_epoch": progress.best_epoch,
        "best_value": progress.best_value,
        "history": progress.history,
    }
    _write(path, tensors, {"run": run, "progress": json.dumps(numbers)})


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    whole = {name: value.detach().contiguous() for name, value in tensors.items()}
    with replacing(path) as temporary:
        try:
            save_file(whole, temporary, metadata)
        except SafetensorError as error:  # quotes the system's text
            raise OSError(str(error)) from None


def load_checkpoint(path: Path, run: str, model: nn.Module, optimizer: Optimizers) -> Progress:
    """Put model and optimizer back to where the same run stood; start anew if it never did.

    Returns:
        The progress, empty where there is no checkpoint of this run.
    """
    if not path.is_file():
        return Progress()
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        log.warning("checkpoint %s is broken (%s); training starts anew", path, error)
        return Progress()
    if metadata.get("run") != run:
        log.info("checkpoint %s is of another run; training starts anew", path.name)
        return Progress()
    model.load_state_dict(_under("model/", tensors))
    _restore_adam(model, optimizer, tensors)
    numbers: dict[str, Any] = json.loads(metadata["progress"])
    return Progress(**numbers, best_weights=_under("best/", tensors))


def _restore_adam(model: nn.Module, optimizer: Optimizers, tensors: dict[str, Tensor]) -> None:
    moments = sorted({name.split("/")[1] for name in tensors if name.startswith("adam/")})
    for name, parameter in model.named_parameters():
        state = {
            # copied: Adam updates them in place, in memory of its own alignment
            moment: tensors[key].to(optimizer.home_of(parameter, moment)).clone()
            for moment in moments
            if (key := f"adam/{moment}/{name}") in tensors
        }
        if state:
            optimizer.restore(parameter, state)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
