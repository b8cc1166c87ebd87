"""Weights of others: what is refused, and how it says so."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqrec import interop
from seqrec.errors import SeqrecError
from tests.authors import Arrays, golden, tensor, weights_of


def case() -> tuple[Arrays, dict[str, Any]]:
    arrays = golden("BSARec_1")
    return weights_of(arrays), json.loads(str(arrays["config"]))


def test_takes_tensors_and_arrays_alike() -> None:
    state, config = case()
    ours = interop.from_authors("bsarec", state, config).eval()
    tensors = {name: torch.from_numpy(value) for name, value in state.items()}
    theirs = interop.from_authors("bsarec", tensors, json.dumps(config)).eval()
    histories = torch.randint(1, 31, (4, 12))
    assert torch.equal(ours.encode(histories), theirs.encode(histories))


def test_refusals_name_the_weight_or_setting() -> None:
    state, config = case()
    first = next(iter(state))
    wrong = [
        ("bsarek", state, config, "did you mean 'bsarec'"),
        ("bsarec", {**state, "extra.weight": np.zeros(3)}, config, "'extra.weight' has no place"),
        ("bsarec", {k: v for k, v in state.items() if k != first}, config, "no weight given"),
        ("bsarec", {**state, first: np.zeros((2, 2))}, config, r"shape \(2, 2\)"),
        ("bsarec", state, {k: v for k, v in config.items() if k != "c"}, "lacks 'c'"),
        ("bsarec", state, {**config, "hidden_act": "relu"}, "only 'gelu'"),
    ]
    with pytest.raises(SeqrecError, match="no JSON"):
        interop.from_authors("bsarec", state, "{c: 3}")
    for name, weights, settings, message in wrong:
        with pytest.raises(SeqrecError, match=message):
            interop.from_authors(name, weights, settings)


def test_a_file_of_tensors_is_read(tmp_path: Path) -> None:
    state, config = case()
    path = tmp_path / "weights.pt"
    torch.save({name: torch.from_numpy(value) for name, value in state.items()}, path)
    model = interop.from_authors("bsarec", interop.load_state_dict(path), config)
    arrays = golden("BSARec_1")
    with torch.no_grad():
        states = model.eval().encode(tensor(arrays, "input_ids"))
    np.testing.assert_allclose(states, arrays["seq_output_eval"][:, -1], atol=2e-5)


class Hostile:
    """Unpickling this would create a file."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (Path.touch, (Path("executed"),))  # type: ignore[return-value]


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_pickle_that_runs_code_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "hostile.pt"
    torch.save({"weight": Hostile()}, path)
    with pytest.raises(SeqrecError, match="not a plain file of tensors"):
        interop.load_state_dict(path)
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(SeqrecError, match="not a plain file of tensors"):
        interop.load_state_dict(path)
    assert not (tmp_path / "executed").exists()


def test_no_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SeqrecError, match="no weights at"):
        interop.load_state_dict(tmp_path / "absent.pt")
