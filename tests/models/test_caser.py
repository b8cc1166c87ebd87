"""Caser against the numbers of the authors' code, the fast form against the plain one."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.plain.caser import PlainCaser
from seqrec.batches import Batch
from seqrec.errors import SeqrecError
from seqrec.losses import CrossEntropy
from seqrec.losses.negatives import BinaryCrossEntropy
from seqrec.models import build_model, caser, checked_options
from seqrec.models.caser import Caser
from seqrec.parameters.sections import TrainingOptions
from seqrec.training.step import TrainingStep
from tests.authors import CPU, batch_of, check_gradients, golden, model_of, tensor

OPTIONS = {
    "max_len": 9,
    "dim": 8,
    "horizontal_filters": 3,
    "vertical_filters": 2,
    "hidden_dropout": 0.0,
    "l2": 1e-2,
}


def built(protocol: str, **options: object) -> Caser:
    torch.manual_seed(0)
    model = build_model("caser", OPTIONS | options, protocol, num_items=20, num_users=6)
    assert isinstance(model, Caser)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.5)
        if protocol == "standard":
            model.item_embedding.weight[0] = 0.0
    return model


def some_batch(length: int = 9) -> Batch:
    """Return histories of all lengths, one of a single item over and over."""
    torch.manual_seed(1)
    lengths = torch.cat([torch.arange(length + 1), torch.tensor([length, 2, 0])])
    histories = torch.randint(1, 21, (len(lengths), length))
    histories[-3] = 5
    histories *= torch.arange(length) >= length - lengths[:, None]
    targets = torch.randint(1, 21, (len(lengths),))
    users = torch.arange(len(lengths)) % 6 + 1
    return Batch(users=users, histories=histories, targets=targets)


def gradients(model: torch.nn.Module, loss: Tensor) -> dict[str, Tensor]:
    names, weights = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, weights), strict=True))


def test_outputs_equal_the_authors() -> None:
    """Their users are counted from 0."""
    arrays = golden("Caser_1")
    model = model_of("caser", arrays).eval()
    with torch.no_grad():
        states = model.encode(tensor(arrays, "input_ids"), tensor(arrays, "user_ids"))
        logits = states @ model.item_vectors().T
    np.testing.assert_allclose(states, arrays["seq_output_eval"][:, -1], atol=2e-5)
    np.testing.assert_allclose(logits, arrays["logits_eval"], atol=2e-5)


def test_loss_and_gradients_equal_the_authors() -> None:
    arrays = golden("Caser_1")
    model = model_of("caser", arrays).train()
    negatives = tensor(arrays, "neg_answers")[:, None]
    losses = model.loss(batch_of(arrays), BinaryCrossEntropy(lambda held: negatives))
    losses["loss"].backward()
    assert losses["loss"].item() == pytest.approx(float(arrays["loss"]), abs=1e-5)
    assert losses["l2"].item() == pytest.approx(0.00518930, abs=1e-7)
    check_gradients("caser", model, arrays)


@pytest.mark.parametrize("walks", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("length", [1, 2, 9, 18])
def test_both_forms_equal_the_plain_one(
    length: int, dtype: torch.dtype, walks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caser, "ROWS_TOGETHER", 4)
    monkeypatch.setattr(caser, "may_walk", lambda x: walks)
    model = built("authors", max_len=length).to(dtype)
    plain = PlainCaser(OPTIONS | {"max_len": length}, 20, "authors", num_users=6).to(dtype)
    state = model.state_dict()
    plain.load_state_dict({k: state[k].view(v.shape) for k, v in plain.state_dict().items()})
    batch = some_batch(length)
    negatives = batch.targets.flip(0)
    loss = model.loss(batch, BinaryCrossEntropy(lambda held: negatives[:, None]))["loss"]
    expected = plain.loss(batch.histories, batch.targets, negatives, batch.users - 1)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-11
    torch.testing.assert_close(loss, expected, atol=tolerance, rtol=tolerance)
    wanted = gradients(plain, expected)
    for name, gradient in gradients(model, loss).items():
        torch.testing.assert_close(
            gradient, wanted[name].view(gradient.shape), atol=tolerance, rtol=tolerance, msg=name
        )
    scores = model.encode(batch.histories, batch.users) @ model.item_vectors().T
    expected = plain.scores(batch.histories, batch.users - 1)
    torch.testing.assert_close(scores, expected, atol=tolerance, rtol=tolerance)


def test_both_forms_are_the_same_under_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = built("standard").double(), some_batch()
    results = []
    for walks in (True, False):
        monkeypatch.setattr(caser, "may_walk", lambda x, walks=walks: walks)
        loss = model.loss(batch, CrossEntropy())["loss"]
        results.append({"loss": loss, **gradients(model, loss)})
    torch.testing.assert_close(results[0], results[1])


@pytest.mark.parametrize("walks", [True, False])
def test_standard_needs_no_padding(walks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caser, "may_walk", lambda x: walks)
    model = built("standard").eval()
    narrow = some_batch().histories[:5, -4:]
    states = model.encode(narrow)
    torch.testing.assert_close(model.encode(F.pad(narrow, (5, 0))), states)
    with torch.no_grad():
        model.item_embedding.weight[0] = 7.0
    torch.testing.assert_close(model.encode(F.pad(narrow, (5, 0))), states)


@pytest.mark.parametrize("walks", [True, False])
@pytest.mark.parametrize("l2", [0.0, 1e-4])
def test_standard_gives_padding_no_gradient(
    walks: bool, l2: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caser, "may_walk", lambda x: walks)
    model, batch = built("standard", l2=l2), some_batch()
    model.loss(batch)["loss"].backward()
    gradient = model.item_embedding.weight.grad
    assert gradient is not None
    assert not gradient[0].any()
    assert gradient[batch.histories.unique()[1:]].any(dim=1).all()
    assert not build_model("caser", {}, "standard", 5, 3).item_vectors()[0].any()


@pytest.mark.parametrize(("protocol", "learns"), [("authors", False), ("standard", True)])
def test_the_authors_first_user_learns_nothing(protocol: str, learns: bool) -> None:
    model, batch = built(protocol, l2=0.0), some_batch()
    model.loss(batch)["loss"].backward()
    gradient = model.user_embedding.weight.grad
    assert gradient is not None
    assert gradient[0].any() == learns
    assert gradient[1:].any(dim=1).all()


def test_an_unknown_user_is_an_average_one() -> None:
    model = built("standard").eval()
    histories = some_batch().histories[:4]
    average = model.encode(histories)
    for unknown in (0, 7, 1_000_000, -1):
        torch.testing.assert_close(model.encode(histories, torch.full((4,), unknown)), average)
    users = torch.tensor([1, 2, 6, 0])
    apart = (model.encode(histories, users) - average).abs().amax(dim=1) > 1e-6
    assert apart.tolist() == [True, True, True, False]
    with torch.no_grad():
        model.user_embedding.weight[:] = model.user_embedding.weight.mean(dim=0)
    torch.testing.assert_close(model.encode(histories, users), average)


def test_users_are_counted_from_the_first() -> None:
    model = built("standard").eval()
    histories = some_batch().histories[:4]
    users = torch.tensor([1, 2, 6, 3])
    before = model.encode(histories, users)
    model.first_user = 0
    torch.testing.assert_close(model.encode(histories, users - 1), before)


def test_the_norms_are_those_of_all_weights_but_biases() -> None:
    model = built("authors")
    expected = sum(
        weight.detach().numpy().astype(np.float64).__pow__(2).sum() ** 0.5
        for name, weight in model.named_parameters()
        if not name.endswith("bias")
    )
    assert model.sum_of_norms().item() == pytest.approx(expected, rel=1e-6)
    losses = model.loss(some_batch())
    assert losses["l2"].item() == pytest.approx(1e-2 * expected, rel=1e-6)
    torch.testing.assert_close(losses["loss"], losses["items"] + losses["l2"])
    assert not model.sparse_gradients
    without = built("authors", l2=0.0)
    assert without.loss(some_batch())["l2"].item() == 0.0
    assert without.sparse_gradients


@pytest.mark.parametrize("walks", [True, False])
@pytest.mark.parametrize("protocol", ["authors", "standard"])
@pytest.mark.parametrize(
    "options",
    [
        {"vertical_filters": 0},
        {"horizontal_filters": 0},
        {"max_len": 1},
        {"max_len": 1, "vertical_filters": 0},
        {"max_len": 3, "horizontal_filters": 1, "dim": 1},
    ],
)
def test_odd_shapes_work(
    options: dict[str, int], protocol: str, walks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caser, "may_walk", lambda x: walks)
    model = built(protocol, **options)
    batch = some_batch(options.get("max_len", 9))
    loss = model.loss(batch)["loss"]
    loss.backward()
    assert torch.isfinite(loss)
    for name, weight in model.named_parameters():
        assert weight.grad is None or torch.isfinite(weight.grad).all(), name
    assert model.encode(batch.histories).shape == (len(batch.histories), model.config.dim)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizontal_filters": 0, "vertical_filters": 0}, "are both 0"),
        ({"vertical_filters": -1}, "model_options.vertical_filters"),
        ({"max_len": 0}, "model_options.max_len"),
        ({"num_users": 3}, "leave it out"),
        ({"l2": -1.0}, "model_options.l2"),
    ],
)
def test_bad_options_are_one_clear_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as caught:
        checked_options("caser", options, "standard")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("protocol", "width"), [("standard", 10), ("authors", 10), ("authors", 4)])
def test_a_history_of_a_wrong_width_is_one_clear_line(protocol: str, width: int) -> None:
    with pytest.raises(SeqrecError, match=f"{width} columns, the model takes max_len=9"):
        built(protocol).encode(torch.ones(2, width, dtype=torch.long))


def test_on_a_cpu_it_is_not_compiled(caplog: pytest.LogCaptureFixture) -> None:
    """The compiler would have to do without the walk, which is the faster one."""
    TrainingStep(built("authors"), TrainingOptions(compile="on"), CPU)
    assert "training.compile=on: not here" in caplog.text
    caplog.clear()
    TrainingStep(built("authors"), TrainingOptions(compile="on"), torch.device("meta"))
    assert not caplog.text
