"""A log of which the next item is certain: everybody walks the same circle of items."""

import pandas as pd

ITEMS, USERS, LENGTH = 12, 30, 8


def circle_log() -> pd.DataFrame:
    """user_id, item_id, timestamp: user 5 begins at item 5, and so on."""
    rows = [
        (f"u{user}", f"i{(user + step) % ITEMS}", 100 * user + step)
        for user in range(USERS)
        for step in range(LENGTH)
    ]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
