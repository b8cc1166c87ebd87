"""The service's endpoints: lists, similar items, search, the page, and how it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from seqrec import __version__
from seqrec.errors import SeqrecError
from seqrec.service.answers import Answer, answer_batch
from seqrec.service.batcher import Batcher, Overloaded
from seqrec.service.bodies import (
    MOST_ITEMS,
    ListRequest,
    WrongRequest,
    json_bytes,
    parse_list_request,
    printable,
)
from seqrec.service.gate import REASON, Guarded, Limited, Observed
from seqrec.service.live_model import LiveModel
from seqrec.service.measures import Measures

JSON, TEXT = "application/json", "text/plain; version=0.0.4; charset=utf-8"
PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/api": ("api.html", "text/html; charset=utf-8"),
    "/api.js": ("api.js", "text/javascript; charset=utf-8"),
}
"""The page's files, which take nothing from elsewhere."""
ONLY_FROM_HERE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECONDS_TO_STOP = 1
"""How long the batch that is worked on may take once nobody waits any more."""
OPEN_PATHS = frozenset({*PAGE, "/health", "/openapi.json"})
"""What needs no token: it tells nothing of the data."""
ItemId = Annotated[str, Query(description="The item's id.")]
MostSimilar = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="How many.")]
Words = Annotated[str, Query(description="Words of the title, or the id; none: the most popular.")]
MostFound = Annotated[int, Query(ge=1, le=100, description="How many at most.")]


class ListedItem(BaseModel):
    """An item of a list; ``title`` stands there where the model's data set has titles."""

    rank: int
    item_id: str
    score: float | None
    title: str | None = None


class OneList(BaseModel):
    """A list, and how much of the history the model knows."""

    items: list[ListedItem]
    known: int
    unknown: int
    fallback: bool
    """Whether it is the popular list, for want of a known item."""


class ListOfUser(OneList):
    """One of several lists."""

    user_id: str


class ManyLists(BaseModel):
    """The lists of ``histories``, in their order."""

    lists: list[ListOfUser]


