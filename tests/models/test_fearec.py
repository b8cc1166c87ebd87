"""FEARec against the numbers of the authors' code, and its fast paths against plain forms."""

import json
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from benchmarks.plain.fearec import PlainFEARec
from seqrec import interop
from seqrec.batches import Batch
from seqrec.errors import SeqrecError
from seqrec.losses.contrastive import info_nce
from seqrec.models import build_model, checked_options
from seqrec.models.fearec import FEARec, FEARecBlock, FEARecConfig
from seqrec.models.parts.hybrid_attention import frequency_bands
from seqrec.training.loop import training_batches
from tests.authors import CPU, batch_of, check_gradients, golden, model_of, tensor
from tests.batches.test_packing import training_only
from tests.models.small import histories_of, small_model

CASES = ["FEARec_1", "FEARec_2"]
SMALL: dict[str, Any] = {
    "max_len": 12,
    "dim": 8,
    "num_blocks": 2,
    "num_heads": 2,
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
    "spatial_ratio": 0.3,
    "global_ratio": 0.6,
    "supervised_weight": 0.2,
    "unsupervised_weight": 0.3,
    "regularisation_weight": 0.4,
}
SHAPES: list[dict[str, Any]] = [
    {},
    {"num_blocks": 3, "num_heads": 1, "global_ratio": 0.2, "similarity": "cos", "tau": 0.7},
    {"num_blocks": 3, "max_len": 41, "global_ratio": 0.5},
    {"num_blocks": 1, "num_heads": 4, "max_len": 5},
    {"max_len": 40, "global_ratio": 1.0, "regularise_frequencies": False},
]


def small(protocol: str, **options: Any) -> FEARec:
    return small_model(FEARec, "fearec", protocol, {**SMALL, **options})


def batch(length: int = 12) -> Batch:
    histories, targets = histories_of(9, length)[1:], torch.randint(1, 21, (8,))
    return Batch(targets, histories, targets, histories_of(9, length, seed=2)[1:].flip(0))


@pytest.mark.parametrize("case", CASES)
def test_outputs_equal_the_authors(case: str) -> None:
    """Training picks the delays by the mean of the batch, evaluation for each history."""
    arrays = golden(case)
    model, histories = model_of("fearec", arrays), tensor(arrays, "input_ids")
    assert isinstance(model, FEARec)
    for mode in ("eval", "train"):
        model.train(mode == "train")
        expected = arrays[f"seq_output_{mode}"]
        with torch.no_grad():
            np.testing.assert_allclose(model.states(histories), expected, atol=2e-5)
            last = model.encode(histories)
        np.testing.assert_allclose(last, expected[:, -1], atol=2e-5)
        if mode == "eval":
            logits = last @ model.item_vectors().T.detach()
            np.testing.assert_allclose(logits, arrays["logits_eval"], atol=2e-5)


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradients_equal_the_authors(case: str) -> None:
    arrays = golden(case)
    model = model_of("fearec", arrays).train()
    losses = model.loss(batch_of(arrays))
    losses["loss"].backward()
    assert losses["loss"].item() == pytest.approx(float(arrays["loss"]), abs=1e-5)
    check_gradients("fearec", model, arrays)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_plain_form(shape: dict[str, Any], dtype: torch.dtype) -> None:
    """Scores, loss and gradients are those of transforms and shifted copies."""
    model = small("authors", **shape).to(dtype)
    options = {name: getattr(model.config, name) for name in FEARecConfig.__dataclass_fields__}
    plain = PlainFEARec(options, 20, "authors").to(dtype)
    plain.load_state_dict(model.state_dict())
    data = batch(options["max_len"])
    for part in (model, plain):
        part.eval()
    scores = model.encode(data.histories) @ model.item_vectors().T
    assert_close(scores, plain.scores(data.histories))
    for part in (model, plain):
        part.train()
    assert data.same_target is not None
    ours = model.loss(data)["loss"]
    theirs = plain.loss(data.histories, data.targets, data.same_target)
    assert_close(ours, theirs)
    torch.autograd.backward([ours, theirs])
    # the map that keeps a band is in float32
    expected, atol = dict(plain.named_parameters()), 5e-6 if dtype == torch.float32 else 1e-7
    for name, parameter in model.named_parameters():
        assert_close(parameter.grad, expected[name].grad, atol=atol, rtol=10 * atol)


