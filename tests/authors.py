"""Small models of the authors' code (tests/golden): inputs, outputs, losses and gradients."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqrec import interop
from seqrec.batches import Batch, Examples, Sequences
from seqrec.batches.packing import PackedExamples, PackedHistories
from seqrec.models.parts.face import SequentialModel

GOLDEN = Path(__file__).parent / "golden"
CPU = torch.device("cpu")
Arrays = dict[str, npt.NDArray[Any]]


def golden(case: str) -> Arrays:
    """Read one of the files."""
    with np.load(GOLDEN / f"{case}.npz") as arrays:
        return dict(arrays)


def model_of(name: str, arrays: Arrays) -> SequentialModel:
    """Return the project's model with the authors' weights."""
    return interop.from_authors(name, weights_of(arrays), str(arrays["config"]))


def weights_of(arrays: Arrays) -> Arrays:
    """Return the authors' weights by their names."""
    parts = {name: name.partition("/") for name in arrays}
    return {own: arrays[name] for name, (kind, _, own) in parts.items() if kind in ("param", "var")}


def tensor(arrays: Arrays, name: str) -> Tensor:
    """Return integers as a tensor."""
    return torch.from_numpy(arrays[name]).long()


def batch_of(arrays: Arrays) -> Batch:
    """Return the inputs as left-padded prefixes."""
    same_target = tensor(arrays, "same_target")
    return Batch(
        users=tensor(arrays, "user_ids"),
        histories=tensor(arrays, "input_ids"),
        targets=tensor(arrays, "answers"),
        same_target=same_target,
    )


def packed_of(arrays: Arrays) -> PackedHistories:
    """Return the same packed."""
    targets = arrays["answers"]
    own, same = (packed(arrays[name], targets) for name in ("input_ids", "same_target"))
    return replace(own, same_target=same)


def packed(histories: npt.NDArray[Any], targets: npt.NDArray[Any]) -> PackedHistories:
    """Pack left-padded (B, L) histories with (B,) targets."""
    lists = [[*row[row != 0], target] for row, target in zip(histories, targets, strict=True)]
    offsets = np.cumsum([0, *map(len, lists)])
    items = np.concatenate(lists).astype(np.int32)
    data = Sequences(items, offsets, np.zeros(len(items), dtype=np.int8), int(items.max()))
    examples = Examples(np.arange(1, len(lists) + 1), offsets[:-1], offsets[1:] - 1)
    return PackedExamples(data, examples, histories.shape[1], CPU).gather(torch.arange(len(lists)))


def check_gradients(name: str, model: SequentialModel, arrays: Arrays) -> None:
    """Compare all gradients of the model with the authors'."""
    parameters = dict(model.named_parameters())
    names = [key.removeprefix("grad/") for key in arrays if key.startswith("grad/")]
    for theirs in names:
        ours = interop.DIALECTS[name].our_name(theirs)
        assert ours is not None
        gradient = parameters.pop(ours).grad
        assert gradient is not None
        expected = arrays[f"grad/{theirs}"].reshape(gradient.shape)
        np.testing.assert_allclose(gradient.numpy(), expected, atol=5e-6, err_msg=theirs)
    assert names
    assert not parameters, "parameters without a gradient of theirs"
