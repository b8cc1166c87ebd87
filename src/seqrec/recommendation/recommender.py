"""Lists of a trained model in people's own ids, for everybody and for anybody."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from seqrec.batches import Examples, Integers, Sequences
from seqrec.errors import SeqrecError
from seqrec.machine.devices import resolve_device
from seqrec.models.folder import TrainedModel
from seqrec.models.parts.face import SequentialModel
from seqrec.protocol import RankingRules
from seqrec.recommendation.best import best
from seqrec.recommendation.choice import Choice, remark_on, rules_of_lists
from seqrec.recommendation.chosen_ids import ChosenIds
from seqrec.recommendation.given_histories import Columns, Histories, histories_of
from seqrec.recommendation.item_ids import ItemIds
from seqrec.recommendation.lists import Advance, ListMaker, Lists
from seqrec.recommendation.recommendations import Recommendations

SeenItems = Literal["exclude", "keep"]
Fallback = Literal["popular", "none"]


class Recommender:
    """Gives lists.

    Args:
        trained: the model.
        device: as in ``training.device``.
        batch_size: histories at a time, at most.
    """

    def __init__(
        self, trained: TrainedModel, *, device: str = "auto", batch_size: int = 256
    ) -> None:
        self.trained = trained
        self.device = resolve_device(device)
        self.model = trained.model.to(self.device).eval()
        self.ids = ItemIds(trained.items)
        self.maker = ListMaker(self.model, len(self.ids), self.device, batch_size)

    def recommend(
        self,
        histories: Any,
        *,
        k: int = 10,
        seen_items: SeenItems | None = None,
        candidates: Any = None,
        exclude: Any = None,
        fallback: Fallback = "popular",
        columns: Columns | None = None,
    ) -> Recommendations:
        """Return a list for each history.

        Args:
            histories: lists of item ids, oldest first, as in the log; a mapping of user ids to
                such lists; or a table (pandas, polars, Arrow, …) with one row an interaction
                (user_id, item_id, timestamp) or a user (user_id, history).
            k: length of a list; it is shorter where fewer items are left.
            seen_items: whether items of the history may stand in the list; None: as the model was
                evaluated: under ``standard`` they do not, under ``authors`` they have score 0.
            candidates: the items to choose from, for all (a list) or by user (a mapping, or a
                table with user_id and item_id).
            exclude: items to leave out, likewise.
            fallback: what a history without a known item gets: the popular list, or none.
            columns: the names of a table's columns.

        Returns:
            Lists, and what was known of each history. Equal scores are ordered by item number.

        Raises:
            SeqrecError: a value of a wrong kind, or no candidate that the model knows.
        """
        _check(k, seen_items, fallback)
        known = histories_of(histories, self.ids, columns)
        chosen = ChosenIds(self.ids, known.users, columns or Columns())
        choice = Choice(chosen.candidates(candidates), chosen.exclude(exclude))
        lists = self.lists(known, k, seen_items, choice, fallback)
        return self.named(known, lists, chosen, self.remark(seen_items))

    def recommend_to_known(
        self,
        sequences: Sequences,
        users: pa.Array,
        *,
        k: int = 10,
        seen_items: SeenItems | None = None,
        candidates: Any = None,
        exclude: Any = None,
    ) -> Recommendations:
        """Return a list for each user the model was trained on, from the whole history.

        Args:
            sequences: those it was trained on.
            users: (U,) their ids.
            k: as in ``recommend``, like the others.
            seen_items: likewise.
            candidates: likewise.
            exclude: likewise.
        """
        _check(k, seen_items, "none")
        chosen = ChosenIds(self.ids, users, Columns())
        choice = Choice(chosen.candidates(candidates), chosen.exclude(exclude))
        nothing = np.zeros(len(users), np.int64)
        whole = Histories(users, sequences.items.astype(np.int64), sequences.offsets, nothing)
        histories = whole.examples(self.model.history_len, np.arange(len(users)))
        lists = self.of_known_users(sequences, histories, k, seen_items, choice)
        remark = self.remark(seen_items, known_users=True)
        return self.named(whole, lists, chosen, remark)

    def lists(
        self,
        histories: Histories,
        k: int,
        seen_items: SeenItems | None = None,
        choice: Choice | None = None,
        fallback: Fallback = "popular",
    ) -> Lists:
        """Return the lists in item numbers; ``recommend`` says what the arguments are."""
        choice = choice or Choice()
        rules = self.rules(seen_items)
        some = np.flatnonzero(histories.known)
        made = self.after(histories, some, k, rules, choice.of(some))
        if len(some) == len(histories):
            return made
        none = np.flatnonzero(histories.known == 0)
        others = Lists.empty(len(none))
        if fallback == "popular":
            others = self.maker.popular(self.popularity, none, k, rules, choice)
        return Lists.joined([made, others]).taken(np.argsort(np.concatenate([some, none])))

    def after(
        self, histories: Histories, rows: Integers, k: int, rules: RankingRules, choice: Choice
    ) -> Lists:
        """Return the lists after some of the histories, each of which has a known item.

        Args:
            histories: of anybody.
            rows: which of them.
            k: length of a list.
            rules: what becomes of seen items.
            choice: items to choose from and to leave out, by the places among ``rows``.
        """
        sequences = histories.sequences(len(self.ids))
        examples = histories.examples(self.model.history_len, rows)
        return self.maker.after(sequences, examples, k, rules, choice)

    def of_known_users(
        self,
        sequences: Sequences,
        histories: Examples,
        k: int,
        seen_items: SeenItems | None = None,
        choice: Choice | None = None,
        advance: Advance | None = None,
    ) -> Lists:
        """Return lists for users the model was trained on.

        Args:
            sequences: those it was trained on.
            histories: where each begins and ends.
            k: length of a list.
            seen_items: as in ``recommend``.
            choice: items to choose from and to leave out, by the places of the histories.
            advance: is told how many lists are done.
        """
        return self.maker.after(
            sequences,
            histories,
            k,
            self.rules(seen_items),
            choice,
            known_users=True,
            advance=advance,
        )

    @property
    def popularity(self) -> torch.Tensor:
        """(items + 1,) how often each item was learned from.

        Raises:
            SeqrecError: the model's folder does not say.
        """
        if "interactions" not in self.trained.items.column_names:
            raise SeqrecError(
                "the model was trained by an earlier version and knows no popular items; "
                "train it again, or choose fallback=none"
            )
        counts = self.trained.items["interactions"].to_numpy().astype(np.float32)
        return torch.from_numpy(np.concatenate([np.zeros(1, np.float32), counts]))

    def rules(self, seen_items: SeenItems | None) -> RankingRules:
        """Return what competes in a list."""
        return rules_of_lists(self.trained.protocol, seen_items, self.model.authors_ranking)

    def remark(self, seen_items: SeenItems | None, known_users: bool = False) -> str | None:
        """Return what one would not expect of the lists, if anything."""
        if isinstance(self.model, SequentialModel) and self.model.per_user and not known_users:
            return (
                f"model '{self.trained.model_name}' has a vector for each user it was trained on: "
                "here all are new to it; the pipeline recommendation knows them"
            )
        return remark_on(self.rules(seen_items), self.model.config.max_len)

    def named(
        self,
        histories: Histories,
        lists: Lists,
        chosen: ChosenIds,
        about_rules: str | None = None,
    ) -> Recommendations:
        """Return lists with the users' and the items' own ids."""
        lengths = np.diff(lists.offsets)
        users = {
            "user_id": histories.users,
            "items": lengths,
            "known": histories.known,
            "unknown": histories.unknown,
            "fallback": (histories.known == 0) & (lengths > 0),
        }
        table = self.table(histories.users, lists)
        if self.trained.titles is not None:
            table = table.append_column("title", self.trained.titles.take(lists.items - 1))
        return Recommendations(
            table, pa.table(users), chosen.passed_over, chosen.unasked_users, about_rules
        )

    def table(self, users: pa.Array, lists: Lists) -> pa.Table:
        """Return user_id, rank, item_id and score, one row an item of a list."""
        rows = np.repeat(np.arange(len(users)), np.diff(lists.offsets))
        return pa.table(
            {
                "user_id": users.take(pa.array(rows)),
                "rank": lists.ranks,
                "item_id": self.ids.take(lists.items),
                "score": lists.scores,
            }
        )

    def item_vectors(self) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """Return (items, d) vectors in the order of ``trained.items``, for an index of one's own.

        Raises:
            SeqrecError: the model has none.
        """
        if not isinstance(self.model, SequentialModel):
            raise SeqrecError(
                f"model '{self.trained.model_name}' counts and has no item vectors; "
                "choose a model that is trained"
            )
        with torch.inference_mode():
            vectors: np.ndarray[tuple[int, int], np.dtype[np.float32]]
            vectors = self.model.item_vectors()[1:].float().cpu().numpy()
        return vectors

    def similar_items(self, item: Any, k: int = 10) -> pa.Table:
        """Return the items whose vectors point the same way.

        Args:
            item: its id.
            k: how many.

        Returns:
            rank, item_id, score: the cosine of the two vectors.

        Raises:
            SeqrecError: an unknown item, or a model without item vectors.
        """
        numbers, scores = self.nearest(item, k)
        ranks = np.arange(1, len(numbers) + 1, dtype=np.int32)
        return pa.table({"rank": ranks, "item_id": self.ids.take(numbers), "score": scores})

    def nearest(self, item: Any, k: int) -> tuple[Integers, npt.NDArray[np.float32]]:
        """Return the same as item numbers and scores, both (min(k, items - 1),)."""
        _check(k, None, "popular")
        vectors = torch.from_numpy(self.item_vectors())
        (number,) = self.ids.numbers([item])
        if number == 0:
            raise SeqrecError(
                f"the model knows no item '{item}'; give one of those in its items.parquet"
            )
        norms = torch.linalg.vector_norm(vectors, dim=1).clamp(min=torch.finfo(torch.float32).tiny)
        cosines = (vectors @ vectors[number - 1]) / (norms * norms[number - 1])
        cosines[number - 1] = -torch.inf
        scores, places = best(cosines[None], min(k, len(self.ids) - 1))
        return places[0].numpy() + 1, scores[0].numpy()


def _check(k: Any, seen_items: Any, fallback: Any) -> None:
    """Raise a SeqrecError for a value that cannot be."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise SeqrecError(f"k should be a whole number from 1 (got {k!r})")
    for name, value, allowed in (
        ("seen_items", seen_items, (None, *get_args(SeenItems))),
        ("fallback", fallback, get_args(Fallback)),
    ):
        if value not in allowed:
            names = " or ".join(map(str, allowed))
            raise SeqrecError(f"{name} should be {names} (got {value!r})")
