"""Lists for a batch of requests, in as few calls of the model as their wishes allow."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from seqrec.errors import SeqrecError
from seqrec.recommendation.choice import Choice
from seqrec.recommendation.chosen_ids import ChosenIds
from seqrec.recommendation.given_histories import Columns, Histories, histories_of
from seqrec.recommendation.lists import Lists
from seqrec.service.bodies import ChosenItems, ListRequest, WrongRequest
from seqrec.service.live_model import ServedModel

Answer = dict[str, Any]


def answer_batch(served: ServedModel, requests: list[ListRequest]) -> list[Answer | Exception]:
    """Return a batch's answers in its order; a request that cannot be answered gets an error."""
    answers: list[Answer | Exception] = [{}] * len(requests)
    for places in _alike(requests):
        group = [requests[place] for place in places]
        for place, answer in zip(places, _answers(served, group), strict=True):
            answers[place] = answer
    return answers


def _alike(requests: list[ListRequest]) -> list[list[int]]:
    """Return the places of requests that one call can answer."""
    groups: dict[Hashable, list[int]] = {}
    for place, request in enumerate(requests):
        # candidates of which none is known are an error of their request alone
        alone = -1 if request.candidates is None else place
        wishes = (request.seen_items, request.fallback, request.exclude is None, alone)
        groups.setdefault(wishes, []).append(place)
    return list(groups.values())


def _answers(served: ServedModel, requests: list[ListRequest]) -> list[Answer | Exception]:
    try:
        return list(_lists(served, requests))
    except SeqrecError as error:
        if len(requests) == 1:
            return [WrongRequest(422, str(error))]
        # one of them is at fault, the others need not know of it
        return [answer for request in requests for answer in _answers(served, [request])]


def _lists(served: ServedModel, requests: list[ListRequest]) -> Iterator[Answer]:
    """Yield the answers to requests that differ in their items and lengths alone."""
    asked = [(request, user) for request in requests for user in _histories(request)]
    histories, candidates, exclude = (
        {str(place): items for place, items in enumerate(given) if items is not None}
        for given in (
            [_histories(request)[user] for request, user in asked],
            [_own(request.candidates, user) for request, user in asked],
            [_own(request.exclude, user) for request, user in asked],
        )
    )
    recommender = served.recommender
    known = histories_of(histories, recommender.ids)
    chosen = ChosenIds(recommender.ids, known.users, Columns())
    choice = Choice(chosen.candidates(candidates or None), chosen.exclude(exclude or None))
    longest, first = max(request.k for request in requests), requests[0]
    lists = recommender.lists(known, longest, first.seen_items, choice, first.fallback)
    answers = _rows(served, known, lists)
    for request in requests:
        users = _histories(request)
        own = [_cut(answer, request.k) for answer in islice(answers, len(users))]
        if request.history is not None:
            yield own[0]
        else:
            named = zip(users, own, strict=True)
            yield {"lists": [{"user_id": user, **answer} for user, answer in named]}


def _histories(request: ListRequest) -> Mapping[str, list[str]]:
    return {"": request.history} if request.history is not None else request.histories or {}


def _own(choice: ChosenItems | None, user: str) -> list[str] | None:
    return choice.get(user) if isinstance(choice, dict) else choice


def _rows(served: ServedModel, known: Histories, lists: Lists) -> Iterator[Answer]:
    """Yield the answer for each user, its items with their titles where these are known.

    Straight from the arrays: tables, for a handful of rows, would take a tenth of the time.
    """
    columns = (lists.ranks.tolist(), lists.items.tolist(), lists.scores.tolist())
    rows = (served.row(*row) for row in zip(*columns, strict=True))
    lengths = np.diff(lists.offsets).tolist()
    counts = zip(lengths, known.known.tolist(), known.unknown.tolist(), strict=True)
    for length, items, unknown in counts:
        popular = items == 0 and length > 0
        listed = list(islice(rows, length))
        yield {"items": listed, "known": items, "unknown": unknown, "fallback": popular}


def _cut(answer: Answer, k: int) -> Answer:
    return {**answer, "items": answer["items"][:k]}
