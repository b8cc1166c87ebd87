"""What every request passes: it is timed and counted, may need the token, and must not be large.

Pure ASGI, one class for each; what is refused leaves one line in the log.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from seqrec.service.bodies import MOST_BODY_BYTES, json_bytes, printable
from seqrec.service.measures import Measures

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
REASON = "seqrec.reason"
"""Where in a request's scope stands why it was refused."""
GONE = 499
"""The status that is noted, though nobody reads it, where who asked hung up."""


class Observed:
    """Counts and times requests, and writes a line for each that was refused.

    One that is under way when the service must end is refused too.

    Args:
        app: what answers.
        measures: where figures go.
        paths: those that are counted by their names; all others are one.
    """

    def __init__(self, app: App, measures: Measures, paths: frozenset[str]) -> None:
        self.app, self.measures, self.paths = app, measures, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except asyncio.CancelledError:  # the server's, when its time to end is over
            if not status:
                await refuse(scope, noted, 503, "the service ends; ask again")
        finally:
            self._note(scope, status or 500, time.perf_counter() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        path = scope["path"] if scope["path"] in self.paths else "other"
        self.measures.requests.labels(path, str(status)).inc()
        self.measures.seconds.labels(path).observe(seconds)
        if status >= 400:
            reason = scope.get(REASON, "")
            line = f"{status} {scope['method']} {scope['path']}{': ' if reason else ''}{reason}"
            logger.warning("%s", printable(line))


class Guarded:
    """Lets requests with the token in; all may have the paths that are open.

    Args:
        app: what answers.
        token: which requests must bring as ``Authorization: Bearer …``.
        open_paths: those that need none.
    """

    def __init__(self, app: App, token: str, open_paths: frozenset[str]) -> None:
        self.app, self.open_paths = app, open_paths
        self.expected = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http" or scope["path"] in self.open_paths:
            return await self.app(scope, receive, send)
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        scheme, _, token = given.partition(b" ")
        # takes the same time wherever they differ
        if scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self.expected):
            return await self.app(scope, receive, send)
        return await refuse(
            scope, send, 401, "needs the header Authorization: Bearer TOKEN", b"Bearer"
        )


class Limited:
    """Reads the body before it is handed on, up to ``MOST_BODY_BYTES``."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            return await self.app(scope, receive, send)
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return await refuse(scope, send, GONE, "who asked hung up before the body's end")
            parts.append(message.get("body", b""))
            size, more = size + len(parts[-1]), message.get("more_body", False)
            if size > MOST_BODY_BYTES:
                limit = f"the body is larger than {MOST_BODY_BYTES // 1024**2} MiB"
                return await refuse(scope, send, 413, limit)
        scope["seqrec.body"] = b"".join(parts)
        return await self.app(scope, receive, send)


async def refuse(
    scope: Scope, send: Send, status: int, reason: str, authenticate: bytes = b""
) -> None:
    """Send an error, and leave word why."""
    scope[REASON] = reason
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    headers += [(b"www-authenticate", authenticate)] if authenticate else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json_bytes({"error": reason})})
