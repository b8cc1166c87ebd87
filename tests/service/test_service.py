"""The service over HTTP, as a process of its own: endpoints, refusals, another model."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from seqrec.errors import SeqrecError
from seqrec.service import server
from seqrec.service.bodies import MOST_BODY_BYTES
from seqrec.service.live_model import LiveModel
from seqrec.service.server import _token, run_server
from tests.service.small import ITEMS, Served, saved, serving
from tests.service.test_bodies import NO_JSON, WRONG


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, and a link to the first."""
    folder = tmp_path_factory.mktemp("models")
    saved(folder / "first", seed=1)
    saved(folder / "second", seed=2)
    (folder / "live").symlink_to("first")
    return folder


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Served]:
    with serving(folder / "live", folder / "log") as served:
        yield served


def link(folder: Path, target: str) -> None:
    """Let the link name another folder, in one step."""
    (folder / "next").symlink_to(target)
    (folder / "next").replace(folder / "live")


def lines_after(before: int, count: int, service: Served) -> list[str]:
    """The lines of the log since then; a line is written when its answer is on its way."""
    wait_for(lambda: len(service.lines()) >= before + count)
    return service.lines()[before:]


def wait_for(what: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_every_endpoint_answers(service: Served) -> None:
    status, listed = service.ask("POST", "/recommend", {"history": ["i3", 9], "k": 3})
    assert status == 200
    assert [row["rank"] for row in listed["items"]] == [1, 2, 3]
    assert (listed["known"], listed["unknown"], listed["fallback"]) == (1, 1, False)
    status, similar = service.ask("GET", "/similar?item=i3&k=2")
    assert (status, len(similar["items"])) == (200, 2)
    assert set(similar["items"][0]) == {"rank", "item_id", "score", "title"}
    assert service.ask("GET", "/similar?item=%20i3&k=2") == (200, similar)
    _, found = service.ask("GET", "/items?search=alien")
    assert {row["title"] for row in found["items"]} == {"Alien (1979)", "Aliens (1986)"}
    assert service.ask("GET", "/health") == (200, {"status": "ok"})
    _, facts = service.ask("GET", "/model")
    assert (facts["model"], facts["dataset"], facts["items"]) == ("bsarec", "films", len(ITEMS))


def test_figures_are_counted(service: Served) -> None:
    def figure(name: str) -> float:
        text = service.ask("GET", "/metrics")[1]
        (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(line.rpartition(" ")[2])

    asked = 'seqrec_requests_total{path="/recommend",status="200"}'
    service.ask("POST", "/recommend", {"history": ["i1"]})
    before = (
        figure(asked),
        figure("seqrec_unknown_items_total"),
        figure("seqrec_popular_lists_total"),
    )
    service.ask("POST", "/recommend", {"history": ["x", "y"]})
    after = (
        figure(asked),
        figure("seqrec_unknown_items_total"),
        figure("seqrec_popular_lists_total"),
    )
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 2, 1]
    assert figure("seqrec_model_items") == len(ITEMS)


def test_the_api_is_described_without_anything_from_the_net(service: Served) -> None:
    _, described = service.ask("GET", "/openapi.json")
    fields = described["paths"]["/recommend"]["post"]["requestBody"]["content"]["application/json"]
    assert {"history", "histories", "k", "candidates"} <= set(fields["schema"]["properties"])
    assert {"/similar", "/items", "/health", "/model", "/metrics"} <= set(described["paths"])
    for path in ("/", "/api", "/page.js", "/page.css", "/api.js"):
        status, text = service.ask("GET", path)
        assert status == 200
        assert "://" not in text


def test_a_hundred_broken_bodies_get_a_4xx_and_a_line_each(service: Served) -> None:
    bodies = [*NO_JSON, *(body for body, _ in WRONG)]
    bodies += [b'{"history": [%d, {}]}' % number for number in range(100 - len(bodies))]
    before = len(service.lines())
    answers = [service.ask("POST", "/recommend", body) for body in bodies]

    assert {status for status, _ in answers} == {400, 422}
    assert [content.get("field") for _, content in answers[len(NO_JSON) :]][: len(WRONG)] == [
        field for _, field in WRONG
    ]
    lines = lines_after(before, 100, service)
    assert len(bodies) == len(lines) == 100
    assert all(line[:20] in ("400 POST /recommend:", "422 POST /recommend:") for line in lines)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "/nothing", None, 404, "no such path; known: /recommend, /similar"),
        ("GET", "/recommend", None, 405, "Method Not Allowed"),
        ("GET", "/similar?item=nobody", None, 404, "item: the model knows no item 'nobody'"),
        ("GET", "/similar", None, 422, "item: field required"),
        ("GET", "/similar?item=i1&k=x", None, 422, "k: input should be a valid integer"),
        ("GET", "/items?limit=0", None, 422, "limit: input should be greater"),
        ("GET", "/a%0Ab", None, 404, "no such path"),
        ("POST", "/recommend", b" " * (MOST_BODY_BYTES + 1), 413, "the body is larger than 1 MiB"),
    ],
)
def test_what_cannot_be_answered_says_why(
    method: str, path: str, body: bytes | None, status: int, error: str, service: Served
) -> None:
    before = len(service.lines())
    answer = service.ask(method, path, body)
    assert answer[0] == status
    assert answer[1]["error"].startswith(error)
    (line,) = lines_after(before, 1, service)
    assert line.startswith(f"{status} {method} ")


