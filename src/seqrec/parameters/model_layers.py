"""A model's block in layers: its own values, then those for a data set, protocol or variant."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from seqrec.errors import SeqrecError, unknown_name
from seqrec.parameters.blocks import (
    MODEL_KEYS,
    PARTS_OF_MODELS,
    VARIANTS,
    Parameters,
    by_text,
    check_keys,
    group,
)
from seqrec.parameters.sections import Protocol


def model_layers(
    block: Any, model: str, protocol: Any, dataset: str, names: Iterable[str]
) -> Iterator[Parameters]:
    """Yield the model's own values, then those for the data set, each with its protocol's."""
    owner = f"model '{model}'"
    block = group(model, block)
    yield from _protocol_layers(block, protocol, owner, model)
    for name, values in _parts(block, "data set", names, owner, model).items():
        of_dataset = f"{owner} for data set '{name}'"
        check_keys(values, (*MODEL_KEYS, PARTS_OF_MODELS["protocol"]), of_dataset)
        path = f"{model}.{PARTS_OF_MODELS['data set']}.{name}"
        # Those of other data sets are checked as well.
        layers = list(_protocol_layers(group(path, values), protocol, of_dataset, path))
        yield from layers if name == dataset else ()


def variant_layers(
    block: Any, model: str, variant: Any, protocol: Any, dataset: str, names: Iterable[str]
) -> Iterator[Parameters]:
    """Yield the layers of the variant that is asked for; the others are checked as well."""
    variants = by_text(group(f"{model}.{VARIANTS}", group(model, block).get(VARIANTS)))
    if variant is not None and str(variant) not in variants:
        if not variants:
            raise SeqrecError(
                f"parameter variant={variant}: model '{model}' has none; leave it out"
            )
        raise unknown_name("variant", str(variant), variants, f"of model '{model}'")
    for name, values in variants.items():
        path = f"{model}.{VARIANTS}.{name}"
        keys = (*MODEL_KEYS, *PARTS_OF_MODELS.values())
        check_keys(values, keys, f"variant '{name}' of model '{model}'")
        layers = list(model_layers(values, path, protocol, dataset, names))
        yield from layers if name == str(variant) else ()


def _protocol_layers(
    block: Parameters, protocol: Any, owner: str, path: str
) -> Iterator[Parameters]:
    """Yield a block's own values, then those it holds for the protocol."""
    yield {key: value for key, value in block.items() if key in MODEL_KEYS}
    parts = _parts(block, "protocol", get_args(Protocol), owner, path)
    for name, values in parts.items():
        check_keys(values, MODEL_KEYS, f"{owner} for protocol '{name}'")
    yield group(f"{path}.{PARTS_OF_MODELS['protocol']}.{protocol}", parts.get(str(protocol)))


def _parts(block: Parameters, kind: str, names: Iterable[str], owner: str, path: str) -> Parameters:
    """Return the values that a block holds by the names of one kind, all of them known ones."""
    key = PARTS_OF_MODELS[kind]
    parts = by_text(group(f"{path}.{key}", block.get(key)))
    for name in parts:
        if name not in names:
            raise unknown_name(kind, name, names, f"in the block of {owner}")
    return parts
