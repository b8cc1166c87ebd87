"""What a training learns from: one data set at hand, for one training after another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.training.ted import Ted

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from seqrec.parameters.sections import TedOptions, TransitionOptions

TRANSITIONS = "transitions"


@dataclass(frozen=True)
class TrainingData:
    """Sequences, items, and the transition graph where it is to be distilled."""

    dataset: str
    """The data set's name, for the record."""
    sequences: Sequences
    items: pa.Table
    """item_index, item_id; kept with the model."""
    graph: pa.Table | None = None
    """transition_graph, sorted; None where nothing distils it."""
    time_span: int = 1
    """How far apart two items of a transition may be."""
    last_items: int | None = None
    """How many of a user's last training items were counted; None for all."""

    def __post_init__(self) -> None:
        """Raise a SeqrecError where nothing can be ranked."""
        if len(self.items) < 2:
            raise SeqrecError(
                f"data set '{self.dataset}' has {len(self.items)} item; a ranking needs at least 2"
            )

    @classmethod
    def from_tables(
        cls,
        dataset: str,
        sequences: ir.Table,
        items: ir.Table,
        graph: ir.Table | None,
        transitions: TransitionOptions,
    ) -> TrainingData:
        """Return the tables of a data set in the form in which models learn from them.

        Args:
            dataset: the data set's name.
            sequences: user_index, position, item_index, timestamp, split.
            items: item_index, item_id.
            graph: transition_graph; None where it is not distilled, its rows are not read then.
            transitions: how the graph was counted.

        Raises:
            SeqrecError: there is only one item, or no sequence.
        """
        names, edges = items.to_pyarrow(), None
        if graph is not None:
            edges = graph.order_by("source_item", "target_item").to_pyarrow()
        return cls.from_arrow(dataset, sequences.to_pyarrow(), names, edges, transitions)

    @classmethod
    def from_arrow(
        cls,
        dataset: str,
        sequences: pa.Table,
        items: pa.Table,
        graph: pa.Table | None = None,
        transitions: TransitionOptions | None = None,
    ) -> TrainingData:
        """Do the same with Arrow tables; the graph is sorted."""
        data = Sequences.from_table(sequences, len(items))
        ordered = items.sort_by("item_index")
        if transitions is None:
            return cls(dataset, data, ordered, graph)
        return cls(dataset, data, ordered, graph, transitions.time_span, transitions.last_items)

    def items_with_counts(self) -> pa.Table:
        """Return the items with their training interactions, as a trained model keeps them."""
        return self.items.append_column("interactions", pa.array(self.sequences.item_counts()[1:]))

    def ted(self, options: TedOptions) -> Ted | None:
        """Return the distillation of the transition graph, if it is asked for."""
        if not options.weight:
            return None
        assert self.graph is not None, "the graph is read wherever it is distilled"
        return Ted(self.graph, options.weight, options.tau, self.time_span, self.last_items)

    def told_of_graph(self, options: TedOptions) -> dict[str, dict[str, int | None]]:
        """Return the section ``transitions`` of what a model is told, if it distils the graph."""
        if not options.weight:
            return {}
        return {TRANSITIONS: {"time_span": self.time_span, "last_items": self.last_items}}

    def whole(self, graph: pa.Table | None = None) -> TrainingData:
        """Return the data with every interaction in the training part.

        Args:
            graph: transition_graph of all interactions, if it is to be distilled.
        """
        return replace(self, sequences=self.sequences.all_for_training(), graph=graph)

    @cached_property
    def fingerprint(self) -> str:
        """What tells these sequences from others."""
        return self.sequences.fingerprint()

    @cached_property
    def graph_fingerprint(self) -> str:
        """What tells this transition graph from others."""
        assert self.graph is not None
        return Ted(self.graph, 1.0, 1.0, self.time_span, self.last_items).fingerprint()
