"""Text in another encoding than UTF-8, as UTF-8."""

import codecs
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np

from seqrec.errors import SeqrecError

logger = logging.getLogger(__name__)

UTF8 = "utf-8"
PLAIN = (UTF8, "utf-8-sig", "ascii")
"""Encodings that need no work."""
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; that of 32 bits little end first begins with that of 16."""
LOOKED_AT = 1024 * 1024
"""So many bytes decide whether a text is UTF-8."""
TOO_MANY = 0.01
"""More lines than this, and more than one, that are not UTF-8, and the text as a whole is not."""
SHOWN_TO_GUESS = 64 * 1024
WESTERN = "cp1252"
COMMON = (
    *(WESTERN, "cp1250", "cp1251", "cp1253", "cp1254"),
    *("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp949"),
)
"""What logs are written in, if not in UTF-8."""
TOO_FEW_LETTERS = 0.95
LETTERS = frozenset("ŒœŠšŽžŸ").union(map(chr, range(0xC0, 0x100)))
"""Of Western Europe, beyond ASCII."""


class Decoded:
    """A stream of bytes in an encoding, read as UTF-8."""

    def __init__(self, stream: IO[bytes], encoding: str, path: Path) -> None:
        """Wrap a stream; ``path`` is what it is called in messages."""
        self.stream = stream
        self.encoding = encoding
        self.path = path
        # What the encoding does not know comes back as it was: no UTF-8, a rejected row.
        self.decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")

    def read(self, size: int) -> bytes:
        """Return about so many bytes; nothing at the end."""
        data = b""
        while not data:
            chunk = self.stream.read(size)
            try:
                text = self.decoder.decode(chunk, final=not chunk)
            except UnicodeError as error:
                reason = getattr(error, "reason", None) or error
                raise SeqrecError(
                    f"{self.path} is not {self.encoding} ({reason}); name its encoding by "
                    "raw.encoding"
                ) from None
            data = text.encode(UTF8, "surrogateescape")
            if not chunk:
                break
        return data


def checked_encoding(encoding: str) -> str:
    """Return Python's name of an encoding of text.

    Raises:
        SeqrecError: there is none of that name.
    """
    try:
        found = codecs.lookup(encoding)
    except (LookupError, ValueError):
        found = None
    if found is None or not found._is_text_encoding:
        raise SeqrecError(
            f"raw.encoding: '{encoding}' is no encoding; write utf-8, cp1252, utf-16, gb18030 say"
        )
    return found.name


def as_utf8(stream: IO[bytes], encoding: str | None, begin: bytes, path: Path) -> IO[bytes]:
    """Return a stream as UTF-8.

    Args:
        stream: at its start.
        encoding: as the user names it; guessed where absent.
        begin: its first bytes, as many as are needed to guess.
        path: what it is called in messages.

    Raises:
        SeqrecError: no encoding is of that name, or the text is in none that can be told.
    """
    name = checked_encoding(encoding) if encoding else guess_encoding(begin, path)
    if name in PLAIN:
        return stream
    return cast(IO[bytes], Decoded(stream, name, path))


def guess_encoding(begin: bytes, path: Path) -> str:
    """Return the encoding of a text, UTF-8 unless it cannot be; a guess is printed."""
    for mark, name in MARKS:
        if begin.startswith(mark):
            logger.info("%s is %s, as its byte order mark says", path.name, name)
            return name
    if _has_two_bytes_a_letter(begin):
        raise SeqrecError(
            f"{path} is no text, or text in UTF-16 without a mark; say which, "
            "raw.encoding=utf-16-le or utf-16-be"
        )
    broken = lines_that_are_not_utf8(begin)
    if not broken:
        return UTF8
    encoding = best_guess(b"\n".join(broken)[:SHOWN_TO_GUESS])
    logger.warning(
        "%s is not UTF-8: read as %s, which is a guess; raw.encoding=NAME says what it is",
        path.name,
        encoding,
    )
    return encoding


def is_plain_utf8(begin: bytes) -> bool:
    """Return whether a text that begins so is read as it stands; nothing is said of it."""
    marked = begin.startswith(tuple(mark for mark, _ in MARKS))
    return not (marked or _has_two_bytes_a_letter(begin) or lines_that_are_not_utf8(begin))


def lines_that_are_not_utf8(begin: bytes) -> list[bytes]:
    """Return the lines that are not UTF-8, none where these are flaws in a text that is.

    A text with any letter of UTF-8 beyond ASCII is UTF-8; else it takes many such lines.
    """
    if not (np.frombuffer(begin, np.uint8) >= 128).any():
        return []
    whole = begin[: begin.rfind(b"\n") + 1] or begin
    if _is_utf8(whole):
        return []
    lines = whole.split(b"\n")
    beyond = [line for line in lines if not line.isascii()]
    broken = [line for line in beyond if not _is_utf8(line)]
    few = len(broken) <= max(1, TOO_MANY * len(lines))
    return [] if few or 2 * len(broken) < len(beyond) else broken


def _has_two_bytes_a_letter(begin: bytes) -> bool:
    """Return whether every other byte, nearly, is zero, as in English in UTF-16."""
    shares = [half.count(b"\0") / max(len(half), 1) for half in (begin[::2], begin[1::2])]
    return max(shares) > 0.8 and min(shares) < 0.2


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def best_guess(text: bytes) -> str:
    """Return the encoding that a text is most likely in."""
    western = text.decode(WESTERN, "replace")
    beyond = [letter for letter in western if not letter.isascii()]
    if sum(letter in LETTERS for letter in beyond) > TOO_FEW_LETTERS * len(beyond) and (
        2 * sum(_runs(western)) < 3 * len(list(_runs(western)))
    ):
        return WESTERN
    from charset_normalizer import from_bytes

    best = from_bytes(text, cp_isolation=list(COMMON)).best()
    return WESTERN if best is None else best.encoding


def _runs(text: str) -> Iterator[int]:
    """Yield how many letters beyond ASCII stand together, again and again."""
    return (len(run) for run in re.findall(r"[^\x00-\x7f]+", text))
