"""Which frequencies a block lets through: of its attention, of BSARec's filter, and of both.

Theorem 1 of BSARec (arXiv 2312.10325): softmax attention is a low-pass filter. Here a block's
mixing is a linear map A over the W positions: the attention weights of one head on one history. All
that does not mix positions stands outside: values, residual, LayerNorm, feed-forward. With f_k the
orthonormal Fourier wave of k periods in W positions, two numbers say what becomes of it:

- response, |f_kᴴ A f_k|: how much of the wave comes out as the same wave, the k-th entry on the
  diagonal of A in the Fourier basis. Of a circulant A, a filter in the strict sense, it tells all.
- gain, ‖A f_k‖: how much comes out at all, as whatever wave. Attention that looks here and there
  scatters a wave without damping it; then the response falls and the gain does not.

Neither is scaled. The rows of A are not negative and sum to 1, so that both are 1 at k = 0 and at
most 1 elsewhere, and the response is at most the gain: low-pass means that they fall with k. A mean
over the past, which looks at nothing, is low-pass as well: ``mean_of_the_past`` is its curve, to
see what of a model's curve is learned.

Shapes: W positions, K = W // 2 + 1 waves (a real A treats k and W - k alike), d channels, H heads.
"""

from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import nn

from seqrec.errors import SeqrecError
from seqrec.models.bsarec import BSARec, BSARecBlock, FrequencyFilter
from seqrec.reporting.pictures.depth import Stack

Array = npt.NDArray[Any]
DECILES = tuple(range(1, 10))


class Through(NamedTuple):
    """What comes through a map of each wave; a last axis of K."""

    response: Array
    gain: Array

    def mean(self) -> "Through":
        """Return the mean over all axes but that of the waves: (K,)."""
        return Through(*(x.mean(axis=tuple(range(x.ndim - 1))) for x in self))


