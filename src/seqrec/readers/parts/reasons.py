"""Why rows are rejected, and what can be done where they are too many."""

NOT_UTF8 = "bytes are not UTF-8"
BROKEN_QUOTES = "broken quotes"
EMPTY_ID = "empty {} id"
NO_ID = "{} id is no text or integer"
FLOAT_ID = "{} id went through a float and lost digits"
MISSING_ID = "no {} id (NA, NaN, NULL or the like)"
ODD_ID = "{} id holds control or replacement characters"
OTHER_UNIT = "timestamp is in another unit than the first ones"
NO_RATING = "rating is not a number"
AGAIN = "the header again"
FRACTIONS_GONE = "ids without the .0 of a float"
SECONDS_CUT = (
    "fractions of a second cut off, as the first rows have none (raw.timestamp_unit=mixed keeps "
    "them)"
)
ORDER_CUT = (
    "fractions of the order cut off: the first rows have none, or they are finer than is kept "
    "(write whole numbers)"
)

PATTERNS = (
    "say how they are written, raw.timestamp_format=%d/%m/%Y say, or by all patterns there are, "
    "raw.timestamp_format='%d/%m/%Y;%Y-%m-%d'"
)

REMEDIES = {
    NOT_UTF8: "name its encoding, raw.encoding=cp1252 for example",
    BROKEN_QUOTES: "write it with quotes doubled within quotes",
    FLOAT_ID.format("user"): "write the users as text or integers",
    FLOAT_ID.format("item"): "write the items as text or integers",
    MISSING_ID.format(
        "user"
    ): "name another column of users, or what stands for none by raw.missing",
    MISSING_ID.format(
        "item"
    ): "name another column of items, or what stands for none by raw.missing",
    ODD_ID.format("user"): "is raw.encoding the right one?",
    ODD_ID.format("item"): "is raw.encoding the right one?",
    NO_RATING: "write ratings as numbers with a decimal point, 4.5 say",
    OTHER_UNIT: "say raw.timestamp_unit=mixed (each by its size) or which unit all have",
}
"""Beginning of a reason to remedy."""


def remedy(reason: str) -> str | None:
    """Return what helps against rows rejected for a reason, if anything in particular does."""
    if reason.startswith("timestamp is not"):
        return REMEDIES.get(reason, PATTERNS)
    return REMEDIES.get(reason)
