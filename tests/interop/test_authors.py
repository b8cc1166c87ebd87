"""Weights of others: what is refused, and how it says so."""

import json
import pickle
import re
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
        ("bsarec", state, {**config, "hidden_act": "tanh"}, "activation: input should be 'gelu', "),
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


@pytest.mark.parametrize("activation", ["relu", "swish"])
def test_other_activations_of_the_harness_load(activation: str) -> None:
    state, config = case()
    model = interop.from_authors("bsarec", state, {**config, "hidden_act": activation})
    assert model.config.activation == activation
    usual = interop.from_authors("bsarec", state, config)
    assert usual.config.activation == "gelu"
    histories = torch.randint(1, 31, (4, 12))
    assert not torch.equal(model.eval().encode(histories), usual.eval().encode(histories))


OLDER = (
    (r"item_encoder\.blocks\.", "item_encoder.layer."),
    (r"\.feed_forward\.", ".intermediate."),
)
"""Names of the harness → those of the code it goes back to."""


@pytest.mark.parametrize(
    ("name", "file", "layer"),
    [("fmlprec", "FMLPRec_1", "filterlayer"), ("sasrec", "SASRec_1", "attention")],
)
def test_names_of_the_code_before_the_harness_load(name: str, file: str, layer: str) -> None:
    """With a row more in the item table, of a mask that nothing uses."""
    arrays = golden(file)
    state, config = weights_of(arrays), json.loads(str(arrays["config"]))
    renamed = {}
    for theirs, value in state.items():
        older = re.sub(r"(blocks\.\d+)\.layer\.", rf"\1.{layer}.", theirs)
        for pattern, other in OLDER:
            older = re.sub(pattern, other, older)
        renamed[older] = value
    table = renamed["item_embeddings.weight"]
    renamed["item_embeddings.weight"] = np.concatenate([table, table[:1] + 7])
    assert not any("blocks" in older or "feed_forward" in older for older in renamed)
    ours = interop.from_authors(name, state, config).state_dict()
    theirs_too = interop.from_authors(name, renamed, config).state_dict()
    assert all(torch.equal(ours[key], theirs_too[key]) for key in ours)
