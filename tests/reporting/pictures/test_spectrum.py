"""Responses of maps whose spectrum is known by hand."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqrec.errors import SeqrecError
from seqrec.models import build_model
from seqrec.models.bsarec import BSARec
from seqrec.reporting.pictures.depth import Stack, stacks
from seqrec.reporting.pictures.spectrum import (
    attention_response,
    learned_filter,
    mean_of_the_past,
    mixed_response,
    through,
    waves,
)

W = 8
K = W // 2 + 1
UNIFORM = np.full((W, W), 1 / W)
IDENTITY = np.eye(W)
SHIFT = np.roll(np.eye(W), 1, axis=0)
ONLY_CONSTANT = [1.0] + [0.0] * (K - 1)


def stack_of(*maps: np.ndarray) -> Stack:
    """One block; the maps are its heads, for one history."""
    weights = torch.from_numpy(np.stack(maps))[None]
    width = weights.shape[-1]
    states = torch.zeros(1, width, 4)
    return Stack("all", [states, states], [weights])


def bsarec(alpha: float, max_len: int = W) -> BSARec:
    """Three channels whose high frequencies weigh 0, 1 and 4; two bins are low."""
    options = {"max_len": max_len, "dim": 3, "c": 3, "alpha": alpha, "num_blocks": 1}
    model = build_model("bsarec", options, "standard", num_items=9)
    assert isinstance(model, BSARec)
    with torch.no_grad():
        model.frequency_filters()[0].sqrt_beta.copy_(torch.tensor([0.0, 1.0, -2.0]))
    return model


def test_waves_are_orthonormal() -> None:
    np.testing.assert_allclose(waves(W).conj().T @ waves(W), np.eye(K), atol=1e-12)


def test_the_identity_lets_all_through() -> None:
    np.testing.assert_allclose(through(IDENTITY).response, np.ones(K))
    np.testing.assert_allclose(through(IDENTITY).gain, np.ones(K))


def test_an_average_lets_the_constant_through_alone() -> None:
    np.testing.assert_allclose(through(UNIFORM).response, ONLY_CONSTANT, atol=1e-12)
    np.testing.assert_allclose(through(UNIFORM).gain, ONLY_CONSTANT, atol=1e-12)


def test_looking_one_back_damps_nothing() -> None:
    np.testing.assert_allclose(through(SHIFT).response, np.ones(K))


def test_the_mean_of_two_neighbours_is_a_cosine() -> None:
    """(1 + exp(-2πi k / W)) / 2 has the absolute value cos(π k / W)."""
    expected = np.cos(np.pi * np.arange(K) / W)
    np.testing.assert_allclose(through((IDENTITY + SHIFT) / 2).response, expected, atol=1e-12)


def test_a_permutation_scatters_and_does_not_damp() -> None:
    reversed_order = np.eye(W)[::-1]
    scattered = through(reversed_order)
    np.testing.assert_allclose(scattered.response, [1, 0, 0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(scattered.gain, np.ones(K))


@given(seed=st.integers(0, 2**32 - 1), width=st.integers(2, 12), sharpness=st.floats(0, 20))
def test_shares_never_amplify(seed: int, width: int, sharpness: float) -> None:
    scores = sharpness * np.random.default_rng(seed).normal(size=(width, width))
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    response, gain = through(weights / weights.sum(axis=1, keepdims=True))
    assert response[0] == pytest.approx(1)
    assert gain[0] == pytest.approx(1)
    assert (response <= gain + 1e-9).all()
    assert (gain <= 1 + 1e-9).all()


def test_attention_is_averaged_over_heads_and_histories() -> None:
    table = attention_response(stack_of(IDENTITY, UNIFORM))
    np.testing.assert_allclose(table["response"], [1.0] + [0.5] * (K - 1), atol=1e-12)
    np.testing.assert_allclose(table["frequency"], np.arange(K) / W)
    assert table["bin"].tolist() == list(range(K))
    assert set(table["operator"]) == {"attention"}
    two = Stack("all", [], [torch.from_numpy(np.stack([[IDENTITY], [UNIFORM]]))])
    pd.testing.assert_frame_equal(attention_response(two), table)


def test_blocks_are_counted_from_one() -> None:
    stack = stack_of(IDENTITY)
    twice = stack._replace(attention=[*stack.attention, torch.from_numpy(UNIFORM)[None, None]])
    table = attention_response(twice).set_index(["block", "bin"])["response"]
    assert table[1, 3] == pytest.approx(1)
    assert table[2, 3] == pytest.approx(0, abs=1e-12)


def of(table: pd.DataFrame, operator: str) -> np.ndarray:
    return table.loc[table["operator"] == operator, "response"].to_numpy()


def test_the_mixture_adds_filter_and_attention() -> None:
    """High waves: the filter gives (0 + 1 + 4) / 3, the uniform attention 0."""
    table = mixed_response(bsarec(alpha=0.4), stack_of(UNIFORM))
    np.testing.assert_allclose(of(table, "filter"), [1, 1, 5 / 3, 5 / 3, 5 / 3], rtol=1e-5)
    np.testing.assert_allclose(of(table, "mixed"), [1, 0.4, 2 / 3, 2 / 3, 2 / 3], rtol=1e-5)


@pytest.mark.parametrize(("alpha", "operator"), [(1.0, "filter"), (0.0, "attention")])
def test_the_ends_of_the_mixture(alpha: float, operator: str) -> None:
    stack = stack_of(SHIFT, (UNIFORM + IDENTITY) / 2)
    mixed = mixed_response(bsarec(alpha), stack)
    responses = pd.concat([mixed, attention_response(stack)])
    np.testing.assert_allclose(of(mixed, "mixed"), of(responses, operator), atol=1e-6)


def test_the_filter_of_a_shorter_history_is_the_models_own() -> None:
    """With max_len positions of which the first are empty, as the model hides padding."""
    model, width = bsarec(alpha=1.0), 5
    (stack,) = stacks(model, torch.arange(1, width + 1)[None])
    inputs = torch.from_numpy(waves(width))
    padded = torch.cat([torch.zeros(W - width, inputs.shape[1], dtype=inputs.dtype), inputs])
    spectrum = torch.fft.fft(padded, dim=0)
    spectrum[2 : W - 1] = 0
    low = torch.fft.ifft(spectrum, dim=0)[-width:]
    each = [low + weight * (inputs - low) for weight in (0, 1, 4)]
    expected = torch.stack([(inputs.conj() * one).sum(dim=0).abs() for one in each]).mean(dim=0)
    np.testing.assert_allclose(of(mixed_response(model, stack), "filter"), expected, atol=1e-5)


def test_the_learned_filter_by_channel() -> None:
    table = learned_filter(bsarec(alpha=0.5)).pivot(
        index="bin", columns="statistic", values="weight"
    )
    np.testing.assert_allclose(table.loc[:1], 1, rtol=1e-5)
    high = table.loc[2:]
    assert len(high) == K - 2
    np.testing.assert_allclose(high["mean"], 5 / 3, rtol=1e-5)
    np.testing.assert_allclose(high["decile 5"], 1, rtol=1e-5)
    np.testing.assert_allclose(high["decile 9"], 1 + 3 * 0.8, rtol=1e-5)  # 0.8 from 1 to 4


def test_another_model_has_no_filter() -> None:
    model = build_model("sasrec", {}, "standard", num_items=5)
    with pytest.raises(SeqrecError, match="SASRec has no frequency filter; choose bsarec"):
        learned_filter(model)


def test_a_mean_of_the_past_is_low_pass() -> None:
    """Two positions, by hand: rows (1, 0) and (1/2, 1/2); of the wave (1, -1) half comes out."""
    table = mean_of_the_past(2)
    np.testing.assert_allclose(table["response"], [1.0, 0.5])
    np.testing.assert_allclose(table["gain"], [1.0, np.sqrt(0.5)])
    assert mean_of_the_past(50)["response"].is_monotonic_decreasing