def create_app(live: LiveModel, token: str | None = None) -> FastAPI:
    """Return the service of a model.

    Args:
        live: the model, which may change.
        token: which requests must bring; None asks for none.
    """
    measures = Measures()
    batcher: Batcher[ListRequest, Answer] = Batcher(
        lambda requests: _answered(live, measures, requests), lambda request: request.size
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await batcher.close(SECONDS_TO_STOP)

    app = FastAPI(
        title="seqrec",
        version=__version__,
        description="Recommendations of a trained model.",
        docs_url=None,  # it takes its scripts from the net
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.live, app.state.measures, app.state.batcher = live, measures, batcher
    _add_errors(app)
    _add_lists(app, live, batcher)
    _add_items(app, live)
    _add_state(app, live, measures)
    _add_page(app)
    app.add_middleware(Limited)
    if token is not None:
        app.add_middleware(Guarded, token=token, open_paths=OPEN_PATHS)
    paths = frozenset({*OPEN_PATHS, *app.openapi()["paths"]})
    app.add_middleware(Observed, measures=measures, paths=paths)
    return app


def _answered(
    live: LiveModel, measures: Measures, requests: list[ListRequest]
) -> list[Answer | Exception]:
    """Answer a batch by the model of the moment, and count what is worth it."""
    measures.together.observe(len(requests))
    answers = answer_batch(live.current, requests)
    for answer in answers:
        if isinstance(answer, Answer):
            measures.unknown_items.inc(answer.unknown)
            measures.popular_lists.inc(answer.popular)
    return answers


def _add_lists(app: FastAPI, live: LiveModel, batcher: Batcher[ListRequest, Answer]) -> None:
    schema = ListRequest.model_json_schema()

    @app.post(
        "/recommend",
        response_model=OneList | ManyLists,
        openapi_extra={"requestBody": {"required": True, "content": {JSON: {"schema": schema}}}},
    )
    async def recommend(request: Request) -> Response:
        """Return the list after one user's history, or the lists after several histories."""
        asked = parse_list_request(request.scope["seqrec.body"])
        return Response((await batcher.ask(asked)).body, media_type=JSON)

    @app.get("/similar")
    def similar(item: ItemId, k: MostSimilar = 10) -> Response:
        """Return the items whose vectors are nearest to an item's."""
        served = live.current
        if not served.recommender.ids.numbers([item])[0]:
            raise WrongRequest(404, f"item: the model knows no item '{item}'", "item")
        try:
            numbers, scores = served.recommender.nearest(item, k)
        except SeqrecError as error:
            raise WrongRequest(422, str(error)) from None
        found = enumerate(zip(numbers.tolist(), scores.tolist(), strict=True), start=1)
        rows = [served.row(rank, number, score) for rank, (number, score) in found]
        return Response(json_bytes({"items": rows}), media_type=JSON)


def _add_items(app: FastAPI, live: LiveModel) -> None:
    @app.get("/items")
    def items(search: Words = "", limit: MostFound = 20) -> Response:
        """Return the items whose title, or id, has all words of a search."""
        found, total = live.current.search.find(search, limit)
        return Response(json_bytes({"items": found, "total": total}), media_type=JSON)


def _add_state(app: FastAPI, live: LiveModel, measures: Measures) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        """Say that the service answers."""
        return {"status": "ok"}

    @app.get("/model")
    async def model() -> dict[str, Any]:
        """Return the facts of the model."""
        return live.current.facts

    @app.get("/metrics")
    def metrics() -> Response:
        """Return figures of the service in Prometheus's text form."""
        measures.items.set(live.current.facts["items"])
        return Response(measures.text(), media_type=TEXT)


def _add_page(app: FastAPI) -> None:
    folder = files("seqrec.service") / "page"
    for path, (name, media_type) in PAGE.items():
        content = (folder / name).read_bytes()
        app.add_api_route(path, _file(content, media_type), include_in_schema=False)


def _file(content: bytes, media_type: str) -> Any:
    headers = {
        **{"Content-Security-Policy": ONLY_FROM_HERE, "X-Content-Type-Options": "nosniff"},
        **{"Cache-Control": "no-cache", "Content-Type": media_type},
    }

    async def file() -> Response:
        return Response(content, headers=headers)

    return file


def _add_errors(app: FastAPI) -> None:
    """Let every error be JSON: ``error``, one line, and ``field`` where one is wrong."""

    @app.exception_handler(WrongRequest)
    async def wrong(request: Request, error: WrongRequest) -> Response:
        return _refused(request, error.status, error.line, error.field)

    @app.exception_handler(RequestValidationError)
    async def wrong_query(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = str(first["loc"][-1])
        message = first["msg"][0].lower() + first["msg"][1:]
        return _refused(request, 422, f"{field}: {message}", field)

    @app.exception_handler(HTTPException)
    async def not_found(request: Request, error: HTTPException) -> Response:
        known = ", ".join(app.openapi()["paths"])
        line = f"no such path; known: {known}" if error.status_code == 404 else error.detail
        return _refused(request, error.status_code, line, headers=error.headers)

    @app.exception_handler(Overloaded)
    async def overloaded(request: Request, error: Overloaded) -> Response:
        line = "too many requests wait; ask again"
        return _refused(request, 503, line, headers={"Retry-After": "1"})

    @app.exception_handler(Exception)
    async def mistake(request: Request, error: Exception) -> Response:
        return _refused(request, 500, "a mistake of the service; its log has more")


def _refused(
    request: Request, status: int, line: str, field: str | None = None, headers: Any = None
) -> Response:
    request.scope[REASON] = printable(line)
    content = {"error": printable(line)} | ({"field": field} if field else {})
    return Response(json_bytes(content), status, headers, JSON)
