"""What becomes of requests that are never answered: who asked is gone, or the service ends."""

import asyncio
import logging
from collections.abc import Iterable

import pytest

from seqrec.service.gate import App, Limited, Message, Observed, Receive, Scope, Send
from seqrec.service.measures import Measures


class Asked:
    """One request to an app behind the gate, and what came of it."""

    def __init__(self, app: App, messages: Iterable[Message] = ()) -> None:
        self.measures, self.sent = Measures(), list[Message]()
        self.messages = iter(messages)
        self.app = Observed(Limited(app), self.measures, frozenset({"/recommend"}))

    async def __call__(self) -> None:
        scope = {"type": "http", "method": "POST", "path": "/recommend", "headers": []}
        await self.app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        return next(self.messages)

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def counted(self) -> list[str]:
        lines = self.measures.text().decode().splitlines()
        return [line for line in lines if line.startswith("seqrec_requests_total{")]


def counted(status: int) -> list[str]:
    return [f'seqrec_requests_total{{path="/recommend",status="{status}"}} 1.0']


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def never(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


async def begin_and_stop(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(scope, receive, send)
    await asyncio.Event().wait()


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    raise ZeroDivisionError


WHOLE: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]
HALF: list[Message] = [
    {"type": "http.request", "body": b"{", "more_body": True},
    {"type": "http.disconnect"},
]


def test_who_hangs_up_is_no_mistake_of_the_service(caplog: pytest.LogCaptureFixture) -> None:
    asked = Asked(answer, HALF)
    with caplog.at_level(logging.WARNING):
        asyncio.run(asked())
    assert asked.counted == counted(499)
    assert caplog.messages == ["499 POST /recommend: who asked hung up before the body's end"]


async def cancelled(asked: Asked) -> None:
    task = asyncio.create_task(asked())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await task


def test_what_is_under_way_when_the_service_ends_is_told_so() -> None:
    asked = Asked(never, WHOLE)
    asyncio.run(cancelled(asked))
    start, body = asked.sent
    assert start["status"] == 503
    assert body["body"] == b'{"error":"the service ends; ask again"}'
    assert asked.counted == counted(503)


def test_an_answer_that_has_begun_is_cut_without_a_second_one() -> None:
    asked = Asked(begin_and_stop, WHOLE)
    asyncio.run(cancelled(asked))
    assert [message.get("status") for message in asked.sent] == [200]
    assert asked.counted == counted(200)


def test_a_mistake_is_still_one() -> None:
    asked = Asked(fail, WHOLE)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(asked())
    assert asked.counted == counted(500)
