"""Weights of other projects; torch comes with the first name that is asked for."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqrec.interop.authors import DIALECTS, from_authors
    from seqrec.interop.weights import load_state_dict

__all__ = ["DIALECTS", "from_authors", "load_state_dict"]


def __getattr__(name: str) -> Any:
    if name == "load_state_dict":
        from seqrec.interop import weights

        return weights.load_state_dict
    if name in __all__:
        from seqrec.interop import authors

        return getattr(authors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
