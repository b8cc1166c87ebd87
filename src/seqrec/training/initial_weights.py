"""How a training's weights are drawn, where a run asks for another law than the model's own."""

from __future__ import annotations

from torch import nn

NORMAL_STD = 0.02


def draw_weights(model: nn.Module, law: str) -> None:
    """Draw the weights of linear layers anew, and the vectors of items and places.

    Args:
        model: freshly built.
        law: ``normal``, deviation .02, or ``xavier``, the normal form of Glorot and Bengio
            (AISTATS 2010), for linear layers; vectors are ``normal`` under both. Biases are 0,
            padding's vector too where the model has it so; layers that start at 0 stay there.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear) and module.weight.any():
            if law == "xavier":
                nn.init.xavier_normal_(module.weight)
            else:
                nn.init.normal_(module.weight, std=NORMAL_STD)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, nn.Embedding):
            padding = module.weight[0].detach().clone()
            nn.init.normal_(module.weight, std=NORMAL_STD)
            if not padding.any():
                nn.init.zeros_(module.weight[0])
