"""The model that answers, and how another takes its place while requests go on."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seqrec.errors import SeqrecError
from seqrec.models.folder import load_model
from seqrec.recommendation.recommender import Recommender
from seqrec.service.item_search import ItemSearch

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServedModel:
    """A trained model with all that answers are made of."""

    folder: Path
    recommender: Recommender
    search: ItemSearch
    facts: dict[str, Any]

    def row(self, rank: int, item: int, score: float) -> dict[str, Any]:
        """Return a place of a list by the item's number: with its id, and title if it may have one.

        A score that JSON does not know is null.
        """
        named = {"rank": rank, "item_id": self.ids[item - 1]}
        named["score"] = score if math.isfinite(score) else None
        return named if self.titles is None else named | {"title": self.titles[item - 1]}

    @cached_property
    def ids(self) -> list[str]:
        """The items' ids, in their order."""
        ids: list[str] = self.search.ids.to_pylist()
        return ids

    @cached_property
    def titles(self) -> list[str | None] | None:
        """The items' titles, in their order; None where there are none."""
        titles = self.search.titles
        return None if titles is None else titles.to_pylist()

    @property
    def name(self) -> str:
        """What the model is, for a line of the log."""
        return f"{self.facts['model']} on {self.facts['dataset']}, {self.facts['items']:,} items"


def load_served_model(folder: Path, device: str) -> ServedModel:
    """Return the model of a folder, ready to answer.

    Args:
        folder: of one model; a link is followed once, so that all files are of one target.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        SeqrecError: it is no model folder, or a broken one.
    """
    folder = folder.resolve()
    trained = load_model(folder)
    facts = {
        "model": trained.model_name,
        "dataset": trained.dataset,
        "protocol": trained.protocol,
        "items": trained.num_items,
        "users": trained.num_users,
        "seed": trained.seed,
        "best_epoch": trained.best_epoch,
        f"valid {trained.monitor}": trained.best_value,
        "options": trained.options,
        "lists": "torch",
    }
    served = ServedModel(
        folder, Recommender(trained, device=device), ItemSearch(trained.items), facts
    )
    # what is made when it is first asked for is made now
    served.recommender.recommend([served.search.ids[:1].to_pylist()], k=1)
    _ = served.ids, served.titles
    return served


class LiveModel:
    """The model at work; ``reload`` reads its folder again."""

    def __init__(self, folder: Path, device: str) -> None:
        self.folder, self.device = folder, device
        self.current = load_served_model(folder, device)
        self.reloading = asyncio.Lock()

    async def reload(self) -> bool:
        """Read the folder again, and let the new model answer from the next batch on.

        Returns:
            Whether it took over. A broken folder leaves the old model, and a line in the log.
        """
        async with self.reloading:
            started = time.perf_counter()
            try:
                new = await asyncio.to_thread(load_served_model, self.folder, self.device)
            except SeqrecError as error:
                logger.error("the model stays as it is: %s", error)
                return False
            except Exception as error:  # whatever it is, the old model still answers
                reason = (str(error) or type(error).__name__).splitlines()[0]
                logger.error("the model stays as it is: %s: %s", self.folder, reason)
                return False
            self.current = new
            logger.info("took over %s in %.1f s", new.name, time.perf_counter() - started)
            return True
