"""GRU4Rec against the numbers of the authors' code, packed histories against padded ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.plain.gru4rec import PlainGRU4Rec
from seqrec.batches import Batch
from seqrec.batches.packing import PackedBatch
from seqrec.errors import SeqrecError
from seqrec.losses import CrossEntropy, Held, ItemLoss
from seqrec.losses.negatives import BayesianPersonalisedRanking
from seqrec.models import build_model, checked_options, gru4rec
from seqrec.models.gru4rec import GRU4Rec, steps_of
from seqrec.parameters.sections import TrainingOptions
from seqrec.training.loop import training_batches
from seqrec.training.step import TrainingStep
from tests.authors import CPU, batch_of, check_gradients, golden, model_of, tensor
from tests.batches.test_packing import training_only

OPTIONS = {
    "max_len": 7,
    "dim": 8,
    "hidden_dim": 6,
    "num_layers": 2,
    "hidden_dropout": 0.0,
}
USERS = [[5, 6, 7, 8], [9, 4], [3, 2, 1], [1, 9, 8, 7, 6, 5]]


def built(protocol: str, num_items: int = 20) -> GRU4Rec:
    torch.manual_seed(0)
    model = build_model("gru4rec", OPTIONS, protocol, num_items)
    assert isinstance(model, GRU4Rec)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.5)
        if protocol == "standard":
            model.item_embedding.weight[0] = 0.0
    return model


def some_histories(lengths: list[int]) -> Tensor:
    """Left-padded histories of random items."""
    torch.manual_seed(1)
    real = torch.arange(7) >= 7 - torch.tensor(lengths)[:, None]
    return torch.randint(1, 21, real.shape) * real


def sequences_of(users: list[list[int]], model: GRU4Rec) -> PackedBatch:
    batch = training_batches(training_only(users), model, CPU).gather(torch.arange(len(users)))
    assert isinstance(batch, PackedBatch)
    return batch


def test_outputs_equal_the_authors() -> None:
    arrays = golden("GRU4Rec_1")
    model = model_of("gru4rec", arrays).eval()
    assert isinstance(model, GRU4Rec)
    histories, expected = tensor(arrays, "input_ids"), arrays["seq_output_eval"]
    with torch.no_grad():
        last = model.encode(histories)
        np.testing.assert_allclose(last, expected[:, -1], atol=2e-5)
        np.testing.assert_allclose(model.states(histories), expected, atol=2e-5)
        logits = last @ model.item_vectors().T
    np.testing.assert_allclose(logits, arrays["logits_eval"], atol=2e-5)


def test_loss_and_gradients_equal_the_authors() -> None:
    arrays = golden("GRU4Rec_1")
    model = model_of("gru4rec", arrays).train()
    negatives = tensor(arrays, "neg_answers")[:, None]
    loss = model.loss(batch_of(arrays), BayesianPersonalisedRanking(lambda held: negatives))["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(float(arrays["loss"]), abs=1e-5)
    check_gradients("gru4rec", model, arrays)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_equals_the_plain_form(dtype: torch.dtype) -> None:
    model = built("authors").to(dtype)
    plain = PlainGRU4Rec(OPTIONS, 20, "authors").to(dtype)
    plain.load_state_dict(model.state_dict())
    histories = some_histories([0, 7, 1, 3, 6])
    targets, negatives = torch.tensor([1, 2, 3, 4, 5]), torch.tensor([9, 8, 7, 6, 20])
    batch = Batch(users=targets, histories=histories, targets=targets)
    loss = model.loss(batch, BayesianPersonalisedRanking(lambda held: negatives[:, None]))["loss"]
    expected = plain.loss(histories, targets, negatives)
    loss.backward()
    expected.backward()
    tolerance = 1e-5 if dtype == torch.float32 else 1e-8
    torch.testing.assert_close(loss, expected, atol=tolerance, rtol=tolerance)
    gradients = {name: weight.grad for name, weight in plain.named_parameters()}
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight.grad, gradients[name], atol=tolerance, rtol=tolerance)
    scores = model.encode(histories) @ model.item_vectors().T
    torch.testing.assert_close(scores, plain.scores(histories), atol=tolerance, rtol=tolerance)


def test_steps_hold_the_longest_histories_first() -> None:
    """An empty history is one step of padding; a zero between items is one of them."""
    histories = torch.tensor([[0, 0, 5], [0, 0, 0], [7, 8, 9], [3, 0, 4]])
    steps = steps_of(histories)
    assert steps.order.tolist() == [2, 3, 0, 1]
    assert steps.counts.tolist() == [4, 2, 2]
    assert histories.flatten()[steps.places].tolist() == [7, 3, 5, 0, 8, 0, 9, 4]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_packed_histories_give_what_padded_ones_give(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = built("standard").to(dtype).eval()
    histories = some_histories([0, 7, 1, 3, 6, 3])
    packed = model.encode(histories)
    monkeypatch.setattr(gru4rec, "may_walk", lambda x: False)
    padded = model.encode(histories)
    torch.testing.assert_close(packed, padded)
    upstream = torch.randn_like(packed)
    variables = list(model.parameters())
    for ours, expected in zip(
        torch.autograd.grad(packed, variables, upstream),
        torch.autograd.grad(padded, variables, upstream),
        strict=True,
    ):
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("packs", [True, False])
@pytest.mark.parametrize("rows", ["as long as the longest", "as long as any"])
def test_a_sequence_is_learned_from_at_all_its_items(
    rows: str, packs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of a batch is the mean over all prefixes of all sequences."""
    model = built("standard", num_items=9)
    batch = sequences_of(USERS, model)
    assert batch.histories.shape == (4, 5)
    if rows == "as long as any":  # on an accelerator
        parts = (F.pad(part, (2, 0)) for part in (batch.histories, batch.targets, batch.positions))
        histories, targets, positions = parts
        segments = F.pad(batch.segments, (2, 0), value=-1)
        batch = replace(
            batch, histories=histories, targets=targets, positions=positions, segments=segments
        )
    monkeypatch.setattr(gru4rec, "may_walk", lambda x: packs)
    loss = model.loss(batch, CrossEntropy())["loss"]
    losses = []
    for user in USERS:
        for length in range(1, len(user)):
            state = model.encode(torch.tensor([user[:length]]))[0]
            logits = state @ model.item_vectors()[1:].T
            losses.append(-logits.log_softmax(0)[user[length] - 1])
    torch.testing.assert_close(loss, torch.stack(losses).mean())


