"""Where freed arrays go: kept for the next step, rather than given back and asked for again."""

from __future__ import annotations

import ctypes
import os

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, in glibc's malloc.h
MOST_FREED = 1 << 29
"""Bytes of freed memory that stay with the process, at most."""
LARGEST = 1 << 25
"""Arrays up to this size come from that memory; glibc takes no more than 32 MB."""


def keep_freed_memory() -> bool:
    """Let the process keep up to 512 MB of the memory it frees; return whether that was possible.

    A training step allocates and frees the same arrays every time. glibc gives the larger ones
    back to the system, and the next step pays for each of their pages anew. Nothing happens where
    there is no glibc, or where the user has set its limits himself (MALLOC_TRIM_THRESHOLD_ …).
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = getattr(_c_library(), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, LARGEST)) and bool(mallopt(_TRIM_THRESHOLD, MOST_FREED))


def give_back_freed_memory() -> bool:
    """Give the memory that is free within glibc's heap back; return whether that was possible.

    Arrays of ever other sizes leave holes that only slowly find new use: a process that answers for
    days would seem to grow.
    """
    trim = getattr(_c_library(), "malloc_trim", None)
    if trim is None:
        return False
    trim(0)
    return True


def _c_library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows
        return None
