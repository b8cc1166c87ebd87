"""Lists for all users of a data set, or those of a file, written in blocks of users."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from seqrec.batches import Examples, Integers, Sequences
from seqrec.errors import SeqrecError
from seqrec.recommendation.choice import Choice
from seqrec.recommendation.chosen_ids import ChosenIds
from seqrec.recommendation.given_histories import Columns
from seqrec.recommendation.item_ids import as_text, places_in
from seqrec.recommendation.lists import Advance, slices
from seqrec.recommendation.recommender import Recommender

if TYPE_CHECKING:
    from seqrec.parameters.sections import RecommendationOptions

log = logging.getLogger(__name__)

USER_BLOCK = 16_384
"""Users whose lists are in memory together: a row group of the file."""
MOST_ROWS = 4_000_000
"""Of such a block; with lists so long that they would be more it has fewer users."""
LISTS = pa.schema(
    [
        ("user_id", pa.string()),
        ("rank", pa.int32()),
        ("item_id", pa.string()),
        ("score", pa.float32()),
    ]
)


class Everybody:
    """The users who get a list from their whole histories.

    Args:
        recommender: of the model.
        sequences: all users' interactions.
        users: (U,) their ids, in the order of the sequences.
        options: the section ``recommendation``.

    Raises:
        SeqrecError: a file is not there or has not the column, or none of its ids is known.
    """

    def __init__(
        self,
        recommender: Recommender,
        sequences: Sequences,
        users: pa.ChunkedArray,
        options: RecommendationOptions,
    ) -> None:
        self.recommender, self.sequences, self.options = recommender, sequences, options
        names = as_text(users)
        self.numbers = _numbers_of(options.users, names)
        self.names = names.take(pa.array(self.numbers - 1))
        self.choice = self._choice()
        if remark := recommender.remark(options.seen_items, known_users=True):
            log.info("%s", remark)

    def __len__(self) -> int:
        return len(self.numbers)

    def write(self, path: Path, advance: Advance | None = None) -> int:
        """Write the lists as Parquet, and return how many rows they have."""
        rows = 0
        with pq.ParquetWriter(path, LISTS, compression="zstd") as writer:
            longest = min(self.options.k, len(self.recommender.ids))
            for block in slices(len(self), max(1, min(USER_BLOCK, MOST_ROWS // longest))):
                table = self._block(block, advance)
                writer.write_table(table)
                rows += len(table)
        return rows

    def _block(self, block: slice, advance: Advance | None) -> pa.Table:
        numbers = self.numbers[block]
        places = np.arange(block.start, block.stop)
        ends = self.sequences.offsets[numbers]
        begins = self.sequences.offsets[numbers - 1]
        longest = self.recommender.model.history_len
        lists = self.recommender.of_known_users(
            self.sequences,
            Examples(numbers, np.maximum(begins, ends - longest), ends),
            self.options.k,
            self.options.seen_items,
            self.choice.of(places),
            advance,
        )
        return self.recommender.table(self.names[block], lists).cast(LISTS)

    def _choice(self) -> Choice:
        """Read the item lists."""
        from seqrec.recommendation.input_files import read_items

        columns, options = Columns(), self.options
        chosen = ChosenIds(self.recommender.ids, self.names, columns)
        candidates, exclude = (
            read_items(file, columns) if file else None
            for file in (options.candidates, options.exclude)
        )
        choice = Choice(chosen.candidates(candidates), chosen.exclude(exclude))
        for name, number in chosen.passed_over.items():
            if number:
                log.info("%s items of recommendation.%s are unknown to the model", number, name)
        for name, number in chosen.unasked_users.items():
            if number:
                log.info("%s users of recommendation.%s get no list", number, name)
        return choice


def _numbers_of(file: str | None, names: pa.Array) -> Integers:
    """Return the numbers of the users of a file, or of all.

    Raises:
        SeqrecError: none of the file's users is in the data.
    """
    if file is None:
        return np.arange(1, len(names) + 1)
    from seqrec.recommendation.input_files import read_users

    asked = pc.unique(as_text(read_users(file, "user_id")))
    places = places_in(asked, names)
    known: Integers = pc.unique(places.drop_null()).to_numpy().astype(np.int64)
    if not len(known):
        raise SeqrecError(
            f"recommendation.users={file}: none of its {len(asked):,} users is in the data; give "
            "users of the log, or histories to `seqrec recommend`"
        )
    if places.null_count:
        log.info("%s users of %s are not in the data", f"{places.null_count:,}", file)
    return known + 1
