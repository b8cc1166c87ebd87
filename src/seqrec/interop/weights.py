"""Files of weights, read without running any code that they may hold.

``.safetensors`` and ``.npz`` hold arrays and nothing else; a ``.pt`` file is a pickle, of which
torch's ``weights_only`` takes tensors and plain containers and refuses everything else.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from seqrec.errors import SeqrecError
from seqrec.files import reaching

WRAPPINGS = ("state_dict", "model_state_dict", "model")
"""Where a training loop that saves more than the weights puts them."""
PARALLEL = "module."
"""What torch's DataParallel writes before every name."""
SAVE_PLAINLY = "save model.state_dict() instead"


def load_state_dict(path: Path | str) -> dict[str, Tensor]:
    """Read the weights in a ``.pt``, ``.safetensors`` or ``.npz`` file, and run nothing in it.

    A dictionary that holds the weights under ``state_dict`` or ``model_state_dict`` is unwrapped,
    and the ``module.`` before names of a parallel model is taken off.

    Raises:
        SeqrecError: the file is absent or damaged, or holds more than tensors.
    """
    path = Path(path)
    with reaching(path):
        if not path.is_file():
            raise SeqrecError(f"no weights at {path}; give the path of a .pt file")
    read = READERS.get(path.suffix, _read_pickle)
    try:
        content = read(path)
    except Exception as error:  # a damaged file can make its reader raise anything
        raise SeqrecError(
            f"{path} is not a plain file of tensors ({_reason(error)}); {SAVE_PLAINLY}"
        ) from None
    return {name: _tensor(path, name, value) for name, value in _unwrapped(path, content).items()}


def _read_pickle(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the pickle's age; what matters is raised
        return torch.load(path, map_location="cpu", weights_only=True)


def _read_arrays(path: Path) -> Any:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


READERS: dict[str, Callable[[Path], Any]] = {".safetensors": load_file, ".npz": _read_arrays}
"""By the end of the file's name; every other one is taken for torch's."""


def _reason(error: Exception) -> str:
    """Say in a few words why a file was refused.

    Torch's own text begins with how to load the file nevertheless, which nobody should.
    """
    text = str(error)
    if code := re.search(r"GLOBAL (\S+)", text):
        return f"it needs {code[1]}, and loading it would run code"
    text = text.partition("WeightsUnpickler error:")[2].strip() or text.strip()
    if text.startswith("Unsupported operand"):
        return "no pickle of torch.save"
    first_sentence = re.split(r"\.\s|\n", text)[0].removesuffix(".")
    return first_sentence or type(error).__name__


def _unwrapped(path: Path, content: Any) -> Mapping[str, Any]:
    """Return the mapping of names to weights, wherever in a checkpoint it is."""
    if isinstance(content, dict):
        content = next((content[k] for k in WRAPPINGS if isinstance(content.get(k), dict)), content)
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise SeqrecError(f"{path} holds a {type(content).__name__} without names; {SAVE_PLAINLY}")
    if not content:
        raise SeqrecError(f"{path} holds no weights; {SAVE_PLAINLY}")
    if all(name.startswith(PARALLEL) for name in content):
        return {name.removeprefix(PARALLEL): value for name, value in content.items()}
    return content


def _tensor(path: Path, name: str, value: Any) -> Tensor:
    """Return a weight as a tensor.

    Raises:
        SeqrecError: it is none, or not of real numbers.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
        return torch.from_numpy(np.array(value, np.float32))
    if isinstance(value, Tensor) and value.layout == torch.strided and not _is_odd(value):
        return value
    raise SeqrecError(f"{path}: '{name}' is no plain tensor of numbers; {SAVE_PLAINLY}")


def _is_odd(value: Tensor) -> bool:
    return value.is_complex() or value.is_quantized or value.device.type != "cpu"