def test_a_body_without_end_is_cut_off(service: Served) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        head = "POST /recommend HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        for _ in range(MOST_BODY_BYTES // 0x10000 + 1):
            connection.sendall(chunk)
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


class Asking(Thread):
    """Asks one after the other until told to stop, and keeps the answers."""

    def __init__(self, service: Served, stop: Event) -> None:
        super().__init__()
        self.service, self.stop = service, stop
        self.answers: list[tuple[int, Any]] = []

    def run(self) -> None:
        while not self.stop.is_set():
            self.answers.append(self.service.ask("POST", "/recommend", {"history": ["i3"], "k": 5}))


def test_another_model_takes_over_under_load_without_a_lost_request(
    folder: Path, service: Served
) -> None:
    def seed() -> Any:
        return service.ask("GET", "/model")[1]["seed"]

    def scores() -> Any:
        listed = service.ask("POST", "/recommend", {"history": ["i3"], "k": 5})[1]
        return [row["score"] for row in listed["items"]]

    first, stop = scores(), Event()
    askers = [Asking(service, stop) for _ in range(3)]
    for asker in askers:
        asker.start()
    link(folder, "second")
    service.process.send_signal(signal.SIGHUP)
    wait_for(lambda: seed() == 2)
    link(folder, "nowhere")
    service.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "the model stays as it is" in service.lines()[-1])
    second = scores()
    stop.set()
    for asker in askers:
        asker.join()
    answers = [answer for asker in askers for answer in asker.answers]
    assert {status for status, _ in answers} == {200}
    # each is wholly one model's or the other's, and both answered
    given = {tuple(row["score"] for row in listed["items"]) for _, listed in answers}
    assert {tuple(round(score, 4) for score in one) for one in given} == {
        tuple(round(score, 4) for score in one) for one in (first, second)
    }
    assert seed() == 2


def test_a_signal_while_the_model_loads_is_not_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder may have been replaced after it was read."""
    reloads: list[Path] = []

    class Early(LiveModel):
        def __init__(self, folder: Path, device: str) -> None:
            super().__init__(folder, device)
            os.kill(os.getpid(), signal.SIGHUP)

        async def reload(self) -> bool:
            reloads.append(self.folder)
            return True

    async def serve(own: server._Server, sockets: object) -> None:
        await asyncio.sleep(0.1)
        await own.beside.end()

    monkeypatch.setattr(server, "LiveModel", Early)
    monkeypatch.setattr(server._Server, "serve", serve)
    for of_the_process in ("_write_log", "_spare_the_waiting"):
        monkeypatch.setattr(server, of_the_process, lambda: None)
    run_server(folder / "first", "127.0.0.1", 0, "cpu")
    assert reloads == [folder / "first"]


@pytest.mark.parametrize("token", ["", " ", "a\nb", "é"])
def test_a_token_that_is_none_is_an_error(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQREC_TOKEN", token)
    with pytest.raises(SeqrecError, match="SEQREC_TOKEN is set to no token"):
        run_server(Path("nowhere"), "127.0.0.1", 0, "cpu")


def test_blanks_around_a_token_are_none_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQREC_TOKEN", " a b ")
    assert _token() == "a b"


def test_a_port_that_is_taken_and_a_folder_without_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # of the test's own process
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SeqrecError) as caught:
            run_server(tmp_path, "127.0.0.1", port, "cpu")
    assert str(caught.value) == (
        f"cannot listen at 127.0.0.1, port {port}: {os.strerror(98)}; "
        "name another by --port or --host"
    )
    with pytest.raises(SeqrecError, match=r"cannot listen at 127\.\.0\.1, port 0: .* --host"):
        run_server(tmp_path, "127..0.1", 0, "cpu")
    with pytest.raises(SeqrecError, match=r"no model\.safetensors in the model folder"):
        run_server(tmp_path, "127.0.0.1", 0, "cpu")
