"""An estimate as lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from seqrec.estimates.asked import Estimate
from seqrec.machine.memory import size_text
from seqrec.training.forecast import duration

WIDTH = 30


def lines_of(found: Estimate) -> Iterator[str]:
    """Yield what a run takes, a line each."""
    cell, expected = found.cell, found.training
    sizes = ", ".join(f"{count:,} {name}" for name, count in found.sizes.items())
    made = " (made up)" if found.made_up else ""
    yield f"{cell['model']} on {cell['dataset']}, protocol {cell['protocol']}; {sizes}{made}"
    counted = expected.looked_at == 2
    round_ = "a trial" if counted else "an epoch"
    rows = {
        "start": duration(found.starting),
        "before the first": duration(expected.preparing),
        round_: f"{duration(expected.training + expected.validation)}"
        f" ({duration(expected.validation)} of it validation)",
        "evaluation": duration(expected.evaluation),
        "memory": size_text(expected.memory),
    }
    epochs = {"usually": expected.usual, "at most": expected.most}
    for name, count in epochs.items():
        if name == "at most" or count < expected.most:
            seeds = f", {found.seeds} seeds" if found.seeds > 1 else ""
            rows[f"{name}, {count} {round_.split()[1]}s{seeds}"] = duration(found.seconds(count))
    data = found.data
    rows["the data pipelines"] = (
        f"{duration(data.seconds)}, {size_text(data.memory)}"
        if data
        else "not told: the filters leave nothing of a made-up log of this size"
    )
    for name, value in rows.items():
        yield f"  {name:<{WIDTH}}{value}"
