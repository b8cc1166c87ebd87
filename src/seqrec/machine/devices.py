"""Which device computes, and in which precision."""

from contextlib import AbstractContextManager, nullcontext

import torch

from seqrec.errors import SeqrecError, unknown_name


def resolve_device(name: str) -> torch.device:
    """Return the device named by the parameter ``training.device``.

    Args:
        name: ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``mps``.

    Raises:
        SeqrecError: no device has this name, or the GPU asked for is not there.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(device for device, usable in available.items() if usable)
    if name not in available:
        raise unknown_name("device", name, ["auto", *available])
    if not available[name]:
        raise SeqrecError(
            f"training.device={name}, but this machine has no {name} device that torch can use; "
            "choose training.device=auto or cpu"
        )
    return torch.device(name)


def use_precision(device: torch.device, precision: str) -> None:
    """Let float32 products on a GPU round to TF32, those of cuDNN's recurrences too, or forbid it.

    Raises:
        SeqrecError: tf32 on a device that has none.
    """
    if precision == "tf32" and device.type != "cuda":
        raise SeqrecError(
            f"training.precision=tf32 is for CUDA devices, this run is on {device.type}; "
            "choose fp32 or bf16"
        )
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        torch.backends.cudnn.allow_tf32 = precision == "tf32"  # torch's default is True


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which everything is computed in the type it comes in."""
    if not torch.amp.is_autocast_available(device.type):
        return nullcontext()
    return torch.autocast(device.type, enabled=False)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Return the context in which a model computes in a precision; only bf16 has one."""
    if precision != "bf16":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)
