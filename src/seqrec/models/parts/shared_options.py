"""What the options mean that several models have; one of a model's own says it under the field."""

MEANINGS = {
    "max_len": "How many of a history's last items the model looks at.",
    "dim": "Length of the item vectors, and of all states.",
    "num_blocks": "How many blocks, each with a feed-forward layer at its end, follow one another.",
    "num_heads": "Heads of the attention; ``dim`` must be a multiple of it.",
    "hidden_dropout": "Share of the input vectors and of each layer's output that training drops.",
    "attention_dropout": "Share of the attention weights that training drops.",
    "activation": "Function inside the feed-forward layers; ``swish`` is x · sigmoid(x).",
    "trials": "Sets of parameters that are tried on validation, those that are set first.",
}
