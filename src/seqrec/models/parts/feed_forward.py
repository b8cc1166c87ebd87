"""The feed-forward layer of a transformer block, four times as wide inside.

On the CPU it is walked through in chunks of rows whose inside stays in the cache, and the inside
is computed again in the backward pass: two arrays of (rows, 4 d) less in memory, and less time,
for a product costs less there than writing its result to memory and reading it back.

Shapes: N rows, d channels, m = 4 d.
"""

from collections.abc import Callable
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.compiler import is_exporting

from seqrec.machine.products import columns_by_columns, inner

Activation = Literal["gelu", "relu", "swish"]
"""Between the two layers; swish is x · sigmoid(x)."""
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "relu": F.relu,
    "swish": F.silu,
}
CHUNK = 1024
"""Rows for each core; their inside is 1 MB at d = 64."""


class FeedForward(nn.Module):
    """Two linear layers with an activation between them.

    Args:
        dim: d.
        activation: its name.
    """

    def __init__(self, dim: int, activation: Activation = "gelu") -> None:
        super().__init__()
        self.activation = activation
        self.expand = nn.Linear(dim, 4 * dim)
        self.contract = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (…, d) to (…, d)."""
        in_one_piece = x.device.type != "cpu" or torch.is_autocast_enabled("cpu") or is_exporting()
        if in_one_piece or self.activation != "gelu":
            return self.plain(x)
        weights = (self.expand.weight, self.expand.bias, self.contract.weight, self.contract.bias)
        output: Tensor = _InChunks.apply(x.flatten(0, -2), *weights)  # type: ignore[no-untyped-call]
        return output.view_as(x)

    def plain(self, x: Tensor) -> Tensor:
        """Do the same in one piece."""
        contracted: Tensor = self.contract(ACTIVATIONS[self.activation](self.expand(x)))
        return contracted


class _InChunks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, *weights: Tensor) -> Tensor:
        ctx.save_for_backward(x, *weights)
        w1, b1, w2, b2 = weights
        output, size = torch.empty_like(x), CHUNK * torch.get_num_threads()
        for part, out in zip(x.split(size), output.split(size), strict=True):
            out.copy_(inner(F.gelu(inner(part, w1, b1)), w2, b2))
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        x, w1, b1, w2, _ = ctx.saved_tensors
        of_x, gradient = torch.empty_like(x), gradients[0].contiguous()
        of_w1, of_b1 = torch.zeros_like(w1), torch.zeros_like(b1)
        of_w2, of_b2 = torch.zeros_like(w2), gradient.sum(dim=0)
        size = CHUNK * torch.get_num_threads()
        parts = zip(x.split(size), gradient.split(size), of_x.split(size), strict=True)
        for part, of_out, of_part in parts:
            inside = inner(part, w1, b1)
            of_w2 += columns_by_columns(of_out, F.gelu(inside))
            of_inside = torch.ops.aten.gelu_backward(inner(of_out, w2.t()), inside)
            of_w1 += columns_by_columns(of_inside, part)
            of_b1 += of_inside.sum(dim=0)
            of_part.copy_(inner(of_inside, w1.t()))
        return of_x, of_w1, of_b1, of_w2, of_b2
