"""Which device computes, and in which precision."""

from contextlib import AbstractContextManager, nullcontext

import torch

from seqrec.errors import SeqrecError


def resolve_device(name: str) -> torch.device:
    """Return the device named by the parameter ``training.device``.

    Args:
        name: ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``mps``.

    Raises:
        SeqrecError: the GPU asked for is not there.
    """
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(device for device, there in present.items() if there)
    if not present[name]:
        raise SeqrecError(
            f"training.device={name}, but this machine has no {name} device that torch can use; "
            "choose training.device=auto or cpu"
        )
    return torch.device(name)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return the context in which a model computes in ``fp32`` or ``bf16``."""
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
