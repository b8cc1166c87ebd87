"""FMLPRec against the numbers of the authors' code, and its fast paths against plain forms."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from benchmarks.plain.fmlprec import PlainFMLPRec
from seqrec.batches import Batch
from seqrec.errors import SeqrecError
from seqrec.losses.negatives import BinaryCrossEntropy
from seqrec.models import build_model, checked_options
from seqrec.models.fmlprec import FMLPRec, SpectralFilter
from tests.authors import batch_of, check_gradients, golden, model_of, tensor
from tests.models.small import histories_of, small_model

SMALL: dict[str, Any] = {"max_len": 9, "dim": 8, "num_blocks": 3, "hidden_dropout": 0.0}


def small(protocol: str, **options: Any) -> FMLPRec:
    return small_model(FMLPRec, "fmlprec", protocol, {**SMALL, **options})


def test_outputs_equal_the_authors() -> None:
    arrays = golden("FMLPRec_1")
    model = model_of("fmlprec", arrays).eval()
    assert isinstance(model, FMLPRec)
    histories, expected = tensor(arrays, "input_ids"), arrays["seq_output_eval"]
    with torch.no_grad():
        last = model.encode(histories)
        np.testing.assert_allclose(model.states(histories), expected, atol=2e-5)
        np.testing.assert_allclose(last, expected[:, -1], atol=2e-5)
        logits = last @ model.item_vectors().T
    np.testing.assert_allclose(logits, arrays["logits_eval"], atol=2e-5)


def test_loss_and_gradients_equal_the_authors() -> None:
    arrays = golden("FMLPRec_1")
    model, negatives = model_of("fmlprec", arrays).train(), tensor(arrays, "neg_answers")
    losses = model.loss(batch_of(arrays), BinaryCrossEntropy(lambda held: negatives[:, None]))
    losses["loss"].backward()
    assert losses["loss"].item() == pytest.approx(float(arrays["loss"]), abs=1e-5)
    check_gradients("fmlprec", model, arrays)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("max_len", [8, 9])
def test_equals_the_plain_form(dtype: torch.dtype, max_len: int) -> None:
    """Scores, loss and gradients are those of transforms at all positions."""
    model = small("authors", max_len=max_len).to(dtype)
    plain = PlainFMLPRec({**SMALL, "max_len": max_len}, 20, "authors").to(dtype)
    plain.load_state_dict(model.state_dict())
    histories, targets = histories_of(9, max_len), torch.randint(1, 21, (9,))
    assert_close(model.encode(histories) @ model.item_vectors().T, plain.scores(histories))
    negatives = torch.randint(1, 21, (9,))
    drawn = BinaryCrossEntropy(lambda held: negatives[:, None])
    ours = model.loss(Batch(targets, histories, targets), drawn)["loss"]
    theirs = plain.loss(histories, targets, negatives)
    assert_close(ours, theirs)
    torch.autograd.backward([ours, theirs])
    # the map from weights to the filter is in float32
    expected, atol = dict(plain.named_parameters()), 5e-6 if dtype == torch.float32 else 1e-7
    for name, parameter in model.named_parameters():
        assert_close(parameter.grad, expected[name].grad, atol=atol, rtol=10 * atol)


@pytest.mark.parametrize("length", [1, 2, 7, 12])
def test_the_filter_is_that_of_its_spectrum(length: int) -> None:
    """The imaginary parts at the first and, for an even length, the last bin do not matter."""
    layer, x = SpectralFilter(length, 3).double(), torch.randn(4, length, 3).double()
    with torch.no_grad():
        layer.weight.normal_()
    spectrum = torch.fft.rfft(x, dim=1, norm="ortho") * torch.view_as_complex(layer.weight)
    expected = torch.fft.irfft(spectrum, n=length, dim=1, norm="ortho")
    assert_close(layer(x), expected, atol=1e-6, rtol=1e-6)
    assert_close(layer.last(x), expected[:, -1], atol=1e-6, rtol=1e-6)
    (of_weight,) = torch.autograd.grad(layer(x).square().sum(), layer.weight)
    (same,) = torch.autograd.grad(expected.square().sum(), layer.weight)
    assert_close(of_weight, same, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("protocol", ["authors", "standard"])
def test_last_position_alone_equals_the_last_of_all(protocol: str) -> None:
    model, histories = small(protocol).eval(), histories_of(9, 9)
    assert_close(model.encode(histories), model.states(histories)[:, -1])


def test_standard_is_the_authors_model_without_padding() -> None:
    """Histories without padding have the same state; the others have not."""
    standard, authors = small("standard").eval(), small("authors").eval()
    authors.load_state_dict(standard.state_dict())
    full, padded = histories_of(12, 9)[9:], histories_of(9, 9)[1:]
    assert_close(standard.encode(full), authors.encode(full))
    assert not torch.allclose(standard.encode(padded), authors.encode(padded), atol=1e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_standard_needs_no_padding(dtype: torch.dtype) -> None:
    model, narrow = small("standard").to(dtype).eval(), histories_of(5, 4)[1:]
    padded = torch.nn.functional.pad(narrow, (5, 0))
    assert_close(model.encode(narrow), model.encode(padded))
    assert_close(model.states(narrow), model.states(padded)[:, -4:])


def test_standard_ignores_padding() -> None:
    """Neither the padding row of the table nor what stands at padding positions matters."""
    model, histories = small("standard").eval(), torch.tensor([[0] * 4 + [4, 5, 6, 7, 8]])
    before = model.encode(histories)
    with torch.no_grad():
        model.item_embedding.weight[0] = 7.0
        model.position_embedding.weight[:4] = 7.0
    assert_close(model.encode(histories), before)


def test_standard_gives_padding_no_gradient() -> None:
    model, histories = small("standard"), histories_of(9, 9)[1:]
    targets = torch.arange(1, 9)
    model.loss(Batch(targets, histories, targets))["loss"].backward()
    gradient = model.item_embedding.weight.grad
    assert gradient is not None
    assert not gradient[0].any()
    assert gradient[1:9].any(dim=1).all()


def test_filters_start_equal_in_all_blocks() -> None:
    model = build_model("fmlprec", {"num_blocks": 3}, "authors", num_items=5)
    assert isinstance(model, FMLPRec)
    first, *others = (layer.weight for layer in model.filters())
    assert all(torch.equal(first, other) for other in others)
    assert 0.015 < first.std() < 0.025


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_len": 0}, "model_options.max_len"),
        ({"hidden_droput": 0.5}, "did you mean 'model_options.hidden_dropout'"),
        ({"num_heads": 2}, "model_options.num_heads"),
        ({"num_blocks": 0}, "model_options.num_blocks"),
    ],
)
def test_bad_options_are_one_clear_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as caught:
        checked_options("fmlprec", options, "standard")
    assert "\n" not in str(caught.value)
