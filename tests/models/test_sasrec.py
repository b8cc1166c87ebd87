"""SASRec against the numbers of the authors' code, and packed against padded."""

import numpy as np
import pytest
import torch

from seqrec.batches.packing import PackedBatch, PackedSequences
from seqrec.errors import SeqrecError
from seqrec.losses import CrossEntropy
from seqrec.losses.negatives import BinaryCrossEntropy
from seqrec.models import build_model, checked_options
from seqrec.models.parts.next_items import NextItemsTransformer
from seqrec.training.loop import training_batches
from tests.authors import CPU, check_gradients, golden, model_of, packed, packed_of, tensor
from tests.batches.test_packing import training_only


@pytest.mark.parametrize("name", ["sasrec", "sasrec_ce"])
def test_outputs_equal_the_authors(name: str) -> None:
    arrays = golden("SASRec_1")
    model = model_of(name, arrays).eval()
    assert isinstance(model, NextItemsTransformer)
    histories, expected = tensor(arrays, "input_ids"), arrays["seq_output_eval"]
    with torch.no_grad():
        last = model.encode(histories)
        np.testing.assert_allclose(model.states(histories), expected, atol=2e-5)
        np.testing.assert_allclose(last, expected[:, -1], atol=2e-5)
        np.testing.assert_allclose(model.of_packed(packed_of(arrays)), expected[:, -1], atol=2e-5)
        logits = last @ model.item_vectors().T
    np.testing.assert_allclose(logits, arrays["logits_eval"], atol=2e-5)


def test_loss_and_gradients_equal_the_authors() -> None:
    arrays = golden("SASRec_1")
    model = model_of("sasrec", arrays).train()
    negatives = tensor(arrays, "neg_answers")[:, None]
    loss = model.loss(packed_of(arrays), BinaryCrossEntropy(lambda held: negatives))["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(float(arrays["loss"]), abs=1e-5)
    check_gradients("sasrec", model, arrays)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("num_heads", [1, 2])
def test_packed_histories_give_what_padded_ones_give(dtype: torch.dtype, num_heads: int) -> None:
    """Values and all gradients, an empty history and a full one among them."""
    torch.manual_seed(0)
    options = {"max_len": 7, "dim": 8, "num_heads": num_heads}
    model = build_model("sasrec", options, "authors", num_items=20).to(dtype).eval()
    assert isinstance(model, NextItemsTransformer)
    histories = torch.randint(1, 21, (9, 7))
    histories = histories * (torch.arange(7) >= 7 - torch.arange(0, 9).clamp(max=7)[:, None])
    batch = packed(histories.numpy(), np.ones(9, dtype=int))
    assert len(batch.histories) < len(histories)
    weights = torch.randn(9, 8, dtype=dtype)
    gradients = []
    for states in (model.of_packed(batch), model.encode(histories), model.states(histories)[:, -1]):
        model.zero_grad()
        (states * weights).sum().backward()
        gradients.append([states, *(p.grad for p in model.parameters())])
    # the -10000 of the masks rounds the scores of an empty history
    tolerance = 2e-4 if dtype == torch.float32 else 1e-9
    for others in gradients[1:]:
        torch.testing.assert_close(gradients[0], others, atol=tolerance, rtol=tolerance)


def test_a_sequence_is_learned_from_at_all_its_positions() -> None:
    """Standard: the loss of a packed batch is the mean over all prefixes of all sequences."""
    torch.manual_seed(0)
    data = training_only([[5, 6, 7, 8], [9, 4], [3, 2, 1]])
    model = build_model("sasrec_ce", {"max_len": 5, "dim": 8}, "standard", data.num_items).eval()
    batches = training_batches(data, model, CPU)
    assert isinstance(batches, PackedSequences)
    batch = batches.gather(torch.arange(3))
    loss = model.loss(batch, CrossEntropy())["loss"]
    losses = []
    for user in ([5, 6, 7, 8], [9, 4], [3, 2, 1]):
        states = model.states(torch.tensor([user[:-1]]))[0]  # type: ignore[operator]
        logits = states @ model.item_vectors()[1:].T
        losses += [
            -row.log_softmax(0)[item - 1] for row, item in zip(logits, user[1:], strict=True)
        ]
    torch.testing.assert_close(loss, torch.stack(losses).mean())


def test_standard_leaves_padding_alone() -> None:
    torch.manual_seed(0)
    model = build_model("sasrec", {"max_len": 6, "dim": 8}, "standard", num_items=20).train()
    assert isinstance(model, NextItemsTransformer)
    batches = training_batches(training_only([[1, 2, 3], [4, 5, 6, 7]]), model, CPU)
    batch = batches.gather(torch.arange(2))
    assert isinstance(batch, PackedBatch)
    model.loss(batch, CrossEntropy(model.padding))["loss"].backward()
    assert not model.item_embedding.weight[0].any()
    gradient = model.item_embedding.weight.grad
    assert gradient is not None
    assert not gradient[0].any()
    assert gradient[1:].any(dim=1).all()
    model.eval()
    narrow = torch.tensor([[0, 4, 5], [6, 7, 8]])
    padded = torch.nn.functional.pad(narrow, (3, 0))
    torch.testing.assert_close(model.encode(narrow), model.encode(padded))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_heads": 3}, "multiple of num_heads"),
        ({"hiden_dropout": 0.1}, "did you mean 'model_options.hidden_dropout'"),
        ({"max_len": 0}, "model_options.max_len"),
    ],
)
def test_bad_options_are_one_clear_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as caught:
        checked_options("sasrec", options, "standard")
    assert "\n" not in str(caught.value)
