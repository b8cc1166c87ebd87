"""Finding items by the words of their titles, or by their ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LONGEST_SEARCH = 200
"""Characters of a search that count."""


class ItemSearch:
    """Looks for items whose title, or id, has all words of a search.

    Upper case and accents make no difference. First comes the item with that very id, then titles
    that begin with the search, then those with its words; among these the more popular first.

    Args:
        items: item_index, item_id, and, where they are known, title and interactions.
    """

    def __init__(self, items: pa.Table) -> None:
        ids = items["item_id"].cast(pa.string()).combine_chunks()
        self.ids = ids
        self.titles = _column(items, "title")
        shown = ids if self.titles is None else pc.coalesce(self.titles.cast(pa.string()), ids)
        self.plain_titles, self.plain_ids = plain(shown), plain(ids)
        popularity = _column(items, "interactions")
        self.order = np.arange(len(items))
        if popularity is not None:
            self.order = np.argsort(-popularity.to_numpy(), kind="stable")
        self.place = np.empty_like(self.order)
        self.place[self.order] = np.arange(len(items))

    def find(self, text: str, limit: int) -> tuple[list[dict[str, Any]], int]:
        """Return the items that fit best, and how many fit; all fit an empty search."""
        words = plain(pa.array([text[:LONGEST_SEARCH]]))[0].as_py().split()
        if not words:
            return [self.row(item) for item in self.order[:limit]], len(self.order)
        found = self._with_words(words)
        if not len(found):
            return [], 0
        search = " ".join(words)
        ids, titles = self.plain_ids.take(pa.array(found)), self.plain_titles.take(pa.array(found))
        same_id = pc.equal(ids, search).to_numpy(zero_copy_only=False)
        begins = pc.starts_with(titles, search).to_numpy(zero_copy_only=False)
        best = np.lexsort((self.place[found], ~begins, ~same_id))[:limit]
        return [self.row(item) for item in found[best]], len(found)

    def _with_words(self, words: list[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
        found = np.ones(len(self.ids), dtype=bool)
        for word in words:
            in_title = pc.match_substring(self.plain_titles, word)
            in_id = pc.match_substring(self.plain_ids, word)
            found &= pc.or_(in_title, in_id).to_numpy(zero_copy_only=False)
        return np.flatnonzero(found)

    def row(self, item: int) -> dict[str, Any]:
        """Return the id of the item at a place in the table, and its title where there are any."""
        row = {"item_id": self.ids[int(item)].as_py()}
        return row if self.titles is None else row | {"title": self.titles[int(item)].as_py()}


def plain(texts: pa.Array) -> pa.Array:
    """Return texts in lower case and without accents."""
    bare = pc.replace_substring_regex(pc.utf8_normalize(texts, "NFKD"), r"\p{Mn}+", "")
    return pc.utf8_lower(bare)


def _column(items: pa.Table, name: str) -> pa.Array | None:
    return items[name].combine_chunks() if name in items.column_names else None
