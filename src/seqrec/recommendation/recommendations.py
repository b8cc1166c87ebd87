"""Lists as people get them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Recommendations:
    """Lists, and what was known of each history."""

    table: pa.Table
    """user_id, rank (from 1), item_id, score, and title where the model has titles; one row an item
    of a list."""
    users: pa.Table
    """One row a history: user_id, items (length of the list), known and unknown (ids of the
    history), fallback (whether it is the popular list, for lack of a known item)."""
    passed_over: dict[str, int]
    """How many ids of ``candidates`` and of ``exclude`` the model does not know."""
    unasked_users: dict[str, int]
    """How many users whom ``candidates`` or ``exclude`` name are none of those who get a list."""
    about_rules: str | None = None
    """What one would not expect of the lists."""

    def __len__(self) -> int:
        return len(self.table)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Hand the lists to whatever speaks Arrow."""
        return self.table.__arrow_c_stream__(requested_schema)

    def to_pandas(self) -> pd.DataFrame:
        """Return the lists as a data frame."""
        frame: pd.DataFrame = self.table.to_pandas()
        return frame

    def lists(self) -> dict[str, list[str]]:
        """Return the item ids of each user, best first."""
        found: dict[str, list[str]] = {user: [] for user in self.users["user_id"].to_pylist()}
        users, items = self.table["user_id"].to_pylist(), self.table["item_id"].to_pylist()
        for user, item in zip(users, items, strict=True):
            found[user].append(item)
        return found

    def remarks(self) -> list[str]:
        """Return what a reader of the lists should know, a line each."""
        unknown = pc.sum(self.users["unknown"]).as_py() or 0
        popular = pc.sum(self.users["fallback"]).as_py() or 0
        without = pc.sum(pc.equal(self.users["items"], 0)).as_py() or 0
        counted = {
            "ids of the histories that the model does not know, passed over": unknown,
            "histories without a known item, which get the popular list": popular,
            "histories that get no list": without,
        }
        for name, number in self.passed_over.items():
            counted[f"ids of {name} that the model does not know, passed over"] = number
        for name, number in self.unasked_users.items():
            counted[f"users of {name} who are none of those with a history"] = number
        lines = [f"{text}: {number:,}" for text, number in counted.items() if number]
        return [*lines, self.about_rules] if self.about_rules else lines

    def __repr__(self) -> str:
        """Show the first lists as text, and the remarks."""
        shown: str = self.table.slice(0, 20).to_pandas().to_string(index=False)
        head = f"{len(self.users):,} lists, {len(self.table):,} items in all"
        return "\n".join([head, shown, *self.remarks()])

    def _repr_html_(self) -> str:
        """Show the first lists in a notebook, and the remarks."""
        shown: str = self.table.slice(0, 20).to_pandas().to_html(index=False)
        more = len(self.table) - 20
        lines = [f"{more:,} more rows"] * (more > 0) + self.remarks()
        return shown + "".join(f"<p>{line}</p>" for line in lines)
