"""A trained model as an ONNX graph: histories of item numbers in, the best items and scores out.

torch exports what a model makes of a history, its scores of all items; ``list_graph.py`` has the
rest. Histories are cut or filled up to ``max_len`` inside the graph, so that batch and length are
free.

Shapes: B histories, L columns, V = items + 1.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqrec.errors import SeqrecError
from seqrec.export.list_graph import IR_VERSION, OPSET, lists
from seqrec.models.folder import TrainedModel
from seqrec.models.parts.face import ScoringModel, SequentialModel
from seqrec.protocol import ranking_rules

if TYPE_CHECKING:
    import onnx

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
NOISY = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")


class AllScores(nn.Module):
    """Histories of any length to the scores of all items."""

    def __init__(self, model: ScoringModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, histories: Tensor, users: Tensor | None = None) -> Tensor:
        """Score all items.

        Args:
            histories: (B, L) item numbers, oldest first, padded with 0 on the left.
            users: (B,) user numbers, of models with user vectors; 0 unless given, nobody known.

        Returns:
            (B, V).
        """
        longest = self.model.config.max_len
        window = F.pad(histories, (longest, 0))[:, -longest:]
        if users is None:
            users = histories.new_zeros(histories.shape[0])
        return self.model.scorer()(window, users)


def check_exportable(trained: TrainedModel) -> None:
    """Raise a SeqrecError for a model that reads tables, or if ONNX is not installed."""
    if not isinstance(trained.model, SequentialModel):
        raise SeqrecError(
            f"{trained.model_name} counts and has no ONNX form: it is a table that grows with the "
            "pairs of items; use `seqrec recommend` or `seqrec serve`"
        )
    if trained.model.looks_things_up:
        raise SeqrecError(
            f"{trained.model_name} reads tables that grow with the pairs of items and has no ONNX "
            "form; use `seqrec recommend` or `seqrec serve`, or export its encoder trained alone"
        )
    try:
        for package in PACKAGES:
            import_module(package)
    except ImportError as error:
        raise SeqrecError(
            f"export needs the package {error.name}; run `pip install 'seqrec[export]'`"
        ) from None


def on_cpu(trained: TrainedModel) -> TrainedModel:
    """Return a copy that may be moved and traced; whoever holds the model goes on with it."""
    return replace(trained, model=deepcopy(trained.model).cpu().eval())


def takes_users(model: ScoringModel) -> bool:
    """Tell whether a model has vectors of users."""
    return "num_users" in model.config.__dataclass_fields__


def graph_of(trained: TrainedModel) -> onnx.ModelProto:
    """Return a trained model on the CPU as an ONNX model, not checked; equal models, equal bytes.

    Raises:
        SeqrecError: the model counts, or a package is missing.
    """
    check_exportable(trained)
    config = trained.model.config
    rules = ranking_rules(config.protocol, authors=trained.model.authors_ranking)
    model, end = scores_graph(trained.model), lists(config.num_items, rules, config.max_len).graph
    graph = model.graph
    given = {"histories", "all_scores"}
    graph.node.extend(end.node)
    graph.initializer.extend(end.initializer)
    graph.input.extend(value for value in end.input if value.name not in given)
    del graph.output[:]
    graph.output.extend(end.output)
    return model


def scores_graph(model: ScoringModel) -> onnx.ModelProto:
    """Return the graph of ``AllScores``; its own names begin with ``model.``."""
    import onnx.compose

    examples = [torch.ones(2, 3, dtype=torch.long), torch.ones(2, dtype=torch.long)]
    batch, length = (torch.export.Dim(name) for name in ("batch", "length"))
    names, shapes = ["histories", "users"], [{0: batch, 1: length}, {0: batch}]
    inputs = 2 if takes_users(model) else 1
    with _quietly(), torch.no_grad():
        program = torch.onnx.export(
            AllScores(model),
            tuple(examples[:inputs]),
            dynamo=True,
            dynamic_shapes=tuple(shapes[:inputs]),
            input_names=names[:inputs],
            output_names=["all_scores"],
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    exported = program.model_proto
    exported.ir_version = IR_VERSION
    _forget_origins(exported)
    return onnx.compose.add_prefix(exported, "model.", rename_inputs=False, rename_outputs=False)


def _forget_origins(model: onnx.ModelProto) -> None:
    """Take out where in which source a node came from: paths of this machine, and long."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""
    for tensor in graph.initializer:
        del tensor.metadata_props[:]
    del graph.value_info[:]


@contextmanager
def _quietly() -> Iterator[None]:
    """Drop what the exporter says of packages it could use and constants it does not fold."""
    loggers = [logging.getLogger(name) for name in NOISY]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
