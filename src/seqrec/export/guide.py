"""The README of an exported model: what goes in, what comes out, and ten lines that call it."""

from __future__ import annotations

from typing import Any

from seqrec.export.list_check import HISTORIES, ROUNDING, K
from seqrec.models.folder import TrainedModel
from seqrec.protocol import RankingRules, ranking_rules

TEXT = """# {model} trained on {dataset}

A sequential recommender as a graph that runs without the code that trained it. `model.onnx` takes
histories of item numbers and gives the best items; `items.parquet` has the item ids behind the
numbers; `model_card.md` says what it was trained on and how good it is.

```python
import numpy as np
import onnxruntime
import pyarrow.parquet as pq

session = onnxruntime.InferenceSession("model.onnx")
ids = [None, *pq.read_table("items.parquet")["item_id"].to_pylist()]
numbers = {{item: number for number, item in enumerate(ids) if number}}
histories = [{first}, {second}]  # oldest first
known = [[numbers[item] for item in history if item in numbers] for history in histories]
longest = max(map(len, known))
padded = np.array([[0] * (longest - len(row)) + row for row in known], dtype=np.int64)
{users}asked = {{"histories": padded, {asked}"k": np.array([10]), "keep_seen": np.array(False)}}
items, scores = session.run(["items", "scores"], asked)
lists = [[ids[number] for number in row if number] for row in items]
print(lists)
```

| input | type | meaning |
| --- | --- | --- |
| `histories` | int64 (batch, length) | item numbers 1 to {num_items:,}, oldest first, 0 on the \
left of shorter ones; any batch, any length: the model looks at the last {max_len} |
{users_row}| `k` | int64 (1) | length of a list; no longer than there are items |
| `keep_seen` | bool () | whether items of the history may stand in its list{seen} |

| output | type | meaning |
| --- | --- | --- |
| `items` | int64 (batch, k) | item numbers, best first; 0 at the end where nothing is left |
| `scores` | float32 (batch, k) | to be compared within a list, no probabilities |

onnxruntime reports what it runs to its maker from version 1.29 on, unless the environment has
`ORT_DISABLE_TELEMETRY=1` when it is imported.

Equal scores come by item number. A history without a known item has only zeros, for which the
model was not trained: show what is popular instead{popular}.

The first {k} items of {histories:,} random histories were compared with the model's own when this
folder was written: equal, but for items whose scores differ by less than {rounding:g} of the list's
largest, which is rounding.
"""
USERS_LINE = "users = np.zeros(len(padded), dtype=np.int64)\n"
USERS_ROW = (
    "| `users` | int64 (batch) | user numbers as in the training's `users.parquet`, 1 to "
    "{num_users:,}; 0 for anybody else, who is taken for an average user |\n"
)


def guide(trained: TrainedModel) -> str:
    """Return the text; its lines of Python are to be run in the folder, as they stand."""
    from seqrec.export.graph import takes_users

    config = trained.model.config
    ids = [str(item) for item in trained.items["item_id"].slice(0, 3).to_pylist()]
    users = takes_users(trained.model)
    rules = ranking_rules(trained.protocol, authors=trained.model.authors_ranking)
    facts: dict[str, Any] = {
        "model": trained.model_name,
        "dataset": trained.dataset,
        "first": repr(ids),
        "second": repr(ids[-1:]),
        "num_items": trained.num_items,
        "max_len": config.max_len,
        "users": USERS_LINE if users else "",
        "asked": '"users": users, ' if users else "",
        "users_row": USERS_ROW.format(num_users=trained.num_users) if users else "",
        "seen": _seen(rules, config.max_len),
        "popular": ", `interactions` in `items.parquet` says what"
        if "interactions" in trained.items.column_names
        else "",
        "k": K,
        "histories": HISTORIES,
        "rounding": ROUNDING,
    }
    return TEXT.format(**facts)


def _seen(rules: RankingRules, max_len: int) -> str:
    """Say what else than leaving them out the protocol does with seen items."""
    if rules.seen_score == 0.0:
        return "; if not, they get score 0, as in the evaluation of the model's authors"
    return f"; the last {max_len} of them" if rules.seen_in_window else ""