def waves(width: int) -> Array:
    """Return the orthonormal Fourier waves of 0 to W // 2 periods, as columns: (W, K), complex."""
    angles = 2 * np.pi * np.outer(np.arange(width), np.arange(width // 2 + 1)) / width
    columns: Array = np.exp(1j * angles) / np.sqrt(width)
    return columns


def through(maps: Array) -> Through:
    """Return response and gain of maps over positions.

    Args:
        maps: (…, W, W), rows are where it comes out.

    Returns:
        Two arrays (…, K).
    """
    inputs = waves(maps.shape[-1])
    outputs = maps @ inputs
    return Through(np.abs(_product(inputs, outputs)), np.linalg.norm(outputs, axis=-2))


def attention_response(stack: Stack) -> pd.DataFrame:
    """Return what the attention of each block lets through, on average over histories and heads.

    Args:
        stack: of ``seqrec.reporting.pictures.depth.stacks``.

    Returns:
        branch, block (from 1), operator (``attention``), bin (k), frequency (k / W, in periods an
        item), response, gain; sorted by block and bin.
    """
    tables = []
    for block, weights in enumerate(stack.attention, start=1):
        of_each = [through(history) for history in weights.double().cpu().numpy()]
        tables.append(_table(stack, block, "attention", _mean(of_each)))
    return pd.concat(tables, ignore_index=True)


def mixed_response(model: BSARec, stack: Stack) -> pd.DataFrame:
    """Return what BSARec's filter lets through, and alpha * filter + (1 - alpha) * attention.

    The filter has a weight a channel, so there is one map for each channel: the numbers are means
    over histories, heads and channels (equations 10 and 11, without their LayerNorms).

    Args:
        model: whose filters they are.
        stack: of ``seqrec.reporting.pictures.depth.stacks`` for this model.

    Returns:
        The columns of ``attention_response``; operator is ``filter`` or ``mixed``.
    """
    tables = []
    blocks = cast("list[BSARecBlock]", list(model.blocks))
    for number, (block, weights) in enumerate(zip(blocks, stack.attention, strict=True), start=1):
        inputs = waves(weights.shape[-1])
        low, high = _parts(block.filter, inputs)
        beta, alpha = _beta(block.filter), block.alpha
        filtered = _rescaled(inputs, low, high, beta)
        tables.append(_table(stack, number, "filter", filtered.mean()))
        of_each = [
            _rescaled(inputs, alpha * low + (1 - alpha) * attended, high, alpha * beta)
            for attended in weights.double().cpu().numpy() @ inputs
        ]
        tables.append(_table(stack, number, "mixed", _mean(of_each)))
    return pd.concat(tables, ignore_index=True)


def mean_of_the_past(width: int) -> pd.DataFrame:
    """Return what uniform causal attention lets through, a mean of all positions up to each.

    Returns:
        bin, frequency, response, gain, as ``attention_response`` has them.
    """
    past = np.tril(np.ones((width, width)))
    return _numbers(width, through(past / past.sum(axis=1, keepdims=True)))


def learned_filter(model: nn.Module) -> pd.DataFrame:
    """Return the weight that BSARec's filter gives each frequency of a history of max_len items.

    1 on the low bins, the square of the learned weight on the high ones (equation 10): its mean and
    deciles over the channels.

    Args:
        model: a BSARec.

    Returns:
        block (from 1), bin, frequency (in periods an item), statistic (``mean``, ``decile 1`` to
        ``decile 9``), weight.

    Raises:
        SeqrecError: it is another model.
    """
    if not isinstance(model, BSARec):
        raise SeqrecError(f"{type(model).__name__} has no frequency filter; choose bsarec")
    tables = []
    for block, layer in enumerate(model.frequency_filters(), start=1):
        inputs = waves(model.config.max_len)
        low, high = _parts(layer, inputs)
        weights = (_product(inputs, low) + _beta(layer)[:, None] * _product(inputs, high)).real
        tables += [
            _bins(model.config.max_len).assign(block=block, statistic=name, weight=values)
            for name, values in _statistics(weights)
        ]
    columns = ["block", "bin", "frequency", "statistic", "weight"]
    return pd.concat(tables, ignore_index=True)[columns]


def _parts(layer: FrequencyFilter, inputs: Array) -> tuple[Array, Array]:
    """Return the low and the high part of waves, (W, K) each, as the filter parts them."""
    basis = layer.low_pass.basis[-len(inputs) :].double().cpu().numpy()
    low = basis @ (basis.T @ inputs)
    return low, inputs - low


def _beta(layer: FrequencyFilter) -> Array:
    """Return the weight of the high part in each channel: (d,)."""
    beta: Array = layer.sqrt_beta.detach().square().double().cpu().numpy()
    return beta


def _rescaled(inputs: Array, rest: Array, high: Array, weights: Array) -> Through:
    """Compare waves with ``rest + weight * high`` for each of (d,) weights: (…, d, K).

    ``rest`` is (…, W, K). The products are expanded: d sums over the positions become two.
    """
    rests, highs = (_product(inputs, part)[..., None, :] for part in (rest, high))
    both = _product(high, rest)[..., None, :].real
    powers = [_product(part, part)[..., None, :].real for part in (rest, high)]
    weights = weights[:, None]
    power = powers[0] + 2 * weights * both + weights**2 * powers[1]
    return Through(np.abs(rests + weights * highs), np.sqrt(np.maximum(power, 0)))


def _product(first: Array, second: Array) -> Array:
    """Return the inner products over the positions of (…, W, K): (…, K)."""
    products: Array = (first.conj() * second).sum(axis=-2)
    return products


def _mean(of_each: list[Through]) -> Through:
    """Return the mean over histories and whatever axes each of them has: (K,)."""
    response, gain = np.mean([numbers.mean() for numbers in of_each], axis=0)
    return Through(response, gain)


def _statistics(weights: Array) -> list[tuple[str, Array]]:
    """Return mean and deciles over the channels of (d, K) weights, each (K,), by their names."""
    deciles = np.quantile(weights, [decile / 10 for decile in DECILES], axis=0)
    names = [f"decile {decile}" for decile in DECILES]
    return [("mean", weights.mean(axis=0)), *zip(names, deciles, strict=True)]


def _table(stack: Stack, block: int, operator: str, means: Through) -> pd.DataFrame:
    width = stack.attention[0].shape[-1]
    table = _numbers(width, means).assign(branch=stack.branch, block=block, operator=operator)
    return table[["branch", "block", "operator", "bin", "frequency", "response", "gain"]]


def _numbers(width: int, means: Through) -> pd.DataFrame:
    return _bins(width).assign(response=means.response, gain=means.gain)


def _bins(width: int) -> pd.DataFrame:
    bins = np.arange(width // 2 + 1)
    return pd.DataFrame({"bin": bins, "frequency": bins / width})
