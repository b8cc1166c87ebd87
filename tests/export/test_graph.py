"""Models as graphs: batch and length stay free, and what comes out is what the model gives."""

import sys
from functools import cache
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from seqrec.errors import SeqrecError
from seqrec.export.graph import AllScores, check_exportable, graph_of
from seqrec.models import COUNTING_MODELS, MODELS, model_class
from tests.counted import random_users, sequences_of
from tests.export.examples import MAX_LEN, small, trained
from tests.models.small import ITEMS, histories_of
from tests.trainings import trained_on

SHAPES = ((1, 1), (4, MAX_LEN), (7, MAX_LEN + 3))


@pytest.mark.parametrize("name", [name for name in MODELS if not model_class(name).looks_things_up])
def test_batch_and_length_stay_free(name: str) -> None:
    model = small(name)
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    with torch.no_grad():
        program = torch.export.export(
            AllScores(model), (histories_of(3, 4),), dynamic_shapes=({0: batch, 1: length},)
        ).module()
        for rows, columns in SHAPES:
            histories = histories_of(rows + 1, columns)[1:]
            expected = model.scorer()(histories[:, -MAX_LEN:], torch.zeros(rows, dtype=torch.long))
            torch.testing.assert_close(program(histories), expected, rtol=1e-4, atol=1e-4)


@cache
def bytes_of(name: str, protocol: str) -> bytes:
    """The graph of a small model; an export takes seconds."""
    written: bytes = graph_of(trained(name, protocol)).SerializeToString()
    return written


def plain_lists(scores: np.ndarray[Any, Any], k: int) -> np.ndarray[Any, Any]:
    """The item numbers of (B, V) scores, best first; column 0 and -inf are none."""
    order = np.argsort(-scores[:, 1:], axis=1, kind="stable")[:, :k] + 1
    return np.where(np.isneginf(np.take_along_axis(scores, order, axis=1)), 0, order)


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("caser", "standard"),
        pytest.param("gru4rec", "authors", marks=pytest.mark.slow),
        ("mqsa_ted", "authors"),
    ],
)
def test_lists_are_those_of_the_models_scores(name: str, protocol: str) -> None:
    model = trained(name, protocol)
    session = onnxruntime.InferenceSession(bytes_of(name, protocol))
    for rows, columns in SHAPES:
        histories = histories_of(rows + 1, columns)[1:]
        window = torch.nn.functional.pad(histories, (MAX_LEN, 0))[:, -MAX_LEN:]
        users = torch.arange(rows) % 2  # unknown, and the only one
        with torch.no_grad():
            scores = model.model.scorer()(window, users).numpy()
        seen = (window if name == "mqsa_ted" else histories).numpy()
        asked = {"histories": histories.numpy(), "k": np.array([99])}
        asked |= {"users": users.numpy()} if name == "caser" else {}
        kept = session.run(["items"], asked | {"keep_seen": np.array(True)})[0]
        np.testing.assert_array_equal(kept, plain_lists(scores, 99))
        np.put_along_axis(scores, seen, 0 if name == "gru4rec" else -np.inf, axis=1)
        listed = session.run(["items"], asked | {"keep_seen": np.array(False)})[0]
        np.testing.assert_array_equal(listed, plain_lists(scores, 99))
        assert listed.shape == (rows, ITEMS)


def test_equal_models_are_equal_bytes_without_a_path_of_the_machine() -> None:
    first = bytes_of("mqsa_ted", "authors")
    assert graph_of(trained("mqsa_ted", "authors")).SerializeToString() == first
    assert b".py" not in first


@pytest.mark.parametrize("name", COUNTING_MODELS)
def test_a_model_that_counts_says_why_not(name: str) -> None:
    options: dict[str, Any] = {"trials": 1} if name in ("cosine", "hybrid") else {}
    counted = trained_on(sequences_of(*random_users(), num_items=12), name, **options).trained
    with pytest.raises(SeqrecError, match=f"^{name} counts and has no ONNX form: .*; use `seqrec"):
        check_exportable(counted)


def test_a_missing_package_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(SeqrecError, match=r"needs the package onnxscript; .*'seqrec\[export\]'`$"):
        check_exportable(trained("fmlprec"))
