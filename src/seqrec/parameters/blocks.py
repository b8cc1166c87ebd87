"""The blocks of the parameter files: which there are, and what may stand in them."""

from typing import Any

from seqrec.errors import SeqrecError, unknown_name
from seqrec.models import COUNTING_MODELS, MODELS
from seqrec.parameters.sections import MODEL_OPTIONS, SECTIONS

Parameters = dict[str, Any]

KNOWN_MODELS = (*MODELS, *COUNTING_MODELS)
ENGINE = "engine"
"""Lives in globals, for the catalog needs it before any parameter is picked."""
BLOCK_SECTIONS = tuple(name for name in SECTIONS if name != ENGINE)
DATASET_KEYS = (*BLOCK_SECTIONS, "raw_dir")
MODEL_KEYS = ("training", "ted", "evaluation", MODEL_OPTIONS)
VARIANTS = "variants"
"""Of a model's block: other settings of the whole model, by name; each is such a block."""
PARTS_OF_MODELS = {"protocol": "protocols", "data set": "datasets"}
"""Of what a model's block can hold values of their own, by name, and under which key."""


def datasets_in(blocks: Parameters) -> list[str]:
    """Return the names of the data sets: the blocks that say which raw log they read."""
    return [
        str(name) for name, block in blocks.items() if isinstance(block, dict) and "raw" in block
    ]


def by_text(blocks: dict[Any, Any]) -> Parameters:
    """Return the blocks by their names as text: YAML reads a name of digits as a number."""
    return {str(name): block for name, block in blocks.items()}


def without_nulls(values: Parameters) -> Parameters:
    """Return the values that are given."""
    return {name: value for name, value in values.items() if value is not None}


def group(name: str, value: Any) -> Parameters:
    """Return a section's values; anything but a mapping is a mistake of the user."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SeqrecError(
            f"parameter {name}: should be a group, such as {name}.KEY=VALUE (got {value!r})"
        )
    return value


def check_keys(block: Parameters, names: tuple[str, ...], owner: str) -> None:
    """Raise for a key that nothing would read."""
    for key in group(owner, block):
        if key not in names:
            raise unknown_name("parameter", key, names, f"in the block of {owner}")
