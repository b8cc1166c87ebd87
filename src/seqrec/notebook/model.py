"""A trained model, and what one asks of it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from seqrec.batches import Sequences
from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.evaluation.evaluate import evaluate
from seqrec.files import reaching, replacing
from seqrec.models import COUNTING_MODELS
from seqrec.models.folder import CONFIG, ITEMS, WEIGHTS, TrainedModel, load_model, save_model
from seqrec.notebook.explained import Explanation
from seqrec.notebook.measured import Measured
from seqrec.notebook.options import by_section
from seqrec.notebook.prepared import Data, check_prepared
from seqrec.notebook.similar import Similar
from seqrec.parameters.section_checks import check_section
from seqrec.parameters.sections import EvaluationOptions
from seqrec.recommendation.item_ids import text_of

if TYPE_CHECKING:
    from seqrec.recommendation.recommendations import Recommendations
    from seqrec.recommendation.recommender import Recommender

HISTORY = "history.parquet"
"""Beside the files of a model: how its training went."""


class Model:
    """A trained model with the item ids of its log."""

    def __init__(self, trained: TrainedModel, history: pa.Table | None = None) -> None:
        self.trained = trained
        """The model itself, and the facts of its training."""
        self.history = history
        """A row an epoch, or a trial of a model without training: loss, validation metrics; None
        where the folder of a model does not have it."""

    def evaluate(self, data: Data, **options: Any) -> Measured:
        """Rank the validation and test targets among all items.

        Args:
            data: what the model was trained on.
            options: those of the section ``evaluation``: ``cutoffs``, ``seen_items``,
                ``sampled_negatives``, ``batch_size``.

        Raises:
            SeqrecError: other data, or an unknown option, with the nearest one there is.
        """
        check_prepared(data, "evaluate")
        names = {"evaluation": EvaluationOptions.model_fields}
        given = by_section("evaluate", names, options)["evaluation"]
        checked: Any = check_section("evaluation", given)
        return Measured(evaluate(self.trained, data.sequences, options=checked))

    def recommend(
        self,
        histories: Any,
        *,
        k: int = 10,
        seen_items: Literal["exclude", "keep"] | None = None,
        candidates: Any = None,
        exclude: Any = None,
        fallback: Literal["popular", "none"] = "popular",
    ) -> Recommendations:
        """Return a list for every history: user_id, rank, item_id, score.

        Args:
            histories: item ids as in the log, oldest first: lists, or a mapping of user ids to
                lists, or a table with a row an interaction (user_id, item_id and perhaps
                timestamp) or a user (user_id, history), or what ``prepare`` returned, for all its
                users. Ids that the model does not know are passed over and counted in ``users``.
            k: how many items; a list is shorter where there are no more.
            seen_items: whether items of the history may come again; None as in the evaluation.
            candidates: only these items, for all or by user id.
            exclude: never these items, for all or by user id.
            fallback: what a history gets in which nothing is known: the popular list, or none.

        Raises:
            SeqrecError: something of it cannot be; the message says what.
        """
        chosen: Any = {"k": k, "seen_items": seen_items}
        chosen |= {"candidates": candidates, "exclude": exclude}
        if isinstance(histories, Data):
            known = self._known(histories)
            if known is not None:
                users = histories.users["user_id"].combine_chunks()
                return self._recommender.recommend_to_known(known, users, **chosen)
            histories = histories.histories()
        return self._recommender.recommend(histories, **chosen, fallback=fallback)

    def _known(self, data: Data) -> Sequences | None:
        """Return the sequences of what the model was trained on, None of any other data."""
        sequences = Sequences.from_table(data.sequences, len(data.items))
        if self.trained.refit:
            sequences = sequences.all_for_training()
        same = sequences.fingerprint() == self.trained.data_fingerprint
        return sequences if same else None

    def explain(self, history: Any, item: Any = None, *, k: int = 10) -> Explanation:
        """Return what the score of an item is made of, or of the first ``k`` of the list.

        Args:
            history: item ids, oldest first.
            item: its id; None for those that ``recommend`` would list.
            k: how many of the list.

        Raises:
            SeqrecError: the model is not ``seer``, or does not know the item or the history.
        """
        from seqrec.recommendation.explanation import explain

        items = [item]
        if item is None:
            items = self.recommend([history], k=k).table["item_id"].to_pylist()
        table = explain(self._recommender, history, items)
        if (titles := self.trained.titles) is not None:
            for of, name in (("item_id", "title"), ("because_of", "because_of_title")):
                places = self._recommender.ids.numbers_in(table[of].fill_null("")) - 1
                found = titles.take(pa.array(places, mask=places < 0))
                table = table.append_column(name, found)
        return Explanation(table)

    def similar_items(self, item: str | float, k: int = 10) -> Similar:
        """Return the items whose vectors are nearest to an item's: rank, item_id, score.

        Where the model has titles, there is ``title`` too.

        Raises:
            SeqrecError: the model has no item vectors, or does not know the item.
        """
        table, titles = self._recommender.similar_items(item, k), self.trained.titles
        if titles is not None:
            places = self._recommender.ids.numbers_in(table["item_id"]) - 1
            table = table.append_column("title", titles.take(pa.array(places)))
        return Similar(table, text_of(item))

    def save(self, folder: str | Path) -> None:
        """Write the model into a folder that stands on its own; ``seqrec.load`` reads it.

        Raises:
            SeqrecError: it cannot be written, or the folder holds something else.
        """
        target = Path(folder).expanduser()
        with reaching(target, "write"):
            if target.exists() and not _may_be_replaced(target):
                raise SeqrecError(f"{target} is there, and no model: name another folder")
        with replacing(target) as unfinished:
            save_model(unfinished, self.trained)
            if self.history is not None:
                pq.write_table(self.history, unfinished / HISTORY)

    def export(self, folder: str | Path) -> None:
        """Write the model as a folder that onnxruntime runs without this project.

        Raises:
            SeqrecError: the model counts, a package is missing, a list differs, or the folder
                holds something else.
        """
        from seqrec.export.export_folder import Export, write_export

        write_export(Path(folder).expanduser(), Export(self.trained))

    def learning_curve(self) -> Any:
        """Return a figure of the loss and of the monitored metric, by epoch.

        Raises:
            SeqrecError: the model has no epochs, or its history was not kept.
        """
        from seqrec.reporting.curves import learning_curves
        from seqrec.reporting.figures import learning_curve_figure

        if self.history is None:
            raise SeqrecError("the history of this training was not kept with its model")
        if "epoch" not in self.history.column_names:
            name = self.trained.model_name
            raise SeqrecError(f"model '{name}' is counted and has no epochs; train one that has")
        trained = self.trained
        cell = Cell(trained.dataset, trained.model_name, trained.protocol)
        best = {"by_seed": {str(trained.seed): {"best_epoch": trained.best_epoch}}}
        curves = learning_curves({cell: self.history}, {cell: best})
        return learning_curve_figure(curves, trained.monitor)

    @cached_property
    def _recommender(self) -> Recommender:
        from seqrec.recommendation.recommender import Recommender

        return Recommender(self.trained)

    def _validation(self) -> str:
        value = self.trained.best_value
        if value is None:  # a refit
            return "not validated"
        return f"{self.trained.monitor} {value:.4f} in validation"

    def __repr__(self) -> str:
        trained = self.trained
        step = "trial" if trained.model_name in COUNTING_MODELS else "epoch"
        return (
            f"Model {trained.model_name} of {trained.dataset}: {trained.num_items:,} items, "
            f"protocol {trained.protocol}, seed {trained.seed}, best {step} {trained.best_epoch}, "
            f"{self._validation()}"
        )


def load(folder: str | Path) -> Model:
    """Read a model that was saved, or one that a pipeline trained.

    Args:
        folder: as given to ``save``, or that of one seed below ``data/06_models``.

    Raises:
        SeqrecError: there is no model in the folder, or not a whole one.
    """
    path = Path(folder).expanduser()
    trained = load_model(path)
    history = path / HISTORY
    return Model(trained, pq.read_table(history) if history.is_file() else None)


def _may_be_replaced(path: Path) -> bool:
    """Return whether a place holds an earlier model, or nothing."""
    if not path.is_dir():
        return False
    found = {file.name for file in path.iterdir()}
    return not found or {WEIGHTS, CONFIG, ITEMS} <= found <= {WEIGHTS, CONFIG, ITEMS, HISTORY}
