"""Cases on made-up sequences, laid down once for all tasks of a section."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.case import Case
from benchmarks.gpu.section import SIZES, Size
from benchmarks.steps import Data, lay_down
from benchmarks.steps import parse as parse_steps
from seqrec.models import model_class

SMALL = SIZES["small"]
_FOLDERS: list[TemporaryDirectory[str]] = []
"""They go with the process."""


@cache
def data_of(size: Size) -> tuple[Data, str]:
    """Return the sequences of a size and the folder they lie in."""
    _FOLDERS.append(TemporaryDirectory(prefix="made-up-"))
    folder = _FOLDERS[-1].name
    count = ["--users", str(size.users), "--items", str(size.items)]
    return lay_down(parse_steps(["--dataset", "synthetic", *count]), Path(folder)), folder


def case_of(
    model: str,
    device: torch.device,
    size: Size = SMALL,
    *,
    protocol: str = "authors",
    dropout: bool = True,
    **more: Any,
) -> Case:
    """Return a model with its published settings on sequences of a size.

    Args:
        model: its name.
        device: where it computes.
        size: how many users and items, and how long histories are.
        protocol: ``authors`` or ``standard``.
        dropout: whether it has any.
        more: other fields of the case.
    """
    data, folder = data_of(size)
    options: dict[str, Any] = {"max_len": size.max_len} if size.max_len else {}
    if not dropout:
        fields = model_class(model).Config.__dataclass_fields__
        options |= {name: 0.0 for name in fields if name.endswith("dropout")}
        if "encoder_options" in fields:
            options["encoder_options"] = {"dropout": 0.0}
    return Case(
        model=model,
        dataset=data.dataset,
        protocol=protocol,
        folder=folder,
        num_items=data.num_items,
        num_users=data.num_users,
        device=device.type,
        **{"compile": "off", "options": options, **more},
    )