def test_a_negative_is_no_item_of_its_sequence() -> None:
    """Each state is told what its own user holds, in rows narrower than max_len too."""
    model, seen = built("standard", num_items=9), []

    def observed(held: Held) -> Tensor:
        seen.extend(held.items[held.of].tolist())
        return torch.ones(len(held.of), 1, dtype=torch.long)

    model.loss(sequences_of(USERS, model), BayesianPersonalisedRanking(observed))
    expected = [sorted(user) for user in USERS for _ in user[1:]]
    assert sorted(sorted(set(held) - {0}) for held in seen) == sorted(expected)


@pytest.mark.parametrize("loss", [None, CrossEntropy()])
def test_standard_leaves_padding_alone(loss: ItemLoss | None) -> None:
    model = built("standard", num_items=9).train()
    model.loss(sequences_of(USERS, model), loss)["loss"].backward()
    gradient = model.item_embedding.weight.grad
    assert gradient is not None
    assert not gradient[0].any()
    assert gradient[1:].any(dim=1).all()
    assert not build_model("gru4rec", {}, "standard", 5).item_vectors()[0].any()


@pytest.mark.parametrize("packs", [True, False])
def test_standard_needs_no_padding(packs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gru4rec, "may_walk", lambda x: packs)
    model = built("standard").eval()
    narrow = some_histories([1, 3, 3, 0])[:, -3:]
    states = model.encode(narrow)
    torch.testing.assert_close(model.encode(F.pad(narrow, (4, 0))), states)
    torch.testing.assert_close(states[3], model.dense.bias)
    with torch.no_grad():
        model.item_embedding.weight[0] = 7.0
    torch.testing.assert_close(model.encode(F.pad(narrow, (4, 0))), states)


def test_under_authors_padding_is_read_too() -> None:
    model = built("authors").eval()
    histories = some_histories([1, 3])
    before = model.encode(histories)
    with torch.no_grad():
        model.item_embedding.weight[0] += 1.0
    assert (model.encode(histories) - before).abs().min() > 1e-6


@pytest.mark.parametrize(("protocol", "by_xavier"), [("authors", 1), ("standard", 2)])
def test_which_layers_are_drawn_by_xavier(protocol: str, by_xavier: int) -> None:
    torch.manual_seed(0)
    model = build_model("gru4rec", {"dim": 48, "hidden_dim": 96}, protocol, num_items=5)
    assert isinstance(model, GRU4Rec)
    for place, weight in enumerate(model.gru.weights(2)):
        rows, columns = weight.shape
        bound = (6 / (rows + columns)) ** 0.5 if place // 2 < by_xavier else 96**-0.5
        assert 0.99 * bound < weight.abs().max().item() <= bound
    assert model.item_embedding.weight[1:].std().item() == pytest.approx(0.02, rel=0.2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hidden_dim": 0}, "model_options.hidden_dim"),
        ({"num_layers": 0}, "model_options.num_layers"),
        ({"num_blocks": 2}, "model_options.num_blocks"),
        ({"max_len": 0}, "model_options.max_len"),
    ],
)
def test_bad_options_are_one_clear_line(options: dict[str, object], said: str) -> None:
    with pytest.raises(SeqrecError, match=said) as caught:
        checked_options("gru4rec", options, "standard")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("protocol", "width"), [("standard", 8), ("authors", 8), ("authors", 4)])
def test_a_history_of_a_wrong_width_is_one_clear_line(protocol: str, width: int) -> None:
    with pytest.raises(SeqrecError, match=f"{width} columns, the model takes max_len=7"):
        built(protocol).encode(torch.ones(2, width, dtype=torch.long))


def test_on_a_cpu_it_is_not_compiled(caplog: pytest.LogCaptureFixture) -> None:
    """The compiler would have to do without packing, which is faster."""
    TrainingStep(built("authors"), TrainingOptions(compile="on"), CPU)
    assert "training.compile=on: not here" in caplog.text
    caplog.clear()
    TrainingStep(built("authors"), TrainingOptions(compile="on"), torch.device("meta"))
    assert not caplog.text
