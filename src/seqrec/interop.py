"""Weights of other projects: the names and settings of the papers' own code, read into ours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from seqrec.errors import SeqrecError, unknown_name
from seqrec.models import build_model
from seqrec.models.face import SequentialModel


@dataclass(frozen=True)
class Dialect:
    """How one model is spoken of in its authors' code."""

    options: dict[str, str]
    """Their setting → our option."""
    names: tuple[tuple[str, str], ...]
    """Pattern of their parameter names → ours."""
    fixed: dict[str, Any] = field(default_factory=dict)
    """Settings that this project has in one form only."""
    items: tuple[str, int] = ("item_size", -1)
    """The setting that says how many items there are, and what to add to it."""
    rearrange: Callable[[str, Tensor], Tensor] = lambda name, value: value
    """Turns a weight of theirs, by its name, into the form of ours."""

    def our_name(self, name: str) -> str | None:
        """Return our name of one of their parameters, or None if there is none."""
        for pattern, ours in self.names:
            if re.fullmatch(pattern, name):
                return re.sub(pattern, ours, name)
        return None


def _from_tensorflow(name: str, value: Tensor) -> Tensor:
    """Turn kernels to (out, in), and put our padding row above the items, which theirs lack."""
    if name.endswith(".kernel"):
        return value.T
    return torch.nn.functional.pad(value, (0, 0, 1, 0)) if name == "item_embedding" else value


_BLOCK = r"item_encoder\.blocks\.(\d+)"

_TF = r"(short|long)\.block(\d+)\."

DIALECTS = {
    "bsarec": Dialect(
        options={
            "hidden_size": "dim",
            "max_seq_length": "max_len",
            "num_hidden_layers": "num_blocks",
            "num_attention_heads": "num_heads",
            "hidden_dropout_prob": "hidden_dropout",
            "attention_probs_dropout_prob": "attention_dropout",
            "alpha": "alpha",
            "c": "c",
        },
        names=(
            (r"item_embeddings\.(.+)", r"item_embedding.\1"),
            (r"position_embeddings\.(.+)", r"position_embedding.\1"),
            (r"LayerNorm\.(.+)", r"input_norm.\1"),
            (_BLOCK + r"\.layer\.filter_layer\.sqrt_beta", r"blocks.\1.filter.sqrt_beta"),
            (_BLOCK + r"\.layer\.filter_layer\.LayerNorm\.(.+)", r"blocks.\1.filter_norm.\2"),
            (_BLOCK + r"\.layer\.attention_layer\.LayerNorm\.(.+)", r"blocks.\1.attention_norm.\2"),
            (_BLOCK + r"\.layer\.attention_layer\.dense\.(.+)", r"blocks.\1.attention.output.\2"),
            (
                _BLOCK + r"\.layer\.attention_layer\.(query|key|value)\.(.+)",
                r"blocks.\1.attention.\2.\3",
            ),
            (_BLOCK + r"\.feed_forward\.dense_1\.(.+)", r"blocks.\1.feed_forward.expand.\2"),
            (_BLOCK + r"\.feed_forward\.dense_2\.(.+)", r"blocks.\1.feed_forward.contract.\2"),
            (_BLOCK + r"\.feed_forward\.LayerNorm\.(.+)", r"blocks.\1.feed_forward_norm.\2"),
        ),
        fixed={"hidden_act": "gelu"},
    ),
    "mqsa_ted": Dialect(
        options={
            "num_factor": "dim",
            "max_len": "max_len",
            "num_block": "num_blocks",
            "num_head": "num_heads",
            "L": "L",
            "alpha": "alpha",
            "dropout_rate": "dropout",
            "l2_reg": "l2",
        },
        names=(
            (r"(item|position)_embedding", r"\1_embedding.weight"),
            (_TF + r"ln_query\.gamma", r"\1.blocks.\2.query_norm.weight"),
            (_TF + r"ln_query\.beta", r"\1.blocks.\2.query_norm.bias"),
            (_TF + r"ln_ffn\.gamma", r"\1.blocks.\2.norm.weight"),
            (_TF + r"ln_ffn\.beta", r"\1.blocks.\2.norm.bias"),
            (_TF + r"q\.kernel", r"\1.blocks.\2.query.weight"),
            (_TF + r"k\.kernel", r"\1.blocks.\2.key.weight"),
            (_TF + r"v\.kernel", r"\1.blocks.\2.value.weight"),
            (_TF + r"q\.bias", r"\1.blocks.\2.query.bias"),
            (_TF + r"k\.bias", r"\1.blocks.\2.key.bias"),
            (_TF + r"v\.bias", r"\1.blocks.\2.value.bias"),
            (_TF + r"ffn1\.kernel", r"\1.blocks.\2.expand.weight"),
            (_TF + r"ffn1\.bias", r"\1.blocks.\2.expand.bias"),
            (_TF + r"ffn2\.kernel", r"\1.blocks.\2.contract.weight"),
            (_TF + r"ffn2\.bias", r"\1.blocks.\2.contract.bias"),
            (r"(short|long)\.ln_final\.gamma", r"\1.norm.weight"),
            (r"(short|long)\.ln_final\.beta", r"\1.norm.bias"),
        ),
        items=("num_item", 0),
        rearrange=_from_tensorflow,
    ),
}


