"""Lists by the exported graph: those of torch, for every wish, and a service that changes over."""

import asyncio
import logging
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from seqrec.errors import SeqrecError
from seqrec.export.graph import graph_of, on_cpu
from seqrec.models.folder import save_model
from seqrec.recommendation.recommender import Recommender
from seqrec.service.graph_lists import GraphRecommender
from seqrec.service.live_model import LiveModel
from seqrec.service.quickening import quicken
from tests.export.examples import trained
from tests.service.small import saved, serving
from tests.service.test_service import wait_for

HISTORIES = {"a": ["a", "b", "c"], "b": ["t"] * 3, "c": [*"abcdefghij"], "d": [], "e": ["?"]}


def graph_folder(folder: Path, name: str) -> Path:
    path = folder / f"{name}.onnx"
    onnx.save(graph_of(on_cpu(trained(name))), path)
    return path


@pytest.fixture(scope="module", params=["bsarec", "caser"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Recommender, Recommender]:
    """The same model in torch and by its graph; Caser has vectors of users."""
    graph = graph_folder(tmp_path_factory.mktemp("graph"), request.param)
    model = trained(request.param)
    return Recommender(model, device="cpu"), GraphRecommender(model, graph)


@pytest.mark.parametrize(
    "wishes",
    [
        {},
        {"k": 3},
        {"k": 50},
        {"seen_items": "keep"},
        {"seen_items": "exclude", "fallback": "none"},
        {"candidates": ["a", "d", "e"]},
        {"exclude": {"a": ["d"]}},
    ],
)
def test_lists_are_those_of_torch(
    both: tuple[Recommender, Recommender], wishes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, quick = both
    monkeypatch.setattr(quick, "rows", 2)  # several parts
    expected, found = (by.recommend(HISTORIES, **wishes) for by in both)
    for column in ("user_id", "rank", "item_id"):
        assert found.table[column].equals(expected.table[column])
    np.testing.assert_allclose(found.table["score"], expected.table["score"], rtol=1e-4, atol=1e-6)
    assert found.users.equals(expected.users)


def test_only_wishes_that_the_graph_has_no_input_for_go_to_torch(
    both: tuple[Recommender, Recommender], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, quick = both
    asked: list[Any] = []
    monkeypatch.setattr(quick.maker, "after", lambda *_, **__: asked.append(_))
    quick.recommend([["a"]], seen_items="keep")
    assert not asked
    with pytest.raises(AttributeError):  # the lists that are none
        quick.recommend([["a"]], candidates=["b"])
    assert len(asked) == 1
    monkeypatch.setattr(quick, "trained", replace(quick.trained, protocol="authors"))
    with pytest.raises(AttributeError):  # of the graph's seen items some may come back
        quick.recommend([["a"]], seen_items="exclude")
    assert len(asked) == 2


def test_a_graph_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SeqrecError, match="graph gives other lists than the model at work"):
        GraphRecommender(trained("gru4rec"), graph_folder(tmp_path, "bsarec"))


@pytest.mark.parametrize("name", ["bsarec", "mqsa_ted"])
def test_under_protocol_authors_torch_stays(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqrec.service.quickening._exported", lambda *_: pytest.fail("exported"))
    save_model(tmp_path, trained(name, "authors"))
    live = LiveModel(tmp_path, "cpu")
    with caplog.at_level(logging.INFO):
        asyncio.run(quicken(live))
    assert live.current.facts["lists"] == "torch"
    (line,) = [line for line in caplog.messages if line.startswith("lists come from torch")]
    assert line == "lists come from torch: protocol authors has rules of its own"


@pytest.mark.slow
def test_the_service_changes_over_and_again_after_another_model(tmp_path: Path) -> None:
    folder = saved(tmp_path / "models" / "live", seed=1)
    place = tmp_path / "graphs"
    place.mkdir()
    with serving(folder, tmp_path / "log", graph=True, TMPDIR=str(place)) as service:

        def facts() -> Any:
            return service.ask("GET", "/model")[1]

        asked = {"history": ["i3", "i9"], "k": 3}
        by_torch = service.ask("POST", "/recommend", asked)[1]
        assert facts()["lists"] == "torch"
        wait_for(lambda: facts()["lists"] == "onnxruntime", seconds=400)
        status, by_graph = service.ask("POST", "/recommend", asked)
        assert status == 200
        assert [row["item_id"] for row in by_graph["items"]] == [
            row["item_id"] for row in by_torch["items"]
        ]
        assert any(line.startswith("lists come from onnxruntime") for line in service.lines())
        service.process.send_signal(signal.SIGHUP)
        wait_for(lambda: facts()["lists"] == "torch", seconds=120)
        wait_for(lambda: any(place.glob("seqrec-graph-*")))
    assert not any(
        place.glob("seqrec-graph-*")
    )  # ending the service ends the export that has begun
