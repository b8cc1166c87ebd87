"""FEARec: frequency enhanced hybrid attention network (SIGIR 2023, arXiv 2304.09184).

Self-attention is a low-pass filter that loses the details of a history. Here each block looks at
one band of frequencies, the first at the highest, the last at the lowest, and mixes attention in
the time domain with auto-correlation in the frequency domain, which finds periods. Contrastive
terms pull views of the same taste together, in the states and in their spectra.

Notable: the attention needs no Fourier transform (``hybrid_attention.py``); all positions of the
last block are computed only where their spectra are compared.

Shapes: B histories, L = max_len positions, W of them in use, d channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from seqrec.batches import Batch
from seqrec.losses import ItemLoss, accumulated
from seqrec.losses.contrastive import Contrast, Similarity, info_nce
from seqrec.models.parts.bounds import Positive, Rate, Share, Size, Weight
from seqrec.models.parts.circular import spectrum_map
from seqrec.models.parts.feed_forward import Activation, FeedForward
from seqrec.models.parts.frequency_model import NORM_EPS, FrequencyModel
from seqrec.models.parts.hybrid_attention import HybridAttention, frequency_bands
from seqrec.models.parts.layers import dropout
from seqrec.models.parts.search_range import CONTRAST, DROPOUT, LEARNING_RATE, SearchRange, Space
from seqrec.models.parts.transformer import added_to_scores, check_heads, visible_before
from seqrec.protocol import Protocol

Pairs = tuple[tuple[str, str], ...]
PAIRS: dict[Contrast, Pairs] = {
    "un": (("history", "again"),),
    "su": (("history", "partner"),),
    "us": (("history", "again"), ("history", "partner")),
    "us_x": (("again", "partner"),),
    "none": (),
}
"""Which views of an example are compared: ``history``, ``again``, a second pass of it under
another dropout, and ``partner``, another history with the same target."""


@dataclass(frozen=True)
class FEARecConfig:
    """The settings of the BSARec authors' code."""

    num_items: Size
    max_len: Size = 50
    dim: Size = 64
    num_blocks: Size = 2
    num_heads: Size = 2
    hidden_dropout: Rate = 0.5
    attention_dropout: Rate = 0.5
    activation: Activation = "gelu"
    spatial_ratio: Share = 0.1
    """Share of the attention in the time domain (gamma of the paper)."""
    global_ratio: Share = 0.6
    """Share of the frequencies that a block keeps (alpha of the paper)."""
    contrast: Contrast = "us_x"
    """Which views are compared: ``un`` two passes of a history, ``su`` a history and one with the
    same target, ``us`` both, ``us_x`` a second pass and one with the same target."""
    tau: Positive = 1.0
    """Temperature of the contrast."""
    similarity: Similarity = "dot"
    """How alike two views are: their product, or their cosine."""
    unsupervised_weight: Weight = 0.1
    """Weight in the loss of the pairs of two passes."""
    supervised_weight: Weight = 0.1
    """Weight in the loss of the pairs with the same target."""
    regularise_frequencies: bool = True
    """Whether the spectra of two views should be alike too."""
    regularised_views: Contrast = "us_x"
    """Of which views the spectra are compared, as ``contrast`` says it."""
    regularisation_weight: Weight = 0.1
    """Weight in the loss of the distance between these spectra."""
    protocol: Protocol = "standard"

    def __post_init__(self) -> None:
        check_heads(self.dim, self.num_heads)
        if not all(self.bands()):
            raise ValueError(
                f"num_blocks {self.num_blocks} leaves a block without any of the "
                f"{self.max_len // 2 + 1} frequencies of max_len {self.max_len}; "
                "take fewer blocks, a larger max_len or a larger global_ratio"
            )

    def bands(self) -> list[range]:
        """Return the bins of the real FFT that each block keeps."""
        return frequency_bands(self.max_len, self.num_blocks, self.global_ratio)

    def spectral_pairs(self) -> Pairs:
        """Return which views have their spectra compared."""
        return PAIRS[self.regularised_views] if self.regularise_frequencies else ()


