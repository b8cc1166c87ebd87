"""What a trained model holds at every depth, and how each block mixes the positions.

A prediction computes the last block at the last position alone. This is the plain form, for looking
at: the states of all positions after every block, and the attention weights of every block. The
layers are the model's own; the last state at the last position is what ``encode`` returns.

Shapes: B histories, W positions, d channels, H heads.
"""

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from seqrec.errors import SeqrecError
from seqrec.models.bert4rec import BERT4Rec
from seqrec.models.bsarec import BSARec
from seqrec.models.mqsa_ted import MQSATED, Branch, QueryBlock
from seqrec.models.parts.layers import SelfAttention
from seqrec.models.parts.transformer import CausalTransformer, Transformer, visible_before

WITH_ATTENTION = ("bsarec", "sasrec", "sasrec_ce", "duorec", "bert4rec", "mqsa_ted")
"""The models that can be looked into, by their names."""


class Stack(NamedTuple):
    """The blocks that stand one on the other, from the embeddings to a state."""

    branch: str
    """``all``, or the name of one of the branches of a model that has several."""
    states: list[Tensor]
    """(B, W, d) each: what the first block takes, then what each block gives."""
    attention: list[Tensor]
    """(B, H, W, W) each block's weights: a row is a position that looks, and sums to 1."""


def stacks(model: nn.Module, histories: Tensor) -> list[Stack]:
    """Return the states and attention weights of all blocks at all positions, without dropout.

    BERT4Rec reads its mask token after the history, as in a prediction: one position more, or the
    history's first item less. The last state of a branch of MQSA-TED has its final LayerNorm.

    Args:
        model: one of ``WITH_ATTENTION``.
        histories: (B, W) item indices, oldest first, without padding; W is at most max_len, and
            max_len for BSARec under ``authors``.

    Returns:
        One stack, or one for each branch.

    Raises:
        SeqrecError: the model has no attention weights, or a history is padded or of a wrong width.
    """
    _check_whole(histories)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return _stacks(model, histories)
    finally:
        model.train(was_training)


def _stacks(model: nn.Module, histories: Tensor) -> list[Stack]:
    match model:
        case BSARec():
            x, _ = model.inputs(histories)
            return [_walk(model.blocks, x, model.attention_mask(histories))]
        case CausalTransformer():
            return [_of_transformer(model, histories, visible_before(histories))]
        case BERT4Rec():
            masked = histories.new_full((len(histories), 1), model.mask_token)
            tokens = torch.cat([histories, masked], dim=1)[:, -model.config.max_len :]
            return [_of_transformer(model, tokens, (tokens != 0)[:, None, :])]
        case MQSATED():
            return _of_branches(model, histories)
    raise SeqrecError(
        f"{type(model).__name__} has no attention weights to look at; "
        f"choose one of {', '.join(WITH_ATTENTION)}"
    )


def _of_transformer(model: Transformer, rows: Tensor, visible: Tensor) -> Stack:
    x, mask = model.inputs(rows, model.right_aligned(rows.shape[1]), visible)
    width = rows.shape[1]
    return _walk(model.blocks, x, mask.expand(-1, -1, width, -1))


def _walk(blocks: nn.ModuleList, x: Tensor, mask: Tensor) -> Stack:
    states, weights = [x], []
    for block in blocks:
        attention = cast(SelfAttention, block.attention)
        query, key = attention.query(x), attention.key(x)
        weights.append(_weights(query, key, mask, attention.num_heads))
        x = block(x, mask)
        states.append(x)
    return Stack("all", states, weights)


def _of_branches(model: MQSATED, histories: Tensor) -> list[Stack]:
    width, longest = histories.shape[1], model.config.max_len
    positions = torch.arange(longest - width, longest, device=histories.device)
    x, mask, links, _ = model.inputs(histories, positions, torch.zeros_like(histories))
    branches = {"short": model.short, "long": model.long}
    return [_up_branch(name, branch, x, mask, links) for name, branch in branches.items()]


def _up_branch(name: str, branch: Branch, x: Tensor, mask: Tensor, links: list[Tensor]) -> Stack:
    states, weights = [x], []
    for block in cast("list[QueryBlock]", list(branch.blocks)):
        query, key = block.query(block.mean_query(x, links)), block.key(x)
        weights.append(_weights(query, key, mask, block.num_heads))
        x = block(x, mask, links)
        states.append(x)
    states[-1] = branch.norm(x)
    return Stack(name, states, weights)


def _weights(query: Tensor, key: Tensor, mask: Tensor, num_heads: int) -> Tensor:
    """softmax(query . key / sqrt(d / H) + mask) of (B, W, d) queries and keys: (B, H, W, W)."""
    query, key = (x.unflatten(-1, (num_heads, -1)).transpose(1, 2) for x in (query, key))
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    return (scores + mask).softmax(dim=-1)


def _check_whole(histories: Tensor) -> None:
    padded = int((histories == 0).any(dim=1).sum())
    if padded:
        raise SeqrecError(
            f"{padded} of {len(histories)} histories are padded, and padding is no position to "
            "look at; take histories of equal length (seqrec.reporting.pictures.histories)"
        )
