"""Lists for a batch of requests, in as few calls of the model as their wishes allow."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from itertools import islice
from typing import Any

from seqrec.errors import SeqrecError
from seqrec.recommendation.recommendations import Recommendations
from seqrec.service.bodies import Choice, ListRequest, WrongRequest
from seqrec.service.live_model import ServedModel

Answer = dict[str, Any]
Histories = Mapping[str, list[str]]


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
    found = served.recommender.recommend(
        {str(place): _histories(request)[user] for place, (request, user) in enumerate(asked)},
        k=max(request.k for request in requests),
        seen_items=requests[0].seen_items,
        candidates=_by_place([_own(request.candidates, user) for request, user in asked]),
        exclude=_by_place([_own(request.exclude, user) for request, user in asked]),
        fallback=requests[0].fallback,
    )
    answers = _rows(served, found)
    for request in requests:
        users = _histories(request)
        own = [_cut(answer, request.k) for answer in islice(answers, len(users))]
        if request.history is not None:
            yield own[0]
        else:
            named = zip(users, own, strict=True)
            yield {"lists": [{"user_id": user, **answer} for user, answer in named]}


def _histories(request: ListRequest) -> Histories:
    return {"": request.history} if request.history is not None else request.histories or {}


def _own(choice: Choice | None, user: str) -> list[str] | None:
    return choice.get(user) if isinstance(choice, dict) else choice


def _by_place(choices: list[list[str] | None]) -> dict[str, list[str]] | None:
    """Return what is chosen by user, as the users are called in a batch; None if nothing is."""
    chosen = {str(place): items for place, items in enumerate(choices) if items is not None}
    return chosen or None


def _rows(served: ServedModel, found: Recommendations) -> Iterator[Answer]:
    """Yield the answer for each user, its items with their titles where these are known."""
    titles = served.titles
    columns = [found.table[name].to_pylist() for name in ("rank", "item_id", "score")]
    items = zip(*columns, strict=True)
    for user in found.users.select(["items", "known", "unknown", "fallback"]).to_pylist():
        rows = [
            {"rank": rank, "item_id": item, "score": score if math.isfinite(score) else None}
            | ({} if titles is None else {"title": titles[item]})
            for rank, item, score in islice(items, user["items"])
        ]
        yield {"items": rows, **{key: user[key] for key in ("known", "unknown", "fallback")}}


def _cut(answer: Answer, k: int) -> Answer:
    return {**answer, "items": answer["items"][:k]}
