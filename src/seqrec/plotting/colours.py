"""The colours of figures: one a model wherever it appears, and what is no model's."""

from collections.abc import Iterable
from itertools import product
from zlib import crc32

from seqrec.models import COUNTING_MODELS, MODELS

INK, FAINT, GRID = "#263238", "#78909c", "#e6eaed"
OTHERS = ("#b0413e", "#4a7c59", "#5e60ce", "#bc6c25", "#8a5a83", "#33658a")
"""For what is no model, and for models that are none of the project's."""
CHOSEN = {
    "bsarec": "#1f5fa8",
    "mqsa_ted": "#d1495b",
    "sasrec": "#2e8b57",
    "sasrec_ce": "#e08e0b",
    "bert4rec": "#7b4fa3",
    "caser": "#0097a7",
    "gru4rec": "#8d5524",
    "fmlprec": "#d6589f",
    "duorec": "#7a9a01",
    "fearec": "#3d3b8e",
    "seer": "#c2185b",
    "popularity": "#9e9e9e",
    "markov": "#5d4037",
    "cosine": "#546e7a",
    "hybrid": "#111111",
}
"""As published figures show them. A model that does not stand here gets one that is left."""
LEFT = tuple(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in product(range(16, 208, 32), repeat=3))


def of_models(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each model, no two of them alike.

    Args:
        names: in order; those without a chosen colour get, one after the other, what is left and
            lies farthest from all that are taken.
    """
    colours = {name: CHOSEN.get(name, "") for name in names}
    for name in (name for name, colour in colours.items() if not colour):
        taken = [*CHOSEN.values(), *OTHERS, *filter(None, colours.values()), "#ffffff"]
        colours[name] = max(LEFT, key=lambda colour: min(_distance(colour, at) for at in taken))
    return colours


def _distance(first: str, second: str) -> int:
    """Return how far two colours lie apart: the square, over red, green and blue."""
    return sum((a - b) ** 2 for a, b in zip(_channels(first), _channels(second), strict=True))


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


COLOURS = of_models([*MODELS, *COUNTING_MODELS])


def colour(model: str) -> str:
    """Return a model's colour: its own for the project's, by its name for others."""
    return COLOURS.get(model) or OTHERS[crc32(model.encode()) % len(OTHERS)]


def faded(colour: str, opacity: float) -> str:
    """Return a colour that lets the background through."""
    red, green, blue = _channels(colour)
    return f"rgba({red}, {green}, {blue}, {opacity})"


def in_order(models: Iterable[str]) -> list[str]:
    """Return models as the project lists them, others after them by name."""
    places = {model: place for place, model in enumerate(COLOURS)}
    return sorted(models, key=lambda model: (places.get(model, len(places)), model))
