"""The log of a small shop, which the commands of the pages read: shop.csv.

A page's own lines run in a folder where it lies. To try them by hand: ``python -m
tests.documents.shop`` writes it into the working folder.
"""

import random
from pathlib import Path

CUSTOMERS, ARTICLES = 60, 30
FEWEST, MOST = 7, 11
"""Purchases of a customer: more than a 5-core asks for."""
NEXT, NEXT_BUT_ONE = 0.7, 0.2
"""How often a purchase is followed by that of the next article, and of the one after it."""


def write_shop(file: Path) -> None:
    """Write the log: customer, sku and day, by customers, each in order of time."""
    file.write_text("\n".join(["customer,sku,day", *_rows(random.Random(7)), ""]), encoding="utf-8")


def _rows(chance: random.Random) -> list[str]:
    rows = []
    for customer in range(1, CUSTOMERS + 1):
        article, day = int(chance.random() * ARTICLES), int(chance.random() * 100)
        for _ in range(FEWEST + int(chance.random() * (MOST - FEWEST + 1))):
            date = f"2024-{day // 28 + 1:02}-{day % 28 + 1:02}"
            rows.append(f"c{customer:02},sku-{article + 1},{date}")
            article = (article + _step(chance)) % ARTICLES
            day += 1 + int(chance.random() * 15)
    return rows


def _step(chance: random.Random) -> int:
    drawn = chance.random()
    if drawn < NEXT:
        return 1
    return 2 if drawn < NEXT + NEXT_BUT_ONE else int(chance.random() * ARTICLES)


if __name__ == "__main__":
    write_shop(Path("shop.csv"))