def from_authors(
    model_name: str, state_dict: Mapping[str, Any], config: Mapping[str, Any] | str
) -> SequentialModel:
    """Build a model of this project from weights under the authors' names.

    Args:
        model_name: as in ``seqrec.models.MODELS``.
        state_dict: their parameter names → tensors or arrays.
        config: their settings, as a mapping or as JSON.

    Returns:
        The model under protocol ``authors``, in training mode.

    Raises:
        SeqrecError: an unknown model, a setting or weight that is missing, too much or of
            another shape.
    """
    if model_name not in DIALECTS:
        raise unknown_name("model", model_name, DIALECTS, "in from_authors")
    dialect = DIALECTS[model_name]
    settings = _parsed(config) if isinstance(config, str) else config
    model = build_model(
        model_name,
        _our_options(model_name, dialect, settings),
        protocol="authors",
        num_items=int(_setting(model_name, settings, dialect.items[0])) + dialect.items[1],
    )
    _load_renamed(model_name, model, dialect, state_dict)
    return model


def load_state_dict(path: Path | str) -> dict[str, Tensor]:
    """Read a ``.pt`` file of tensors without running any code it may hold.

    Raises:
        SeqrecError: the file is absent, or holds more than tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise SeqrecError(f"no weights at {path}; give the path of a .pt file")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise SeqrecError(
            f"{path} is not a plain file of tensors ({reason}); save model.state_dict() instead"
        ) from None
    if not isinstance(state, dict):
        raise SeqrecError(f"{path} holds a {type(state).__name__}; save model.state_dict() instead")
    return state


def _parsed(config: str) -> Mapping[str, Any]:
    try:
        settings = json.loads(config)
    except ValueError as error:
        raise SeqrecError(f"the authors' config is no JSON ({error}); give an object") from None
    if not isinstance(settings, dict):
        raise SeqrecError("the authors' config is no JSON object; give one, or a mapping")
    return settings


def _our_options(model_name: str, dialect: Dialect, settings: Mapping[str, Any]) -> dict[str, Any]:
    for name, only in dialect.fixed.items():
        if settings.get(name, only) != only:
            raise SeqrecError(
                f"{model_name}: setting {name}={settings[name]!r} is not supported, only {only!r}"
            )
    return {
        ours: _setting(model_name, settings, theirs) for theirs, ours in dialect.options.items()
    }


def _setting(model_name: str, settings: Mapping[str, Any], name: str) -> Any:
    if name not in settings:
        raise SeqrecError(f"{model_name}: the authors' config lacks '{name}'; add it")
    return settings[name]


def _load_renamed(
    model_name: str, model: nn.Module, dialect: Dialect, state_dict: Mapping[str, Any]
) -> None:
    """Copy their weights into the model, every one exactly once."""
    parameters = dict(model.named_parameters())
    missing = set(parameters)
    for theirs, value in state_dict.items():
        ours = dialect.our_name(theirs)
        if ours is None or ours not in parameters:
            raise SeqrecError(f"{model_name}: weight '{theirs}' has no place in this model")
        tensor = dialect.rearrange(theirs, torch.as_tensor(value, dtype=torch.float32)).squeeze()
        target = parameters[ours]
        if tensor.shape != target.squeeze().shape:
            raise SeqrecError(
                f"{model_name}: weight '{theirs}' has shape {tuple(tensor.shape)}, "
                f"the config asks for {tuple(target.shape)}"
            )
        with torch.no_grad():
            target.copy_(tensor.view(target.shape))
        missing.discard(ours)
    if missing:
        raise SeqrecError(f"{model_name}: no weight given for '{min(missing)}'")
