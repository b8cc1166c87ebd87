"""The two sets of rules by which everything is done (docs/protocols.md); no torch here."""

import math
from dataclasses import dataclass
from typing import Literal

from seqrec.errors import SeqrecError

Protocol = Literal["standard", "authors"]
"""``authors``: the quirks of a paper's own code; ``standard``: our rules, the same for all."""


@dataclass(frozen=True)
class RankingRules:
    """What competes with the target."""

    padding_competes: bool
    seen_score: float | None
    """The score given to items of the user's history; None leaves them as they are."""
    seen_in_window: bool = False
    """Whether only a user's last max_len training items count as seen, or all of them."""


AUTHORS_RANKING = RankingRules(padding_competes=True, seen_score=0.0)
"""The rules of the BSARec authors' code, for all models in it."""


def ranking_rules(
    protocol: str, seen_items: str = "exclude", authors: RankingRules = AUTHORS_RANKING
) -> RankingRules:
    """Return the rules of a protocol.

    Args:
        protocol: ``standard`` or ``authors``.
        seen_items: ``exclude`` or ``keep``.
        authors: the rules of the model's authors.

    Raises:
        SeqrecError: ``authors`` with seen items kept: it has its own rule for them.
    """
    if protocol == "authors" and seen_items != "exclude":
        raise SeqrecError(
            f"evaluation.seen_items={seen_items} is a choice of protocol=standard; "
            "authors has a rule of its own for them: leave one of the two out"
        )
    if protocol == "authors":
        return authors
    seen_score = -math.inf if seen_items == "exclude" else None
    return RankingRules(padding_competes=False, seen_score=seen_score)
