"""Warm start: a training that begins with the weights of a trained model, after new data say.

Items are matched by their own ids. A new one starts as the mean of those that were there, and so
does every user of a model with user vectors: its folder has items' ids, and no users'. All other
weights are taken over as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from seqrec.errors import SeqrecError, as_typed
from seqrec.models import GIVEN, model_class
from seqrec.models.folder import TrainedModel, load_model
from seqrec.models.parts.face import SequentialModel

if TYPE_CHECKING:
    from seqrec.training.settings import Settings

log = logging.getLogger(__name__)

START_FROM = "training.start_from"
Shapes = dict[str, torch.Size]


def load_start(settings: Settings) -> TrainedModel | None:
    """Return the model that a training is to start from, if it is to start from one.

    Raises:
        SeqrecError: ``training.start_from`` is no model folder, or of a model whose weights this
            one cannot take.
    """
    if not settings.training.start_from:
        return None
    try:
        start = load_model(Path(settings.training.start_from))
    except SeqrecError as error:
        raise SeqrecError(f"parameter {START_FROM}: {error}") from None
    _check_fits(settings, start)
    return start


def _check_fits(settings: Settings, start: TrainedModel) -> None:
    for name, value in {"model_name": settings.model, "protocol": settings.protocol}.items():
        if (there := getattr(start, name)) != value:
            fact = name.removesuffix("_name")
            raise SeqrecError(
                f"parameter {START_FROM}={settings.training.start_from}: its model was trained "
                f"with {fact}={there}, not {value}; name the folder of another, or leave it out"
            )
    if misfits := _misfits(settings.config(), start):
        there = ", ".join(
            f"model_options.{name}={as_typed(value)}" for name, value in misfits.items()
        )
        raise SeqrecError(
            f"parameter {START_FROM}={settings.training.start_from}: its model was trained with "
            f"{there}, by which weights have their shapes; run with {there}, or leave it out"
        )


def _misfits(config: Any, start: TrainedModel) -> Mapping[str, Any]:
    """Return the options of a trained model that give its weights other shapes than a config."""
    kind, old = model_class(start.model_name), start.model.config
    shapes = _shapes(kind, old)
    if _shapes(kind, config) == shapes:
        return {}
    own = [field.name for field in fields(old) if field.name not in GIVEN]
    changed = {name: getattr(config, name) for name in own}
    return {
        name: getattr(old, name)
        for name, value in changed.items()
        if value != getattr(old, name) and _shapes_with(kind, old, name, value) != shapes
    }


def _shapes_with(kind: type[SequentialModel], config: Any, name: str, value: Any) -> Shapes | None:
    try:
        return _shapes(kind, replace(config, **{name: value}))
    except ValueError:  # the one does not go without the other
        return None


def _shapes(kind: type[SequentialModel], config: Any) -> Shapes:
    """Return the shapes that weights have where there is one item and one user."""
    numbers = {name: 1 for name in ("num_items", "num_users") if hasattr(config, name)}
    weights = kind(replace(config, **numbers)).learned()
    return {name: weight.shape for name, weight in weights.items()}


def start_from(start: TrainedModel, model: SequentialModel, items: pa.Table) -> None:
    """Give a model the weights of a trained one, and say what became of the items.

    Args:
        start: the trained model; ``load_start`` has found that its weights fit.
        model: freshly built, for other items and users perhaps.
        items: item_index, item_id; those of the model.

    Raises:
        SeqrecError: the trained model knows none of the items.
    """
    rows, old_rows = _matched(items, start.items)
    matched = len(rows)
    if not matched:
        raise SeqrecError(
            f"parameter {START_FROM}: its model, of data set '{start.dataset}', knows none of the "
            f"{len(items)} items; leave it out, or name the folder of another"
        )
    assert isinstance(start.model, SequentialModel)
    weights = start.model.learned()
    for name in model.per_item:
        weights[name] = _carried_over(weights[name], start.num_items, len(items), rows, old_rows)
    for name in model.per_user:
        weights[name] = weights[name].mean(dim=0).expand_as(model.state_dict()[name])
    model.load_learned(weights)
    log.info(
        "training starts from a model of %s items: %s are matched, %s are gone; "
        "%s new ones start from the mean",
        *(f"{start.num_items:,}", f"{matched:,}", f"{start.num_items - matched:,}"),
        f"{len(items) - matched:,}",
    )
    if model.per_user:
        log.info("all users start from the mean: the model's folder has no ids of users")


def _matched(items: pa.Table, earlier: pa.Table) -> tuple[Tensor, Tensor]:
    """Return the item_index of the items that both have, (n,) in the first and in the second."""
    ids, known = (table["item_id"].cast(pa.string()).combine_chunks() for table in (items, earlier))
    place = pc.index_in(ids, value_set=known)
    rows = (
        items["item_index"].filter(place.is_valid()),
        earlier["item_index"].take(place.drop_null()),
    )
    first, second = (torch.tensor(column.to_numpy(), dtype=torch.long) for column in rows)
    return first, second


def _carried_over(
    old: Tensor, old_items: int, num_items: int, rows: Tensor, old_rows: Tensor
) -> Tensor:
    """Return a parameter of all items, with the rows of padding and tokens as they are.

    Args:
        old: (1 + old_items + tokens, …).
        old_items: how many items had a row.
        num_items: how many are to have one.
        rows: (n,) the items that had one.
        old_rows: (n,) which.

    Returns:
        (1 + num_items + tokens, …).
    """
    mean = old[1 : old_items + 1].mean(dim=0)
    new = torch.cat(
        [old[:1], mean.expand(num_items, *mean.shape).clone(), old[old_items + 1 :]], dim=0
    )
    new[rows] = old[old_rows]
    return new
