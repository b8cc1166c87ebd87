"""RecBole's atomic interaction files: ``user_id:token``, tabs, float timestamps.

Source: Zhao et al., CIKM 2021.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from seqrec.parameters.raw_sections import RawFileOptions
from seqrec.readers.parts.delimited import read_delimited
from seqrec.readers.parts.first_lines import header_of
from seqrec.readers.parts.headers import find_layout, names_of
from seqrec.readers.parts.pieces import Piece
from seqrec.readers.parts.source import read_blocks


def read_atomic(path: Path, options: RawFileOptions) -> Iterator[Piece]:
    """Yield an ``.inter`` file; 'columns' names the columns, without their types.

    Timestamps are seconds or milliseconds, by their size; seconds with fractions become
    milliseconds.
    """
    header = header_of(read_blocks(path, options.member, options.encoding), path)
    names = names_of(options)
    if names.rating is None:
        names = names._replace(rating="rating", rating_required=False)
    untyped = "\t".join(name.partition(":")[0] for name in header.text.split("\t"))
    layout = find_layout(path, untyped, "\t", names)
    return read_delimited(header.below(), replace(layout, quoted=False), options=options)
