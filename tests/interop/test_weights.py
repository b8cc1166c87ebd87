"""Files of weights: three forms of the same, and what is refused."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from seqrec.errors import SeqrecError
from seqrec.interop import load_state_dict

WEIGHTS = {"a.weight": torch.randn(3, 2), "b.bias": torch.arange(4.0)}


def arrays(weights: dict[str, Tensor] = WEIGHTS) -> dict[str, Any]:
    return {name: value.numpy() for name, value in weights.items()}


def same(weights: dict[str, Tensor], expected: dict[str, Tensor] = WEIGHTS) -> bool:
    return weights.keys() == expected.keys() and all(
        torch.equal(weights[name], expected[name]) for name in expected
    )


def refusal(path: Path) -> str:
    with pytest.raises(SeqrecError) as caught:
        load_state_dict(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line


def test_three_forms_hold_the_same(tmp_path: Path) -> None:
    torch.save(WEIGHTS, tmp_path / "w.pt")
    save_file(WEIGHTS, tmp_path / "w.safetensors")
    np.savez(tmp_path / "w.npz", **arrays())
    for name in ("w.pt", "w.safetensors", "w.npz"):
        assert same(load_state_dict(tmp_path / name)), name


@pytest.mark.parametrize(
    "wrapped",
    [
        {"state_dict": WEIGHTS, "epoch": 3, "optimizer": {"lr": 0.1}},
        {"model_state_dict": WEIGHTS},
        {f"module.{name}": value for name, value in WEIGHTS.items()},
        {"state_dict": {f"module.{name}": value for name, value in WEIGHTS.items()}},
    ],
)
def test_wrappings_are_taken_off(tmp_path: Path, wrapped: dict[str, Any]) -> None:
    torch.save(wrapped, tmp_path / "w.pt")
    assert same(load_state_dict(tmp_path / "w.pt"))


def test_arrays_of_any_number_type_become_floats(tmp_path: Path) -> None:
    values = np.array([[1, 2], [3, 4]])
    np.savez(tmp_path / "w.npz", double=values.astype(">f8"), half=values.astype(np.float16))
    weights = load_state_dict(tmp_path / "w.npz")
    assert all(value.dtype == torch.float32 for value in weights.values())
    assert weights["double"].tolist() == weights["half"].tolist() == [[1, 2], [3, 4]]


class Hostile:
    """Unpickling this would create a file in the working folder."""

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, ("executed", "w")


def save_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"w": Hostile()}))


def save_old_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"w": Hostile()}, protocol=2))


def save_by_torch(path: Path) -> None:
    torch.save({"w": Hostile()}, path)


def save_model(path: Path) -> None:
    torch.save(nn.Linear(2, 2), path)


@pytest.mark.parametrize(
    ("save", "reason"),
    [
        (save_pickle, "no pickle of torch.save"),
        (save_old_pickle, "it needs io.open, and loading it would run code"),
        (save_by_torch, "it needs io.open, and loading it would run code"),
        (save_model, "it needs torch.nn.modules.linear.Linear, and loading it would run code"),
    ],
)
def test_a_pickle_of_more_than_tensors_is_refused_with_the_reason(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    save: Callable[[Path], None],
    reason: str,
    recwarn: pytest.WarningsRecorder,
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.pt"
    save(path)
    assert reason in refusal(path)
    assert "weights_only" not in refusal(path), "no advice to load it nevertheless"
    assert [file.name for file in tmp_path.iterdir()] == ["w.pt"], "nothing was executed"
    assert not recwarn


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_script_is_refused_without_advice_to_load_it_nevertheless(tmp_path: Path) -> None:
    torch.jit.script(nn.Linear(2, 2)).save(tmp_path / "w.pt")
    line = refusal(tmp_path / "w.pt")
    assert "TorchScript archives" in line
    assert "Re-running" not in line
    assert "`False`" not in line


def test_a_pickle_in_an_array_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "w.npz", w=np.array([Hostile()], dtype=object))
    assert "allow_pickle=False" in refusal(tmp_path / "w.npz")
    save_pickle(tmp_path / "w.npz")
    refusal(tmp_path / "w.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["w.npz"]


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors", "w.npz"])
def test_a_damaged_file_is_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    torch.save(WEIGHTS, tmp_path / "w.pt")
    save_file(WEIGHTS, tmp_path / "w.safetensors")
    np.savez(tmp_path / "w.npz", **arrays())
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"no weights at all", whole[40:]):
        path.write_bytes(damaged)
        assert "not a plain file of tensors" in refusal(path)


def test_an_array_file_with_a_broken_member_is_one_line(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("w.npy", b"\x93NUMPY broken")
    refusal(tmp_path / "w.npz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(2)], "holds a list without names"),
        (torch.zeros(2), "holds a Tensor without names"),
        ({3: torch.zeros(2)}, "holds a dict without names"),
        ({}, "holds no weights"),
        ({"w": torch.zeros(2), "epoch": 3}, "'epoch' is no plain tensor of numbers"),
        ({"w": torch.zeros(2, dtype=torch.complex64)}, "'w' is no plain tensor"),
        ({"w": torch.zeros(2, 2).to_sparse()}, "'w' is no plain tensor"),
        ({"w": torch.zeros(2, device="meta")}, "'w' is no plain tensor"),
    ],
)
def test_what_is_no_state_dict_is_named(tmp_path: Path, content: Any, message: str) -> None:
    torch.save(content, tmp_path / "w.pt")
    assert message in refusal(tmp_path / "w.pt")


def test_an_array_of_text_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", config=np.array("{}"))
    assert "'config' is no plain tensor of numbers" in refusal(tmp_path / "w.npz")


def test_a_folder_is_no_file_of_weights(tmp_path: Path) -> None:
    assert "no weights at" in refusal(tmp_path)
