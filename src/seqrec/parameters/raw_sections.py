"""The section ``raw``: which files a log lies in, and how they are written."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from seqrec.parameters.section import Section


def _texts(value: Any) -> Any:
    if value is None:
        return ()  # YAML's null for an empty list
    return [str(part) for part in value] if isinstance(value, list | tuple) else [str(value)]


def _separator(value: Any) -> Any:
    if value is not None and (not isinstance(value, str) or not value):
        raise ValueError("should be text, in quotes where it means something to YAML: \"'::'\"")
    return "\t" if value == "\\t" else value


Separator = Annotated[str | None, BeforeValidator(_separator)]


def _values(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return ";".join(map(str, value))
    if not isinstance(value, str | int | float):
        raise ValueError("should be a value, or several as buy;cart")
    return value


def _strptime(patterns: str | None) -> str | None:
    for written in (patterns or "%Y").split(";"):
        if "%" not in written:
            raise ValueError(
                "should be a pattern of strptime, or several as %d/%m/%Y;%Y-%m-%d; "
                f"'{written}' is none"
            )
        try:
            datetime.strptime("", written)
        except ValueError as error:
            if "directive" in str(error) or "stray %" in str(error):
                raise ValueError(f"should be a pattern of strptime: {error}") from None
    return patterns


def _column(value: Any) -> Any:
    is_position = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if not is_position and not (isinstance(value, str) and value):
        raise ValueError("should be a column's name, or its position from 0")
    return value


Column = Annotated[str | int, BeforeValidator(_column)]
MISSING = ("NA", "N/A", "NaN", "nan", "NULL", "null", "None", "<NA>", "\\N")
"""What databases and pandas write for nothing."""


class ColumnMapping(Section):
    """Which column of a user's table, or key of an object, holds what.

    A column by its name; by its position, from 0, in a table without a header; a key of nested
    objects by its path, ``user.id``.
    """

    user: Column = "user_id"
    """Who: the column of users."""
    item: Column = "item_id"
    """What: the column of items."""
    timestamp: Column | None = "timestamp"
    """When: the column of instants; null: the rows stand in order of time, none says when."""
    rating: Column | None = None
    """How good: the column of ratings, for ``filtering.min_rating``."""
    order: Column | None = None
    """A second column for the order, among a user's interactions of the same timestamp."""
    items: Column | None = None
    """A list of items a row, oldest first, in place of ``item``."""


class LogForm(Section):
    """How a log is written, where its reader leaves that open or it must be said."""

    member: str | None = None
    """The file inside a zip or tar archive."""
    encoding: str | None = None
    """Encoding of the text, as Python names it; absent: UTF-8, and a guess with a line where that
    fails."""
    separator: Separator = None
    """What stands between two columns of a CSV; absent: guessed from the header line."""
    columns: ColumnMapping | None = None
    """Which column holds what, for readers whose columns or keys have no fixed names."""
    where: dict[str, Annotated[str | int | float | bool, BeforeValidator(_values)]] = {}  # noqa: RUF012 pydantic copies it
    """Column to value, or several as ``buy;cart``: other rows are left out, and counted."""
    missing: Annotated[tuple[str, ...], BeforeValidator(_texts)] = MISSING
    """What stands for no id."""
    timestamp_unit: Literal["s", "ms", "us", "ns", "mixed", "excel"] | None = None
    """Unit of timestamps that are numbers; absent: told by their size, ``mixed``: each by its
    own, beside ISO dates, all in milliseconds."""
    timestamp_format: Annotated[str | None, AfterValidator(_strptime)] = None
    """Pattern of timestamps that are text, as ``strptime`` has it, or several as
    ``%d/%m/%Y;%Y-%m-%d``, of which the first counts that reads a row; absent: guessed."""

    @field_validator("where", mode="before")
    @classmethod
    def _columns_as_text(cls, where: Any) -> Any:
        if not isinstance(where, dict):
            raise ValueError("should be a group, such as raw.where.event=buy")
        return {str(key): value for key, value in where.items()}

    @model_validator(mode="after")
    def _one_way_to_read_times(self) -> "LogForm":
        if self.timestamp_unit and self.timestamp_format:
            raise ValueError(
                "timestamp_unit is for numbers and timestamp_format for text; one of both"
            )
        return self


class RawFileOptions(LogForm):
    """One file a data set accepts, and the reader for it."""

    name: str
    """A file, a folder of parts, or a pattern such as ``log-*.csv.gz``; read in name order."""
    reader: str
    """What reads it: ``table``, ``json_lines``, ``sequence_lines`` or a publisher's own form."""


class TitlesFileOptions(Section):
    """A file with the titles of items, and the reader for it."""

    name: str
    """A file in the folder of the log, or elsewhere by its whole path."""
    reader: str = "table"
    """What reads it: ``table``, ``json_lines``, or a publisher's own form."""
    member: str | None = None
    """The file inside a zip or tar archive."""
    item: Column = "item_id"
    """The column, or key, with the ids of the log; its position where there is no header."""
    title: Column = "title"
    """The column, or key, with the titles."""
    separator: Separator = None
    """What stands between two columns of a CSV; absent: guessed from the header line."""


class Publisher(Section):
    """Where the publisher keeps the file, or how it is to be had."""

    url: str | None = None
    """Address of the file, for the pipeline ``download``."""
    checksum: str | None = None
    """``md5:…`` or ``sha256:…``; absent where the publisher states none."""
    form: str | None = None
    """Address of the form, where the publisher gives the file through a form only."""
    file: str | None = None
    """The name to store it under; by default the last part of the address."""
    terms: str = ""
    """What the publisher allows, in a few words."""


class RawOptions(Section):
    """The raw log of one data set."""

    files: tuple[RawFileOptions, ...] = Field(min_length=1)
    """Alternatives: the first one that lies in the folder is read."""
    titles: tuple[TitlesFileOptions, ...] = ()
    """Alternatives, beside the log: the first one that is there is read. An only one must be."""
    publisher: Publisher | None = None
    """Where the file comes from."""
    generator: Literal["demo"] | None = None
    """The log is generated by the project, not fetched."""
    note: str = ""
    """How to get the file, where there is no publisher to name."""
