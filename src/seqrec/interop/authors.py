"""Models of the papers' own code: their names, settings and weights, read into ours."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from seqrec.errors import SeqrecError, unknown_name
from seqrec.interop.bsarec_harness import HARNESS
from seqrec.interop.dialect import Dialect
from seqrec.interop.mqsa_ted import MQSA_TED
from seqrec.models import build_model
from seqrec.models.parts.face import SequentialModel

ITEM_VECTORS = "item_embedding.weight"
DIALECTS: dict[str, Dialect] = {**HARNESS, "mqsa_ted": MQSA_TED}


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
        num_items=_number(model_name, settings, dialect.items[0]) + dialect.items[1],
        num_users=_number(model_name, settings, dialect.users) if dialect.users else 1,
    )
    _load_renamed(model_name, model, dialect, state_dict)
    for name, value in dialect.attributes.items():
        setattr(model, name, value)
    return model


def _parsed(config: str) -> Mapping[str, Any]:
    try:
        settings = json.loads(config)
    except ValueError as error:
        raise SeqrecError(f"the authors' config is no JSON ({error}); give an object") from None
    if not isinstance(settings, dict):
        raise SeqrecError("the authors' config is no JSON object; give one, or a mapping")
    return settings


def _our_options(model_name: str, dialect: Dialect, settings: Mapping[str, Any]) -> dict[str, Any]:
    usual = {ours: settings.get(name, value) for name, (ours, value) in dialect.usual.items()}
    return {
        **{ours: _setting(model_name, settings, name) for name, ours in dialect.options.items()},
        **usual,
    }


def _setting(model_name: str, settings: Mapping[str, Any], name: str) -> Any:
    if name not in settings:
        raise SeqrecError(f"{model_name}: the authors' config lacks '{name}'; add it")
    return settings[name]


def _number(model_name: str, settings: Mapping[str, Any], name: str) -> int:
    value = _setting(model_name, settings, name)
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise SeqrecError(
            f"{model_name}: the authors' config has {name}={value!r}; give a whole number"
        ) from None


def _load_renamed(
    model_name: str, model: nn.Module, dialect: Dialect, state_dict: Mapping[str, Any]
) -> None:
    """Copy their weights into the model, every one exactly once."""
    parameters = dict(model.named_parameters())
    missing = set(parameters)
    for theirs, value in state_dict.items():
        if any(re.fullmatch(pattern, theirs) for pattern in dialect.unused):
            continue
        ours = dialect.our_name(theirs)
        if ours is None or ours not in parameters:
            raise SeqrecError(f"{model_name}: weight '{theirs}' has no place in this model")
        tensor = dialect.rearrange(theirs, torch.as_tensor(value, dtype=torch.float32)).squeeze()
        target = parameters[ours]
        if ours == ITEM_VECTORS and len(tensor) == len(target) + 1:
            tensor = tensor[:-1]  # of a mask that the model never sees
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
