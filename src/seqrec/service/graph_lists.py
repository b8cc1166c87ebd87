"""Plain lists by the exported graph, which answers one history in a fraction of torch's time.

Shapes: E histories, B of them at a time, L the longest of these.
"""

from __future__ import annotations

import copy
import os
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from seqrec.batches import Examples, Integers, Sequences
from seqrec.evaluation.history_batches import rows_at_once
from seqrec.export.list_check import check_lists, padded
from seqrec.protocol import RankingRules
from seqrec.recommendation.choice import Choice
from seqrec.recommendation.lists import Advance, Lists, MakesLists, slices
from seqrec.recommendation.recommender import Recommender

CHECKED = 20
"""Histories whose lists say that a graph is this model's: all were compared when it was written."""
MOST_TOGETHER = 256


def by_graph(recommender: Recommender, graph: Path) -> Recommender:
    """Return a recommender that makes plain lists by an exported graph of its model.

    Raises:
        SeqrecError: the graph gives other lists; it is that of another model.
    """
    check_lists(graph, recommender.trained, CHECKED)
    quick = copy.copy(recommender)
    quick.maker = GraphLists(recommender.maker, _session(graph), len(recommender.ids))
    return quick


def _session(graph: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    if "OMP_NUM_THREADS" not in os.environ:
        options.intra_op_num_threads = 1  # as torch, for the same reason
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


class GraphLists:
    """Makes lists by a graph; those with wishes that it has no inputs for, by another maker.

    Args:
        other: for known users, items to choose from or to leave out, and ranks with padding.
        session: the graph.
        num_items: how many items it knows.
    """

    def __init__(
        self, other: MakesLists, session: onnxruntime.InferenceSession, num_items: int
    ) -> None:
        self.other, self.session = other, session
        self.takes_users = any(given.name == "users" for given in session.get_inputs())
        self.rows = rows_at_once(MOST_TOGETHER, num_items, torch.device("cpu"))

    def after(
        self,
        sequences: Sequences,
        histories: Examples,
        k: int,
        rules: RankingRules,
        choice: Choice | None = None,
        *,
        known_users: bool = False,
        advance: Advance | None = None,
    ) -> Lists:
        """Return the lists after some histories, like ``ListMaker.after``."""
        is_free = choice is None or choice.is_free
        if known_users or not is_free or rules.padding_competes:
            return self.other.after(
                sequences, histories, k, rules, choice, known_users=known_users, advance=advance
            )
        begins = sequences.offsets[histories.users - 1]  # all of a history counts as seen
        items = sequences.items.astype(np.int64)
        made = [
            self._lists(items, begins[rows], histories.ends[rows], k, rules)
            for rows in slices(len(histories), self.rows)
        ]
        return Lists.joined(made)

    def popular(
        self, popularity: Tensor, users: Integers, k: int, rules: RankingRules, choice: Choice
    ) -> Lists:
        """Return the popular list for some users, like ``ListMaker.popular``."""
        return self.other.popular(popularity, users, k, rules, choice)

    def _lists(
        self, items: Integers, begins: Integers, ends: Integers, k: int, rules: RankingRules
    ) -> Lists:
        own = [items[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]
        feeds = {
            "histories": padded(own),
            "k": np.array([k]),
            "keep_seen": np.array(rules.seen_score is None),
        }
        if self.takes_users:
            feeds["users"] = np.zeros(len(own), np.int64)
        listed, scores = self.session.run(["items", "scores"], feeds)
        return Lists.of(scores, listed, k)
