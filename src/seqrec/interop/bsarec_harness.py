"""The names of the BSARec authors' code, which holds the baselines too.

Their code goes back to that of FMLP-Rec, in which blocks, filters and feed-forward layers have
other names; weights under these are taken as well.
"""

from __future__ import annotations

from seqrec.interop.dialect import Dialect

Names = tuple[tuple[str, str], ...]
_BLOCK = r"item_encoder\.(?:blocks|layer)\.(\d+)"
_WIDE = r"\.(?:feed_forward|intermediate)"

_SHAPE = {"hidden_size": "dim", "max_seq_length": "max_len"}
_BLOCKS = {"num_hidden_layers": "num_blocks", "hidden_dropout_prob": "hidden_dropout"}
_HEADS = {
    "num_attention_heads": "num_heads",
    "attention_probs_dropout_prob": "attention_dropout",
}
_ITEMS: Names = ((r"item_embeddings\.(.+)", r"item_embedding.\1"),)
_INPUT: Names = (
    *_ITEMS,
    (r"position_embeddings\.(.+)", r"position_embedding.\1"),
    (r"LayerNorm\.(.+)", r"input_norm.\1"),
)
_FEED_FORWARD: Names = (
    (_BLOCK + _WIDE + r"\.dense_1\.(.+)", r"blocks.\1.feed_forward.expand.\2"),
    (_BLOCK + _WIDE + r"\.dense_2\.(.+)", r"blocks.\1.feed_forward.contract.\2"),
    (_BLOCK + _WIDE + r"\.LayerNorm\.(.+)", r"blocks.\1.feed_forward_norm.\2"),
)
_CONTRAST = {
    "tau": "tau",
    "lmd": "unsupervised_weight",
    "lmd_sem": "supervised_weight",
    "ssl": "contrast",
    "sim": "similarity",
}
_ACTIVATION = {"hidden_act": ("activation", "gelu")}


def _attention(layer: str) -> Names:
    """Name an attention layer's weights, which stand under ``layer`` of a block."""
    return (
        (_BLOCK + layer + r"\.LayerNorm\.(.+)", r"blocks.\1.attention_norm.\2"),
        (_BLOCK + layer + r"\.dense\.(.+)", r"blocks.\1.attention.output.\2"),
        (_BLOCK + layer + r"\.(query|key|value)\.(.+)", r"blocks.\1.attention.\2.\3"),
    )


_TRANSFORMER: Names = (*_INPUT, *_attention(r"\.(?:layer|attention)"), *_FEED_FORWARD)
_ATTENTIVE = {**_SHAPE, **_BLOCKS, **_HEADS}
_SASREC = Dialect(options=_ATTENTIVE, names=_TRANSFORMER, usual=_ACTIVATION)

HARNESS = {
    "bsarec": Dialect(
        options={**_ATTENTIVE, "alpha": "alpha", "c": "c"},
        names=(
            *_INPUT,
            (_BLOCK + r"\.layer\.filter_layer\.sqrt_beta", r"blocks.\1.filter.sqrt_beta"),
            (_BLOCK + r"\.layer\.filter_layer\.LayerNorm\.(.+)", r"blocks.\1.filter_norm.\2"),
            *_attention(r"\.layer\.attention_layer"),
            *_FEED_FORWARD,
        ),
        usual=_ACTIVATION,
    ),
    "sasrec": _SASREC,
    "sasrec_ce": _SASREC,
    "bert4rec": Dialect(
        options={**_ATTENTIVE, "mask_ratio": "mask_ratio"},
        names=_TRANSFORMER,
        usual=_ACTIVATION,
    ),
    "duorec": Dialect(
        options={**_ATTENTIVE, **_CONTRAST},
        names=_TRANSFORMER,
        usual=_ACTIVATION,
    ),
    "fmlprec": Dialect(
        options={**_SHAPE, **_BLOCKS},
        names=(
            *_INPUT,
            (_BLOCK + r"\.(?:layer|filterlayer)\.complex_weight", r"blocks.\1.filter.weight"),
            (_BLOCK + r"\.(?:layer|filterlayer)\.LayerNorm\.(.+)", r"blocks.\1.filter_norm.\2"),
            *_FEED_FORWARD,
        ),
        usual=_ACTIVATION,
    ),
    "fearec": Dialect(
        options={
            **_ATTENTIVE,
            "spatial_ratio": "spatial_ratio",
            "global_ratio": "global_ratio",
            **_CONTRAST,
            "fredom": "regularise_frequencies",
            "fredom_type": "regularised_views",
        },
        names=_TRANSFORMER,
        usual=_ACTIVATION,
    ),
    "caser": Dialect(
        options={
            **_SHAPE,
            "nh": "horizontal_filters",
            "nv": "vertical_filters",
            "reg_weight": "l2",
            "hidden_dropout_prob": "hidden_dropout",
        },
        names=(
            *_ITEMS,
            (r"user_embeddings\.(.+)", r"user_embedding.\1"),
            (r"conv_v\.(.+)", r"vertical.\1"),
            (r"conv_h\.(\d+)\.(.+)", r"horizontal.\1.\2"),
            (r"fc1\.(.+)", r"features.\1"),
            (r"fc2\.(.+)", r"output.\1"),
        ),
        users="num_users",
        unused=(r"position_embeddings\..+",),
        attributes={"first_user": 0},
    ),
    "gru4rec": Dialect(
        options={
            **_SHAPE,
            "gru_hidden_size": "hidden_dim",
            "num_hidden_layers": "num_layers",
            "hidden_dropout_prob": "hidden_dropout",
        },
        names=(
            *_ITEMS,
            (r"gru_layers\.(.+)", r"gru.\1"),
            (r"dense\.(.+)", r"dense.\1"),
        ),
        unused=(r"position_embeddings\..+",),
    ),
}
"""Model → dialect."""