class FEARecBlock(nn.Module):
    """Hybrid attention, then a feed-forward layer, each with dropout, residual and LayerNorm."""

    def __init__(self, config: FEARecConfig, band: range) -> None:
        super().__init__()
        self.rate = config.hidden_dropout
        self.attention = HybridAttention(
            config.dim,
            config.num_heads,
            config.max_len,
            band,
            config.spatial_ratio,
            config.attention_dropout,
        )
        self.attention_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)
        self.feed_forward = FeedForward(config.dim, config.activation)
        self.feed_forward_norm = nn.LayerNorm(config.dim, eps=NORM_EPS)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, W, d) to the same; ``mask`` is (B, 1, W, W)."""
        return self._rest(x, self.attention(x, mask))

    def last(self, x: Tensor, mask: Tensor) -> Tensor:
        """Return the last position of that alone: (B, d)."""
        return self._rest(x[:, -1], self.attention.last(x, mask[:, :, -1:]))

    def _rest(self, residual: Tensor, attended: Tensor) -> Tensor:
        x = self.attention_norm(residual + self._drop(attended))
        output: Tensor = self.feed_forward_norm(x + self._drop(self.feed_forward(x)))
        return output

    def _drop(self, x: Tensor) -> Tensor:
        return dropout(x, self.rate, self.training)


class FEARec(FrequencyModel):
    """The model: embeddings, blocks of hybrid attention, contrastive terms."""

    Config: ClassVar[type] = FEARecConfig
    config: FEARecConfig
    space: ClassVar[Mapping[str, Space]] = {
        "spatial_ratio": SearchRange(0.0, 0.9),
        "global_ratio": SearchRange(0.2, 1.0),
        "hidden_dropout": DROPOUT,
        "attention_dropout": DROPOUT,
        "unsupervised_weight": CONTRAST,
        "supervised_weight": CONTRAST,
        "regularisation_weight": CONTRAST,
        "training.learning_rate": LEARNING_RATE,
    }
    spectra: Tensor

    def __init__(self, config: FEARecConfig) -> None:
        super().__init__(config, [FEARecBlock(config, band) for band in config.bands()])
        self.register_buffer("spectra", spectrum_map(config.max_len), persistent=False)

    @property
    def compares_histories(self) -> bool:
        """Whether it contrasts at all."""
        return bool(PAIRS[self.config.contrast])

    @property
    def needs_same_targets(self) -> bool:
        """Whether some view is another history with the same target."""
        config = self.config
        return any("partner" in pair for pair in PAIRS[config.contrast] + config.spectral_pairs())

    def attention_mask(self, histories: Tensor) -> Tensor:
        """Return (B, 1, W, W): 0 where a position may look, a large negative number elsewhere."""
        return added_to_scores(visible_before(histories), self.item_embedding.weight.dtype)

    def loss(self, batch: Batch, item_loss: ItemLoss | None = None) -> dict[str, Tensor]:
        """Cross entropy over all items, the contrast, and the distance of spectra.

        Args:
            batch: histories (B, L), targets (B,) and ``same_target`` (B, L).
            item_loss: another loss over items than the cross entropy.

        Returns:
            ``loss``, the sum, and its parts ``items``, ``contrast`` and ``spectra``, scalars.
        """
        item_loss = item_loss or self.own_loss()
        contrast, spectral = PAIRS[self.config.contrast], self.config.spectral_pairs()
        whole = {name for pair in spectral for name in pair}
        names = dict.fromkeys(("history", *(name for pair in contrast for name in pair), *whole))
        views = {name: self._view(batch, name, whole=name in whole) for name in names}
        states = views["history"][:, -1]
        parts = {"items": item_loss(states, self.item_vectors(), batch.targets, batch.seen)}
        if contrast:
            terms = [self._contrast(pair, views) for pair in contrast]
            parts["contrast"] = torch.stack(terms).sum()
        if spectral:
            distances = [self._spectral_distance(*(views[name] for name in p)) for p in spectral]
            weight = self.config.regularisation_weight
            parts["spectra"] = weight * torch.stack(distances).sum()
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}

    def _view(self, batch: Batch, name: str, *, whole: bool) -> Tensor:
        """Return a view's states: (B, L, d), or (B, 1, d) where the last are enough."""
        histories = batch.histories
        if name == "partner":
            assert batch.same_target is not None, "FEARec's batches come with partners"
            histories = batch.same_target
        return self.states(histories) if whole else self.encode(histories).unsqueeze(1)

    def _contrast(self, pair: tuple[str, str], views: dict[str, Tensor]) -> Tensor:
        config = self.config
        first, second = (views[name][:, -1] for name in pair)
        of_passes = "partner" not in pair
        weight = config.unsupervised_weight if of_passes else config.supervised_weight
        return weight * info_nce(first, second, tau=config.tau, similarity=config.similarity)

    def _spectral_distance(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the mean absolute difference of the spectra of (B, W, d) along the positions."""
        difference = (first - second).to(accumulated(first.dtype))
        parts = self.spectra[..., -first.shape[1] :].flatten(0, 1) @ difference  # (B, 2 M, d)
        real, imaginary = parts.chunk(2, dim=1)
        # linalg.vector_norm over two numbers takes twenty times as long on a CPU
        squares = real * real + imaginary * imaginary
        differ = squares > 0  # the root has no slope at 0; equal spectra have no gradient
        return (torch.where(differ, squares, 1.0).sqrt() * differ).mean()
