"""The names of the MQSA-TED authors' code (TensorFlow 1)."""

from __future__ import annotations

import torch
from torch import Tensor

from seqrec.interop.dialect import Dialect


def _from_tensorflow(name: str, value: Tensor) -> Tensor:
    """Turn kernels to (out, in), and put our padding row above the items, which theirs lack."""
    if name.endswith(".kernel"):
        return value.T
    return torch.nn.functional.pad(value, (0, 0, 1, 0)) if name == "item_embedding" else value


_TF = r"(short|long)\.block(\d+)\."

MQSA_TED = Dialect(
    options={
        "num_factor": "dim",
        "max_len": "max_len",
        "num_block": "num_blocks",
        "num_head": "num_heads",
        "L": "L",
        "alpha": "alpha",
        "dropout_rate": "dropout",
        "l2_reg": "l2",
    },
    names=(
        (r"(item|position)_embedding", r"\1_embedding.weight"),
        (_TF + r"ln_query\.gamma", r"\1.blocks.\2.query_norm.weight"),
        (_TF + r"ln_query\.beta", r"\1.blocks.\2.query_norm.bias"),
        (_TF + r"ln_ffn\.gamma", r"\1.blocks.\2.norm.weight"),
        (_TF + r"ln_ffn\.beta", r"\1.blocks.\2.norm.bias"),
        (_TF + r"q\.kernel", r"\1.blocks.\2.query.weight"),
        (_TF + r"k\.kernel", r"\1.blocks.\2.key.weight"),
        (_TF + r"v\.kernel", r"\1.blocks.\2.value.weight"),
        (_TF + r"q\.bias", r"\1.blocks.\2.query.bias"),
        (_TF + r"k\.bias", r"\1.blocks.\2.key.bias"),
        (_TF + r"v\.bias", r"\1.blocks.\2.value.bias"),
        (_TF + r"ffn1\.kernel", r"\1.blocks.\2.expand.weight"),
        (_TF + r"ffn1\.bias", r"\1.blocks.\2.expand.bias"),
        (_TF + r"ffn2\.kernel", r"\1.blocks.\2.contract.weight"),
        (_TF + r"ffn2\.bias", r"\1.blocks.\2.contract.bias"),
        (r"(short|long)\.ln_final\.gamma", r"\1.norm.weight"),
        (r"(short|long)\.ln_final\.beta", r"\1.norm.bias"),
    ),
    items=("num_item", 0),
    rearrange=_from_tensorflow,
)
