"""Where the labels of dots are best written."""

from collections.abc import Sequence

POSITIONS = {
    "middle right": (1, 0),
    "top center": (0, 1),
    "bottom center": (0, -1),
    "middle left": (-1, 0),
    "top right": (1, 1),
    "bottom right": (1, -1),
    "top left": (-1, 1),
    "bottom left": (-1, -1),
}
"""Plotly's name of a place beside a dot → whether it lies right or left, above or below."""

ROUNDS = 4
"""How often every label looks for a better place, now that the others have theirs."""

LETTER, LINE, DOT = 6.4, 14.0, 6.0
"""Pixels: a letter's width, a line's height, a dot's half width."""

Box = tuple[float, float, float, float]


def label_positions(
    points: Sequence[tuple[float, float]], labels: Sequence[str], width: float, height: float
) -> list[str]:
    """Return where each dot's label is best written.

    Args:
        points: pixels across and up.
        labels: their texts.
        width: of the panel, in pixels.
        height: likewise.

    Returns:
        Plotly's ``textposition`` of each: where it hides least of the other dots and labels, and
        leaves the panel least.
    """
    dots = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in points]
    chosen: list[str] = [next(iter(POSITIONS))] * len(points)
    texts: dict[int, Box] = {}
    for _ in range(ROUNDS):
        for number, (point, label) in enumerate(zip(points, labels, strict=True)):
            others = [dot for place, dot in enumerate(dots) if place != number]
            others += [box for place, box in texts.items() if place != number]
            boxes = {name: _text_box(point, label, side) for name, side in POSITIONS.items()}
            hidden = {name: _hidden(box, others, width, height) for name, box in boxes.items()}
            chosen[number] = min(hidden, key=lambda name: hidden[name])
            texts[number] = boxes[chosen[number]]
    return chosen


def _text_box(point: tuple[float, float], label: str, side: tuple[int, int]) -> Box:
    half = len(label) * LETTER / 2
    x = point[0] + side[0] * (half + DOT)
    y = point[1] + side[1] * (LINE / 2 + DOT)
    return x - half, y - LINE / 2, x + half, y + LINE / 2


def _hidden(box: Box, others: Sequence[Box], width: float, height: float) -> float:
    """Return how much a text hides, in square pixels; outside there is room, but not much."""
    return sum(_overlap(box, other) for other in others) + _outside(box, width, height) / 4


def _overlap(first: Box, second: Box) -> float:
    across = min(first[2], second[2]) - max(first[0], second[0])
    up = min(first[3], second[3]) - max(first[1], second[1])
    return max(0.0, across) * max(0.0, up)


def _outside(box: Box, width: float, height: float) -> float:
    """Return how much of a box lies outside its panel, in square pixels."""
    inside = _overlap(box, (0.0, 0.0, width, height))
    return (box[2] - box[0]) * (box[3] - box[1]) - inside
