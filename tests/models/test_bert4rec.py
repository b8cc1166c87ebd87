"""BERT4Rec against the numbers of the authors' code, and what it masks."""

import numpy as np
import pytest
import torch

from seqrec.batches.packing import PackedBatch
from seqrec.errors import SeqrecError
from seqrec.losses import CrossEntropy
from seqrec.models import build_model, checked_options
from seqrec.models.bert4rec import BERT4Rec
from seqrec.training.loop import training_batches
from tests.authors import CPU, batch_of, check_gradients, golden, model_of, tensor
from tests.batches.test_packing import training_only

USERS = [[1, 2, 3, 4], [5, 6], [7, 8, 9, 10, 11, 12], [13]]


def test_outputs_equal_the_authors() -> None:
    arrays = golden("BERT4Rec_1")
    model = model_of("bert4rec", arrays).eval()
    assert isinstance(model, BERT4Rec)
    with torch.no_grad():
        last = model.encode(tensor(arrays, "input_ids"))
        states = model.states(tensor(arrays, "predict_input_ids"))
        trained = model.states(tensor(arrays, "masked_input_ids"))
        logits = last @ model.item_vectors().T
    np.testing.assert_allclose(last, arrays["seq_output_eval"][:, -1], atol=2e-5)
    np.testing.assert_allclose(states, arrays["seq_output_eval"], atol=2e-5)
    np.testing.assert_allclose(trained, arrays["seq_output_train"], atol=2e-5)
    # their last column is the mask token, which is no item
    np.testing.assert_allclose(logits, arrays["logits_eval"][:, :-1], atol=2e-5)


def test_loss_and_gradients_equal_the_authors(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = golden("BERT4Rec_1")
    model = model_of("bert4rec", arrays).train()
    monkeypatch.setattr(model, "masked_places", lambda histories: tensor(arrays, "masked_index"))
    loss = model.loss(batch_of(arrays))["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(float(arrays["loss"]), abs=1e-5)
    check_gradients("bert4rec", model, arrays)


def test_masked_places_are_different_and_anywhere() -> None:
    torch.manual_seed(0)
    options = {"max_len": 10, "dim": 8, "mask_ratio": 0.3}
    model = build_model("bert4rec", options, "authors", num_items=5)
    assert isinstance(model, BERT4Rec)
    places = model.masked_places(torch.zeros(4000, 10, dtype=torch.long))
    assert places.shape == (4000, 3)
    assert (places.sort(dim=1).values.diff(dim=1) > 0).all()
    shares = torch.bincount(places[:, -1], minlength=10) / 4000
    assert shares.min() > 0.08
    assert shares.max() < 0.12


def standard_model(**options: float) -> tuple[BERT4Rec, PackedBatch]:
    torch.manual_seed(0)
    data = training_only(USERS)
    options = {"max_len": 6, "dim": 8, **options}
    model = build_model("bert4rec", options, "standard", data.num_items)
    batch = training_batches(data, model, CPU).gather(torch.arange(4))
    assert isinstance(model, BERT4Rec)
    assert isinstance(batch, PackedBatch)
    return model, batch


def test_whole_sequences_are_to_be_found_again() -> None:
    _, batch = standard_model()
    assert torch.equal(batch.histories, batch.targets)
    assert sorted(batch.histories[batch.segments >= 0].tolist()) == list(range(1, 14))
    ends = batch.histories[batch.positions == 5]
    assert set(ends.tolist()) >= {4, 6, 12, 13}


@pytest.mark.parametrize(("ratio", "expected"), [(0.0, 0.0), (0.3, 0.27), (1.0, 0.9)])
def test_every_sequence_has_a_mask(ratio: float, expected: float) -> None:
    """Its last item where none was drawn, and in a tenth of the sequences nothing else."""
    model, batch = standard_model(mask_ratio=ratio)
    draws = torch.stack([model.masked(batch) for _ in range(2000)])
    assert not draws[:, batch.segments < 0].any()
    for segment in range(4):
        assert draws[:, batch.segments == segment].any(dim=1).all()
    inside = draws[:, (batch.segments >= 0) & (batch.positions < 5)]
    assert inside.float().mean().item() == pytest.approx(expected, abs=0.02)


def test_standard_loss_is_that_of_the_masked_items() -> None:
    """Packed, against one sequence at a time; nothing but masked positions counts."""
    model, batch = standard_model()
    model.eval()
    masked = torch.zeros_like(batch.segments, dtype=torch.bool)
    masked[(batch.histories == 2) | (batch.histories == 12) | (batch.histories == 8)] = True
    loss = model._cloze(batch, masked, CrossEntropy())
    token = model.mask_token
    losses = []
    for tokens, at, item in (
        ([1, token, 3, 4], 1, 2),
        ([7, token, 9, 10, 11, token], 1, 8),
        ([7, token, 9, 10, 11, token], 5, 12),
    ):
        logits = model.states(torch.tensor([tokens]))[0, at] @ model.item_vectors()[1:].T
        losses.append(-logits.log_softmax(0)[item - 1])
    torch.testing.assert_close(loss, torch.stack(losses).mean())


def test_a_prediction_takes_the_place_of_the_oldest_item() -> None:
    model, _ = standard_model()
    model.eval()
    full = torch.tensor([[1, 2, 3, 4, 5, 6]])
    torch.testing.assert_close(model.encode(full), model.encode(full[:, 1:]))
    torch.testing.assert_close(
        model.encode(full[:, 4:]), model.encode(torch.tensor([[0, 0, 0, 0, 5, 6]]))
    )
    assert not torch.allclose(model.encode(full), model.encode(full[:, 2:]))


def test_padding_gets_no_gradient() -> None:
    model, batch = standard_model()
    model.train().loss(batch)["loss"].backward()
    gradient = model.item_embedding.weight.grad
    assert gradient is not None
    assert not gradient[0].any()
    assert gradient[model.mask_token].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_ratio": 1.5}, "model_options.mask_ratio"),
        ({"max_len": 4}, "masks no position; raise one"),
    ],
)
def test_bad_options_are_one_clear_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as caught:
        checked_options("bert4rec", options, "authors")
    assert "\n" not in str(caught.value)
