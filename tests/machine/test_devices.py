"""Devices by name."""

import pytest
import torch

from seqrec.errors import SeqrecError
from seqrec.machine.devices import resolve_device, use_precision


def test_auto_prefers_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto").type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device("auto").type == "cpu"


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_gpu_that_is_not_there_is_one_clear_line(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SeqrecError, match=f"no {name} device.*training.device=auto"):
        resolve_device(name)


@pytest.mark.parametrize(
    ("precision", "rounds"), [("fp32", False), ("bf16", False), ("tf32", True)]
)
def test_only_tf32_rounds_products(
    precision: str, rounds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also inside cuDNN, where torch would round unless told otherwise."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", not rounds)
    before = torch.get_float32_matmul_precision()
    use_precision(torch.device("cuda"), precision)
    assert torch.backends.cudnn.allow_tf32 == rounds
    assert torch.get_float32_matmul_precision() == ("high" if rounds else "highest")
    torch.set_float32_matmul_precision(before)