@pytest.mark.parametrize("protocol", ["authors", "standard"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("training", [True, False])
def test_last_position_alone_equals_the_last_of_all(
    protocol: str, shape: dict[str, Any], training: bool
) -> None:
    model = small(protocol, **shape).double().train(training)
    histories = batch(model.config.max_len).histories
    last, every = model.encode(histories), model.states(histories)[:, -1]
    assert_close(last, every)
    weights = torch.randn_like(last)
    torch.autograd.backward((last * weights).sum())
    of_last = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()
    torch.autograd.backward((every * weights).sum())
    for gradient, parameter in zip(of_last, model.parameters(), strict=True):
        assert_close(gradient, parameter.grad)


def test_bands_by_hand() -> None:
    """Shared out without overlap, or wider than that and sliding down."""
    assert frequency_bands(50, 3, 0.3) == [range(17, 26), range(8, 17), range(8)]
    assert frequency_bands(36, 2, 0.6) == [range(7, 19), range(12)]
    assert frequency_bands(50, 3, 0.6) == [range(10, 26), range(5, 21), range(16)]
    assert frequency_bands(50, 1, 0.6) == [range(26)]
    assert frequency_bands(50, 2, 1.0) == [range(26), range(26)]


def test_each_block_sees_its_band_alone() -> None:
    """A wave outside the band of the only attention in time leaves no trace."""
    model = small("authors", max_len=12, spatial_ratio=1.0, global_ratio=0.5)
    first, second = (cast(FEARecBlock, block).attention for block in model.blocks)
    wave = torch.cos(2 * torch.pi * torch.arange(12) * 1 / 12)[None, :, None]
    x, mask = torch.randn(2, 12, 8), torch.zeros(2, 1, 12, 12)
    before = first(x, mask)
    assert_close(first(x + wave, mask), before, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(second(x + wave, mask), before, atol=1e-2)


@pytest.mark.parametrize("kind", ["un", "su", "us", "us_x"])
def test_views_are_compared_by_pairs(kind: str) -> None:
    """Without dropout two passes are alike, so that every term can be told from its views."""
    data = batch()
    model = small("authors", contrast=kind, regularised_views=kind).train()
    assert data.same_target is not None
    with torch.no_grad():
        losses = model.loss(data)
        own, partner = model.states(data.histories), model.states(data.same_target)
    alike = 0.3 * info_nce(own[:, -1], own[:, -1], tau=1.0, similarity="dot")
    same = 0.2 * info_nce(own[:, -1], partner[:, -1], tau=1.0, similarity="dot")
    expected = {"un": alike, "su": same, "us": alike + same, "us_x": same}
    assert_close(losses["contrast"], expected[kind])
    spectra = (torch.fft.rfft(part, dim=1, norm="ortho") for part in (own, partner))
    distance = 0.4 * (next(spectra) - next(spectra)).abs().mean()
    assert_close(losses["spectra"], torch.zeros(()) if kind == "un" else distance)
    parts = losses["items"] + losses["contrast"] + losses["spectra"]
    assert_close(losses["loss"], parts)
    assert model.needs_same_targets == (kind != "un")


def test_without_views_it_is_cross_entropy_alone() -> None:
    model = small("standard", contrast="none", regularise_frequencies=False)
    assert not model.needs_same_targets
    losses = model.loss(batch())
    assert set(losses) == {"loss", "items"}
    assert_close(losses["loss"], losses["items"])


@pytest.mark.parametrize("protocol", ["authors", "standard"])
def test_two_passes_differ_by_dropout(protocol: str) -> None:
    torch.manual_seed(0)
    data = training_only([[1, 2, 3], [4, 5, 3], [6, 7, 8, 3]])
    options = {"max_len": 6, "dim": 8, "contrast": "un", "regularised_views": "un"}
    model = build_model("fearec", options, protocol, data.num_items).train()
    batches = training_batches(data, model, CPU)
    losses = model.loss(batches.gather(torch.arange(len(batches))))
    assert losses["spectra"].item() > 0.01


def test_standard_is_the_authors_model_without_padding() -> None:
    """Histories without padding have the same state; the others have not."""
    standard, authors = small("standard").eval(), small("authors").eval()
    authors.load_state_dict(standard.state_dict())
    full, padded = histories_of(15, 12)[12:], histories_of(9, 12)[1:]
    assert_close(standard.encode(full), authors.encode(full))
    assert not torch.allclose(standard.encode(padded), authors.encode(padded), atol=1e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_standard_needs_no_padding(shape: dict[str, Any], dtype: torch.dtype) -> None:
    model = small("standard", **shape).to(dtype).eval()
    narrow = histories_of(5, 4)[1:]
    padded = torch.nn.functional.pad(narrow, (model.config.max_len - 4, 0))
    assert_close(model.encode(narrow), model.encode(padded), atol=1e-5, rtol=1e-5)
    states = model.states(padded)[:, -4:]
    assert_close(model.states(narrow), states, atol=1e-5, rtol=1e-5)


def test_standard_ignores_padding() -> None:
    """Neither the padding row of the table nor what stands at padding positions matters."""
    model, histories = small("standard").eval(), torch.tensor([[0] * 7 + [4, 5, 6, 7, 8]])
    before = model.encode(histories)
    with torch.no_grad():
        model.item_embedding.weight[0] = 7.0
        model.position_embedding.weight[:7] = 7.0
    assert_close(model.encode(histories), before)


def test_standard_gives_padding_no_gradient() -> None:
    model, data = small("standard").train(), batch()
    model.loss(data)["loss"].backward()
    gradient = model.item_embedding.weight.grad
    assert gradient is not None
    assert not gradient[0].any()
    assert gradient[data.targets].any(dim=1).all()


@pytest.mark.parametrize(("written", "kept"), [("True", True), ("False", False), (False, False)])
def test_the_authors_truth_values_are_understood(written: object, kept: bool) -> None:
    arrays = golden("FEARec_1")
    config = json.loads(str(arrays["config"])) | {"fredom": written}
    state = {k.removeprefix("param/"): v for k, v in arrays.items() if k.startswith("param/")}
    assert interop.from_authors("fearec", state, config).config.regularise_frequencies is kept
    with pytest.raises(SeqrecError, match=r"model_options\.contrast"):
        interop.from_authors("fearec", state, config | {"ssl": "all"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_heads": 3}, "multiple of num_heads"),
        ({"max_len": 3, "num_blocks": 4, "global_ratio": 0.1}, "take fewer blocks"),
        ({"contrast": "all"}, "model_options.contrast"),
        ({"regularised_views": "all"}, "model_options.regularised_views"),
        ({"similarity": "euclid"}, "model_options.similarity"),
        ({"regularise_frequencies": "perhaps"}, "model_options.regularise_frequencies"),
        ({"tau": 0}, "model_options.tau"),
        ({"global_ratio": 1.2}, "model_options.global_ratio"),
        ({"spatial_ratio": -0.1}, "model_options.spatial_ratio"),
    ],
)
def test_bad_options_are_one_clear_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(SeqrecError, match=message) as caught:
        checked_options("fearec", options, "standard")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("max_len", [1, 2, 7, 35])
@pytest.mark.parametrize("num_blocks", [1, 2])
def test_short_histories_work(max_len: int, num_blocks: int) -> None:
    """The authors' code needs 36 positions and two blocks."""
    model = small("authors", max_len=max_len, num_blocks=num_blocks)
    losses = model.loss(batch(max_len))
    losses["loss"].backward()
    assert all(torch.isfinite(value) for value in losses.values())
    assert torch.isfinite(model.eval().encode(batch(max_len).histories)).all()
