"""Bytes as blocks, of whatever size a test wants them."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqrec.readers.parts import source
from seqrec.readers.parts.source import Block, cut_blocks


def blocks_of(raw: bytes, size: int = 1 << 20) -> Iterator[Block]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK_BYTES", size)
        return iter(list(cut_blocks(io.BytesIO(raw), Path("log"))))
