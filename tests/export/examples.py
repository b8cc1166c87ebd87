"""Trained models of 20 items, as a training leaves them."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from seqrec.models import model_class
from seqrec.models.folder import TrainedModel
from seqrec.models.parts.face import SequentialModel
from tests.models.small import ITEMS, small_model

MAX_LEN = 5
OPTIONS: Mapping[str, dict[str, Any]] = {
    "bsarec": {"c": 3},
    # the encoder is SASRec's
    "sasrec_ce": {"num_blocks": 1},
    "duorec": {"num_blocks": 1},
    "caser": {"horizontal_filters": 2, "vertical_filters": 1},
    "gru4rec": {"hidden_dim": 4},
}


def options_of(name: str) -> dict[str, Any]:
    """Return the options of the model."""
    return {"max_len": MAX_LEN, "dim": 4, **OPTIONS.get(name, {})}


def small(name: str, protocol: str = "standard") -> SequentialModel:
    """Return a model of every kind that is small but for its blocks."""
    return small_model(model_class(name), name, protocol, options_of(name)).eval()


def trained(name: str, protocol: str = "standard") -> TrainedModel:
    """Return the same with ids a, b, c …"""
    model = small(name, protocol)
    ids = [chr(ord("a") + number) for number in range(ITEMS)]
    items = pa.table(
        {
            "item_index": pa.array(range(1, ITEMS + 1), pa.int32()),
            "item_id": ids,
            "interactions": list(range(ITEMS, 0, -1)),
        }
    )
    facts = ("by-hand", ITEMS, 1, "f" * 64, 42, 3, "NDCG@20", 0.5)
    return TrainedModel(model, items, name, options_of(name), protocol, *facts)
