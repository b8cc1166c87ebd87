"""A training run on disk after every epoch, so that a killed one goes on where it stood.

One safetensors file holds the weights, the best weights so far, Adam's state and, as metadata,
the history. It is written under another name and then renamed: a checkpoint is whole or absent.
When the model is saved the checkpoint steps aside, and is the state of a finished run: from there
the same run goes on if it is told to go further, and never otherwise.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from seqrec.files import replacing
from seqrec.models.parts.face import SequentialModel
from seqrec.training.averaging import AverageWeights
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
    """Empty where nothing is validated: the last ones count then."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One row an epoch."""


@dataclass(frozen=True)
class Run:
    """What a state belongs to."""

    fingerprint: str
    """Of everything the run depends on, but how far it goes."""
    max_epochs: int
    patience: int | None
    compiled: bool = False
    """Whether its step is compiled: ``training.compile=auto`` asks how far it goes."""
    validated: bool = True
    """Whether it validates, and so finds out by itself how far is best."""
    validate_every: int = field(default=1, compare=False)
    """Epochs between two validations; the fingerprint tells two of them apart."""

    def is_over(self, progress: Progress) -> bool:
        """Return whether no epoch is left."""
        stale = progress.epoch - progress.best_epoch
        return progress.epoch >= self.max_epochs or (progress.epoch > 0 and stale >= self._granted)

    def goes_as_far_as(self, other: Run) -> bool:
        """Return whether this is the same run, or one that differs in going further alone."""
        same = replace(other, max_epochs=self.max_epochs, patience=self.patience) == self
        return same and self.max_epochs >= other.max_epochs and self._granted >= other._granted

    def validates(self, epoch: int) -> bool:
        """Return whether an epoch is validated: every so many, and the last one."""
        is_due = epoch % self.validate_every == 0 or epoch >= self.max_epochs
        return self.validated and is_due

    def would_be_at(self, other: Run, epoch: int) -> bool:
        """Return whether this, up to an epoch, is what the same run came to with other limits.

        Where one ended, it validated an epoch in any case; a longer one may not have.
        """
        shorter = replace(self, max_epochs=other.max_epochs)
        return shorter.validates(epoch) == self.validates(epoch)

    @property
    def _granted(self) -> float:
        """Epochs without a better one that are granted."""
        return math.inf if self.patience is None else self.patience


GoesOn = Callable[[Run, Run, Progress], bool]
"""Whether a run may go on from what an earlier one came to."""


def checkpoint_of(models: Path, seed: int | str) -> Path:
    """Return where a training keeps its state: beside the folder its models will be saved in."""
    return models.with_name(f"checkpoint-{models.name}-{seed}.safetensors")


def set_aside(checkpoint: Path) -> None:
    """Let a checkpoint, if there is one, be the state of a finished run: its model was saved.

    That of a run without validation goes: no user says how far it is to go.
    """
    if not checkpoint.is_file():
        return
    with safe_open(checkpoint, framework="pt") as file:
        run = _run_in(file.metadata())
    if run.validated:
        checkpoint.replace(_finished(checkpoint))
    else:
        checkpoint.unlink()


def _finished(checkpoint: Path) -> Path:
    return checkpoint.with_stem(f"{checkpoint.stem}-finished")


def save_checkpoint(
    path: Path,
    run: Run,
    model: SequentialModel,
    optimizer: Optimizers,
    progress: Progress,
    average: AverageWeights | None = None,
) -> None:
    """Write the state after an epoch, atomically.

    Args:
        path: the file.
        run: only the same run may go on from it.
        model: its weights.
        optimizer: Adam; its moments.
        progress: epochs, best weights, history.
        average: of the weights, if there is one.

    Raises:
        SeqrecError: it cannot be written (a full disk, say).
    """
    tensors = {f"model/{name}": value for name, value in model.learned().items()}
    if average:
        tensors |= {f"average/{name}": value for name, value in average.average.items()}
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
    _write(path, tensors, {"run": json.dumps(asdict(run)), "progress": json.dumps(numbers)})


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    whole = {name: value.detach().contiguous() for name, value in tensors.items()}
    with replacing(path) as temporary:
        try:
            save_file(whole, temporary, metadata)
        except SafetensorError as error:  # quotes the system's text
            raise OSError(str(error)) from None


def load_checkpoint(
    path: Path,
    run: Run,
    model: SequentialModel,
    optimizer: Optimizers,
    average: AverageWeights | None = None,
) -> Progress:
    """Put model and optimizer back to where the same run stood; start anew if it never did.

    Args:
        path: the checkpoint; the state of a finished run lies beside it.
        run: a checkpoint is taken up by the same run, or one that goes further; the state of a
            finished run by one that goes further, if that leaves an epoch to train.
        model: gets the weights.
        optimizer: gets Adam's moments.
        average: gets the average of the weights, if there is one.

    Returns:
        The progress, empty where there is no state to go on from.
    """
    for place, goes_on in ((path, _continues), (_finished(path), _goes_further)):
        if state := _read(place, run, goes_on):
            progress, tensors = state
            model.load_learned(_under("model/", tensors))
            _restore_adam(model, optimizer, tensors)
            if average:
                average.restore(_under("average/", tensors), optimizer.steps())
            progress.best_weights = _under("best/", tensors)
            return progress
    return Progress()


def _read(path: Path, run: Run, goes_on: GoesOn) -> tuple[Progress, dict[str, Tensor]] | None:
    """Return a state that the run may go on from, None where there is none."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, str] = file.metadata() or {}
            earlier, progress = _run_in(metadata), Progress(**json.loads(metadata["progress"]))
            if not goes_on(run, earlier, progress) or not _validated_alike(run, earlier, progress):
                return None
            return progress, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        log.warning("checkpoint %s is broken (%s); training starts anew", path, error)
        return None


def _run_in(metadata: dict[str, str]) -> Run:
    return Run(**json.loads(metadata["run"]))


def _continues(run: Run, earlier: Run, progress: Progress) -> bool:
    # one that is to end sooner, and was broken off before it would, is the same so far
    longer = replace(run, max_epochs=max(run.max_epochs, earlier.max_epochs))
    if progress.epoch > run.max_epochs or not longer.goes_as_far_as(earlier):
        log.info("the checkpoint is of another run; training starts anew")
        return False
    return True


def _goes_further(run: Run, earlier: Run, progress: Progress) -> bool:
    """Whatever changed since, code perhaps: a finished run stands in for none that is complete."""
    if run == earlier or not run.goes_as_far_as(earlier):
        return False
    if run.is_over(progress):
        log.info(
            "the finished run ended after epoch %d, and would now; training starts anew",
            progress.epoch,
        )
        return False
    return True


def _validated_alike(run: Run, earlier: Run, progress: Progress) -> bool:
    if run.would_be_at(earlier, progress.epoch):
        return True
    log.info(
        "epoch %d was validated as the last one, with training.validate_every=%d it would not be "
        "now; training starts anew",
        progress.epoch,
        run.validate_every,
    )
    return False


def _restore_adam(
    model: SequentialModel, optimizer: Optimizers, tensors: dict[str, Tensor]
) -> None:
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
