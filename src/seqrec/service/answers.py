"""Lists for a batch of requests, in as few calls of the model as their wishes allow."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from seqrec.batches import Integers
from seqrec.errors import SeqrecError
from seqrec.recommendation.choice import Choice, ItemsByUser
from seqrec.recommendation.chosen_ids import ChosenIds
from seqrec.recommendation.given_histories import Columns, Histories, histories_of
from seqrec.recommendation.lists import Lists
from seqrec.service.bodies import (
    MOST_ROWS,
    ChosenItems,
    ListRequest,
    WrongRequest,
    json_bytes,
)
from seqrec.service.live_model import ServedModel


@dataclass(frozen=True)
class Answer:
    """What is sent, and what is counted of it."""

    body: bytes
    """JSON."""
    unknown: int
    """Ids of the histories that the model does not know."""
    popular: int
    """Popular lists."""


def answer_batch(served: ServedModel, requests: list[ListRequest]) -> list[Answer | Exception]:
    """Return a batch's answers in its order; a request that cannot be answered gets an error."""
    answers: dict[int, Answer | Exception] = {}
    for places in _alike(requests):
        group = [requests[place] for place in places]
        answers.update(zip(places, _answers(served, group), strict=True))
    return [answers[place] for place in range(len(requests))]


def _alike(requests: list[ListRequest]) -> Iterator[list[int]]:
    """Yield the places of requests that one call can answer."""
    groups: dict[Hashable, list[int]] = {}
    for place, request in enumerate(requests):
        # candidates of which none is known are an error of their request alone
        is_alone = request.candidates is not None or _excludes_for_several(request)
        alone = place if is_alone else -1
        wishes = (request.seen_items, request.fallback, request.exclude is None, alone)
        groups.setdefault(wishes, []).append(place)
    for places in groups.values():
        yield from _parts(requests, places)


def _parts(requests: list[ListRequest], places: list[int]) -> Iterator[list[int]]:
    """Yield places whose lists, all as long as the longest, have no more than ``MOST_ROWS``."""
    part: list[int] = []
    users = 0
    for place in sorted(places, key=lambda place: -requests[place].k):
        users += requests[place].users
        if part and users * requests[part[0]].k > MOST_ROWS:
            yield part
            part, users = [], requests[place].users
        part.append(place)
    yield part


def _excludes_for_several(request: ListRequest) -> bool:
    return isinstance(request.exclude, list) and request.histories is not None


def _answers(served: ServedModel, requests: list[ListRequest]) -> list[Answer | Exception]:
    try:
        return list(_lists(served, requests))
    except SeqrecError as error:
        if len(requests) == 1:
            fields = ("candidates", "exclude")
            field = next((name for name in fields if name in str(error)), None)
            return [WrongRequest(422, f"{field}: {error}" if field else str(error), field)]
        # one of them is at fault, the others need not know of it
        return [answer for request in requests for answer in _answers(served, [request])]


def _lists(served: ServedModel, requests: list[ListRequest]) -> Iterator[Answer]:
    """Yield the answers to requests that differ in their items and lengths alone."""
    recommender, first = served.recommender, requests[0]
    asked = [request for request in requests for _ in range(request.users)]
    users = [user for request in requests for user in _histories(request)]
    own = (items for request in requests for items in _histories(request).values())
    known = histories_of(_by_place(own), recommender.ids)
    chosen = ChosenIds(recommender.ids, known.users, Columns())
    candidates: Any = first.candidates
    if not isinstance(candidates, list):
        candidates = _of_users([request.candidates for request in asked], users)
    choice = Choice(chosen.candidates(candidates), _exclude(chosen, asked, users))
    longest = max(request.k for request in requests)
    lists = recommender.lists(known, longest, first.seen_items, choice, first.fallback)
    answers = _rows(served, known, lists, [request.k for request in asked])
    for request in requests:
        yield _written(request, islice(answers, request.users))


def _exclude(
    chosen: ChosenIds, asked: list[ListRequest], users: list[str]
) -> Integers | ItemsByUser | None:
    """Return what is left out; a list for several users is read once.

    One without a known item is no error: what a user has bought may be newer than the model.
    """
    first = asked[0]
    if isinstance(first.exclude, list) and first.histories is not None:
        numbers = chosen.ids.numbers(first.exclude)
        return np.unique(numbers[numbers != 0])
    return chosen.exclude(_of_users([request.exclude for request in asked], users))


def _of_users(
    choices: Iterable[ChosenItems | None], users: list[str]
) -> Mapping[str, list[str]] | None:
    """Return the items of each user who has some of their own, by the users' places."""
    own = (
        choice.get(user) if isinstance(choice, dict) else choice
        for choice, user in zip(choices, users, strict=True)
    )
    return _by_place(own) or None


def _by_place(lists: Iterable[list[str] | None]) -> dict[str, list[str]]:
    return {str(place): items for place, items in enumerate(lists) if items is not None}


def _histories(request: ListRequest) -> Mapping[str, list[str]]:
    return {"": request.history} if request.history is not None else request.histories or {}


def _rows(
    served: ServedModel, known: Histories, lists: Lists, lengths: list[int]
) -> Iterator[dict[str, Any]]:
    """Yield the list for each user, its items with their titles where these are known.

    Straight from the arrays: tables, for a handful of rows, would take a tenth of the time.
    """
    ranks, items, scores = lists.ranks.tolist(), lists.items.tolist(), lists.scores.tolist()
    begins, ends = lists.offsets[:-1].tolist(), lists.offsets[1:].tolist()
    counts = (known.known.tolist(), known.unknown.tolist())
    for k, begin, end, found, unknown in zip(lengths, begins, ends, *counts, strict=True):
        own = slice(begin, min(end, begin + k))
        columns = zip(ranks[own], items[own], scores[own], strict=True)
        listed = [served.row(*row) for row in columns]
        popular = found == 0 and end > begin
        yield {"items": listed, "known": found, "unknown": unknown, "fallback": popular}


def _written(request: ListRequest, lists: Iterator[dict[str, Any]]) -> Answer:
    """Return an answer as JSON, written list by list: other threads get their turn between."""
    parts, unknown, popular = [], 0, 0
    for user, one in zip(_histories(request), lists, strict=True):
        unknown += one["unknown"]
        popular += one["fallback"]
        named = one if request.histories is None else {"user_id": user, **one}
        parts.append(json_bytes(named))
    body = parts[0] if request.histories is None else b'{"lists":[%s]}' % b",".join(parts)
    return Answer(body, unknown, popular)
