"""BSARec against the numbers of the authors' code, and its fast paths against plain forms."""

import numpy as np
import pytest
import torch

from seqrec.batches import Batch
from seqrec.errors import SeqrecError
from seqrec.models import build_model, checked_options
from seqrec.models.bsarec import BSARec
from tests.authors import batch_of, check_gradients, golden, model_of, tensor

CASES = ["BSARec_1", "BSARec_2", "BSARec_3"]


@pytest.mark.parametrize("case", CASES)
def test_outputs_equal_the_authors(case: str) -> None:
    arrays = golden(case)
    model, histories = model_of("bsarec", arrays).eval(), tensor(arrays, "input_ids")
    assert isinstance(model, BSARec)
    with torch.no_grad():
        every, last = model.states(histories), model.encode(histories)
        logits = last @ model.item_vectors().T
    np.testing.assert_allclose(every, arrays["seq_output_eval"], atol=2e-5)
    np.testing.assert_allclose(last, arrays["seq_output_eval"][:, -1], atol=2e-5)
    np.testing.assert_allclose(logits, arrays["logits_eval"], atol=2e-5)


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradients_equal_the_authors(case: str) -> None:
    arrays = golden(case)
    model = model_of("bsarec", arrays).train()
    loss = model.loss(batch_of(arrays))["loss"]
    loss.backward()
    assert loss.item() == pytest.approx(float(arrays["loss"]), abs=1e-5)
    check_gradients("bsarec", model, arrays)


@pytest.mark.parametrize("protocol", ["authors", "standard"])
@pytest.mark.parametrize("num_heads", [1, 2])
def test_last_position_alone_equals_the_last_of_all(protocol: str, num_heads: int) -> None:
    torch.manual_seed(0)
    options = {"max_len": 9, "dim": 8, "num_heads": num_heads, "num_blocks": 3, "c": 3}
    model = build_model("bsarec", options, protocol, num_items=20).eval()
    assert isinstance(model, BSARec)
    histories = torch.randint(1, 21, (6, 9)).tril(diagonal=3).flip(1)
    torch.testing.assert_close(model.encode(histories), model.states(histories)[:, -1])


def test_standard_ignores_padding() -> None:
    """Neither the padding row of the table nor what stands at padding positions matters."""
    torch.manual_seed(0)
    options = {"max_len": 8, "dim": 8, "c": 3}
    model = build_model("bsarec", options, "standard", num_items=20).eval()
    assert isinstance(model, BSARec)
    histories = torch.tensor([[0, 0, 0, 4, 5, 6, 7, 8]])
    before = model.encode(histories)
    with torch.no_grad():
        model.item_embedding.weight[0] = 7.0
        model.position_embedding.weight[:3] = 7.0
    torch.testing.assert_close(model.encode(histories), before)


def test_standard_gives_padding_no_gradient() -> None:
    torch.manual_seed(0)
    model = build_model("bsarec", {"max_len": 4, "dim": 8, "c": 3}, "standard", num_items=5)
    assert isinstance(model, BSARec)
    histories, targets = torch.tensor([[0, 0, 1, 2], [0, 3, 4, 5]]), torch.tensor([3, 1])
    model.loss(Batch(users=targets, histories=histories, targets=targets))["loss"].backward()
    gradient = model.item_embedding.weight.grad
    assert gradient is not None
    assert not gradient[0].any()
    assert gradient[1:].any(dim=1).all()


def test_filter_weights_start_equal_in_all_blocks() -> None:
    model = build_model("bsarec", {"num_blocks": 3}, "authors", num_items=5)
    assert isinstance(model, BSARec)
    first, *others = (layer.sqrt_beta for layer in model.frequency_filters())
    assert all(torch.equal(first, other) for other in others)
    assert first.std() > 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_len": 0}, "model_options.max_len"),
        ({"alhpa": 0.5}, "did you mean 'model_options.alpha'"),
        ({"num_heads": 3}, "multiple of num_heads"),
        ({"c": 4}, "must be odd"),
        ({"c": 51, "max_len": 20}, "keeps more components"),
        ({"alpha": "high"}, "model_options.alpha"),
        ({"protocol": "authors"}, "write protocol=NAME"),
        ({"num_items": 3}, "leave it out"),
    ],
)
def test_bad_options_are_one_clear_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as caught:
        checked_options("bsarec", options, "standard")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("protocol", "width"), [("standard", 7), ("authors", 7), ("authors", 4)])
def test_a_history_of_a_wrong_width_is_one_clear_line(protocol: str, width: int) -> None:
    """The authors' padding leaves traces in a state: it must be there in full."""
    model = build_model("bsarec", {"max_len": 6, "c": 3}, protocol, num_items=5)
    with pytest.raises(SeqrecError, match=f"{width} columns, the model takes max_len=6") as caught:
        model.encode(torch.ones(2, width, dtype=torch.long))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("num_heads", [1, 2])
def test_standard_needs_no_padding(dtype: torch.dtype, num_heads: int) -> None:
    torch.manual_seed(0)
    options = {"max_len": 9, "dim": 8, "num_heads": num_heads, "num_blocks": 3, "c": 3}
    model = build_model("bsarec", options, "standard", num_items=20).to(dtype).eval()
    assert isinstance(model, BSARec)
    narrow = torch.tensor([[0, 0, 4, 5], [6, 7, 8, 9], [0, 0, 0, 3]])
    padded = torch.nn.functional.pad(narrow, (5, 0))
    torch.testing.assert_close(model.encode(narrow), model.encode(padded))
    torch.testing.assert_close(model.states(narrow), model.states(padded)[:, -4:])
    torch.testing.assert_close(model.encode(narrow[2:, -1:]), model.encode(padded[2:]))


@pytest.mark.parametrize(("max_len", "c"), [(1, 3), (5, 7), (5, 0), (12, 99), (13, 4)])
def test_authors_take_any_c(max_len: int, c: int) -> None:
    """More components than there are mean that nothing is cut off."""
    model = build_model("bsarec", {"max_len": max_len, "dim": 8, "c": c}, "authors", num_items=5)
    assert isinstance(model, BSARec)
    x = torch.randn(3, max_len, 8)
    spectrum = torch.fft.rfft(x, dim=1, norm="ortho")
    spectrum[:, c // 2 + 1 :] = 0
    expected = torch.fft.irfft(spectrum, n=max_len, dim=1, norm="ortho")
    torch.testing.assert_close(model.frequency_filters()[0].low_pass(x), expected)
