"""Small models whose weights all matter, and histories of all lengths."""

from typing import Any, TypeVar

import torch
from torch import Tensor

from seqrec.models import build_model
from seqrec.models.parts.face import SequentialModel

ITEMS = 20

ModelT = TypeVar("ModelT", bound=SequentialModel)


def small_model(kind: type[ModelT], name: str, protocol: str, options: dict[str, Any]) -> ModelT:
    """Return a model of 20 items, far from where its training would start."""
    torch.manual_seed(0)
    model = build_model(name, options, protocol, num_items=ITEMS)
    assert isinstance(model, kind)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
        if protocol == "standard":
            model.item_embedding.weight[0] = 0
    return model


def histories_of(rows: int, length: int, seed: int = 1) -> Tensor:
    """Return histories of 0, 1, 2 … items, at most ``length``."""
    torch.manual_seed(seed)
    places = torch.arange(length) >= length - torch.arange(rows)[:, None]
    return torch.randint(1, ITEMS + 1, (rows, length)) * places
