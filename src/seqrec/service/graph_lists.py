"""Plain lists by the exported graph, which answers one history in a fraction of torch's time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from seqrec.batches import Integers
from seqrec.errors import SeqrecError
from seqrec.evaluation.history_batches import rows_at_once
from seqrec.export.list_check import check_lists, padded
from seqrec.models.folder import TrainedModel
from seqrec.protocol import RankingRules
from seqrec.recommendation.choice import Choice
from seqrec.recommendation.given_histories import Histories
from seqrec.recommendation.lists import Lists, slices
from seqrec.recommendation.recommender import Recommender

if TYPE_CHECKING:
    import onnxruntime

CHECKED = 20
"""Histories whose lists say that a graph is this model's: all were compared when it was written."""
MOST_TOGETHER = 256


class GraphRecommender(Recommender):
    """Makes lists by a graph, and by torch those with wishes that the graph has no inputs for.

    Under protocol ``authors`` that is any list: how many of a history's items count as seen is
    fixed in the graph.

    Args:
        trained: the model, on the CPU.
        graph: as it was exported.

    Raises:
        SeqrecError: the graph gives other lists.
    """

    def __init__(self, trained: TrainedModel, graph: Path) -> None:
        super().__init__(trained, device="cpu")
        try:
            check_lists(graph, trained, CHECKED)
        except SeqrecError:
            raise SeqrecError(
                "the exported graph gives other lists than the model at work; were other weights "
                "put into its folder? SIGHUP takes them over"
            ) from None
        self.session = _session(graph)
        self.takes_users = any(given.name == "users" for given in self.session.get_inputs())
        self.rows = rows_at_once(MOST_TOGETHER, len(self.ids), torch.device("cpu"))

    def after(
        self, histories: Histories, rows: Integers, k: int, rules: RankingRules, choice: Choice
    ) -> Lists:
        """Return the lists after some of the histories."""
        if not choice.is_free or self.trained.protocol == "authors":
            return super().after(histories, rows, k, rules, choice)
        parts = (rows[part] for part in slices(len(rows), self.rows))
        return Lists.joined([self._by_graph(histories, part, k, rules) for part in parts])

    def _by_graph(self, histories: Histories, rows: Integers, k: int, rules: RankingRules) -> Lists:
        offsets, items = histories.offsets, histories.items
        feeds = {
            "histories": padded([items[offsets[row] : offsets[row + 1]] for row in rows.tolist()]),
            "k": np.array([k]),
            "keep_seen": np.array(rules.seen_score is None),
        }
        if self.takes_users:
            feeds["users"] = np.zeros(len(rows), np.int64)
        listed, scores = self.session.run(["items", "scores"], feeds)
        return Lists.of(scores, listed, k)


def _session(graph: Path) -> onnxruntime.InferenceSession:
    import onnxruntime  # after seqrec.export, which keeps it from reporting

    options = onnxruntime.SessionOptions()
    if "OMP_NUM_THREADS" not in os.environ:
        options.intra_op_num_threads = 1  # as torch, for the same reason
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
