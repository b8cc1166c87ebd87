"""The two sets of rules by which everything is done (docs/protocols.md)."""

from typing import Literal

Protocol = Literal["standard", "authors"]
"""``authors``: the quirks of a paper's own code; ``standard``: our rules, the same for all."""
