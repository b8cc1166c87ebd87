"""The best trial as a parameter file, which a later run takes once it lies in ``conf``."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import yaml

from seqrec.cell import Cell
from seqrec.models import COUNTING_MODELS
from seqrec.parameters.search_space import OPTIONS, nested

MEASURED = ("trial", "state", "value", "epochs", "best_epoch")
"""The columns of a tuning history that are no parameters."""


def best_trial(history: pa.Table) -> dict[str, Any]:
    """Return the row of the best finished trial, the earliest of equals."""
    rows = [row for row in history.to_pylist() if row["state"] == "finished"]
    best: dict[str, Any] = max(rows, key=lambda row: row["value"])
    return best


def parameters_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a trial by name."""
    return {name: value for name, value in row.items() if name not in MEASURED}


def parameter_file(history: pa.Table, cell: Cell, *, monitor: str, copy: str) -> str:
    """Return the best trial's parameters as YAML, in the form of ``conf/base/parameters/models``.

    Args:
        history: one row a trial.
        cell: the model they are of, the data set and the protocol they were found for.
        monitor: the metric that was to be highest.
        copy: the command that puts the file to use.

    Returns:
        The text, with a comment on where the values come from and how to use them.
    """
    best = best_trial(history)
    values: dict[str, dict[str, Any]] = nested(parameters_of(best))
    if cell.model in COUNTING_MODELS:  # nothing is left to try out
        values[OPTIONS] = {**values.get(OPTIONS, {}), "trials": 1}
    block = {cell.model: {"datasets": {cell.dataset: {"protocols": {cell.protocol: values}}}}}
    file = f"conf/base/parameters/models/{cell.model}.yml"
    trial = f"trial {best['trial']} of {len(history)}"
    lines = [
        f"# {cell.model} on {cell.dataset}, protocol {cell.protocol}: {trial},",
        f"# {monitor} = {best['value']:.4f} on validation.",
        "# Not in use yet. `kedro run` of this model, data set and protocol takes the values after",
        f"#   {copy}",
        "# What they leave open is as before; delete the copy to go back. `dvc repro` does not",
        "# read conf/local: for it, and to share the values, move the block to",
        f"# {file}. A log that only raw.file names must become a",
        "# data set first: seqrec add-dataset.",
    ]
    return "\n".join(lines) + "\n" + yaml.safe_dump(block, sort_keys=False, allow_unicode=True)
