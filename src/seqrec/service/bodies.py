"""What a request may ask for, and what is said where it is wrong.

Bodies are parsed by pydantic from their bytes: it refuses what Python's json lets through and
stumbles over later (halves of characters, nesting without end), and never by a traceback.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from seqrec.errors import unknown_name

MOST_ITEMS = 1000
"""The longest list that is given: the largest k."""
LONGEST_HISTORY = 10_000
MOST_USERS = 1000
MOST_ROWS = 20_000
"""Places of all lists of a request together."""
MOST_IDS = 100_000
"""Item ids of a request: of its histories, candidates and exclude together."""
MOST_BODY_BYTES = 1024 * 1024
SHOWN = 200
"""Characters of an error that are shown: some of them are the user's own."""

# the first wrong id of a list is enough: to tell of a hundred thousand takes seconds
ItemIds = Annotated[list[str], Field(max_length=LONGEST_HISTORY, fail_fast=True)]
Histories = Annotated[
    dict[str, ItemIds], Field(min_length=1, max_length=MOST_USERS, fail_fast=True)
]
ManyItemIds = Annotated[list[str], Field(max_length=MOST_IDS, fail_fast=True)]
ItemsOfUsers = Annotated[dict[str, ManyItemIds], Field(max_length=MOST_USERS, fail_fast=True)]
ChosenItems = ManyItemIds | ItemsOfUsers
"""Of items: the same for all users, or by user."""


ID_FIELDS = ("history", "histories", "candidates", "exclude")
MOST_ERRORS = 100
"""Fewer than this have a body whose names of fields are right."""


class WrongRequest(Exception):
    """A request that cannot be answered: a status, one line, and the field that is wrong."""

    def __init__(self, status: int, line: str, field: str | None = None) -> None:
        self.status, self.field = status, field
        self.line = printable(line)
        super().__init__(self.line)


class ListRequest(BaseModel):
    """A list for one user (``history``) or for several (``histories``)."""

    # numbers are taken for ids: MovieLens has nothing else
    model_config = ConfigDict(
        extra="forbid", frozen=True, coerce_numbers_to_str=True, use_attribute_docstrings=True
    )

    history: ItemIds | None = None
    """Item ids, oldest first; an empty one gets the most popular items."""
    histories: Histories | None = None
    """The same by user."""
    k: Annotated[int, Field(ge=1, le=MOST_ITEMS, strict=True)] = 10
    """Length of a list; it is shorter where fewer items are left."""
    seen_items: Literal["exclude", "keep"] | None = None
    """Whether items of the history may be recommended; null: as the model was measured."""
    candidates: ChosenItems | None = None
    """Only these."""
    exclude: ChosenItems | None = None
    """Never these."""
    fallback: Literal["popular", "none"] = "popular"
    """What a history without a known item gets."""

    @model_validator(mode="after")
    def _one_or_several(self) -> ListRequest:
        if (self.history is None) == (self.histories is None):
            raise ValueError("history: give either it, of one user, or histories, by user")
        for name in ("candidates", "exclude"):
            own = getattr(self, name)
            if not isinstance(own, dict):
                continue
            if self.histories is None:
                raise ValueError(f"{name}: items by user need histories by user")
            if strangers := own.keys() - self.histories.keys():
                raise ValueError(f"{name}: user '{min(strangers)}' has no history")
        return self

    @property
    def users(self) -> int:
        """How many lists it asks for."""
        return 1 if self.histories is None else len(self.histories)

    @property
    def rows(self) -> int:
        """How many places its lists have together."""
        return self.users * self.k

    @property
    def ids(self) -> dict[str, int]:
        """How many item ids each field gives."""
        given = {name: getattr(self, name) for name in ID_FIELDS}
        return {name: _count(field) for name, field in given.items() if field is not None}

    @property
    def size(self) -> int:
        """What it costs, roughly: the places it asks for and the ids it gives."""
        return self.rows + sum(self.ids.values())


def _count(given: list[str] | dict[str, list[str]]) -> int:
    return sum(map(len, given.values())) if isinstance(given, dict) else len(given)


def parse_list_request(body: bytes) -> ListRequest:
    """Return the body of a request, checked.

    Raises:
        WrongRequest: it is no JSON (400), or a field is wrong (422), which is named.
    """
    try:
        asked = ListRequest.model_validate_json(body)
    except ValidationError as error:
        raise explained(error) from None
    _check_size(asked)
    return asked


def _check_size(asked: ListRequest) -> None:
    """Raise a WrongRequest where single fields are right, and together too much."""
    if asked.rows > MOST_ROWS:
        wanted = f"{asked.users:,} users times {asked.k:,} items are {asked.rows:,}"
        raise WrongRequest(422, f"k: {wanted}; a request gets at most {MOST_ROWS:,}", "k")
    ids = asked.ids
    if sum(ids.values()) > MOST_IDS:
        field = max(ids, key=lambda name: ids[name])
        together = f"{' and '.join(ids)} have {sum(ids.values()):,} item ids"
        raise WrongRequest(422, f"{field}: {together}; at most {MOST_IDS:,} in a request", field)


def explained(error: ValidationError) -> WrongRequest:
    """Return what is wrong with a body, in one line."""
    if error.error_count() > MOST_ERRORS:  # to look at all of them takes long
        known = ", ".join(sorted(ListRequest.model_fields))
        return WrongRequest(422, f"more than {MOST_ERRORS} unknown fields; known: {known}")
    errors = error.errors(include_url=False, include_context=False)
    first = next((one for one in errors if not _of_another_form(one)), errors[0])
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "json_invalid":
        return WrongRequest(400, f"the body is no JSON: {message.partition(': ')[2]}")
    names = [str(part) for part in first["loc"] if not _is_form(part)]
    field = ".".join(names)
    if first["type"] == "extra_forbidden":
        line = str(unknown_name("field", field, ListRequest.model_fields))
    elif field:
        line = f"{field}: {message[0].lower()}{message[1:]}"
    else:  # of the whole: its validator names the field first
        line = f"{message[0].lower()}{message[1:]}"
        field = line.partition(":")[0] if ":" in line else ""
    return WrongRequest(422, line, printable(field) or None)


def _of_another_form(error: Any) -> bool:
    """Tell whether an error only says that a list is no mapping, or a mapping no list."""
    is_one = isinstance(error["input"], list | dict)
    return is_one and error["type"] in ("list_type", "dict_type") and _is_form(error["loc"][-1])


def _is_form(part: int | str) -> bool:
    """Tell whether a part of a place is no field, but the form that pydantic tried."""
    return isinstance(part, str) and part.startswith(("list[", "dict["))


def printable(text: str) -> str:
    """Return a text as one line that no character of it can break, cut to ``SHOWN``."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def json_bytes(content: Any) -> bytes:
    """Return an answer as JSON."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
