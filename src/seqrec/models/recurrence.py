"""Gated recurrent units without biases (Cho et al., EMNLP 2014), in layers.

    r, z = σ(W_r x + U_r h), σ(W_z x + U_z h);  n = tanh(W_n x + r · U_n h);  h ← n + z · (h - n)

On the CPU a layer is one autograd function that walks over columns: the products with the inputs
are one for all steps, and so are those with the gradients of the weights; a step backwards is ten
operations instead of the forty that autograd takes apart.

Shapes: B histories, L columns, N items of them, d channels of the input, m of the state.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqrec.products import columns_by_columns, inner

_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
_tanh_backward = torch.ops.aten.tanh_backward.grad_input


class GRU(nn.Module):
    """Layers of gated recurrent units; weights named and drawn as torch's."""

    def __init__(self, dim: int, hidden_dim: int, num_layers: int) -> None:
        super().__init__()
        self.hidden_dim, self.num_layers = hidden_dim, num_layers
        bound = 1 / math.sqrt(hidden_dim)
        for layer in range(num_layers):
            widths = {"ih": hidden_dim if layer else dim, "hh": hidden_dim}
            for kind, width in widths.items():
                weight = nn.Parameter(torch.empty(3 * hidden_dim, width).uniform_(-bound, bound))
                self.register_parameter(f"weight_{kind}_l{layer}", weight)

    def weights(self, layer: int) -> tuple[Tensor, Tensor]:
        """Return a layer's (3 m, d) for its inputs and (3 m, m) for its states."""
        of_inputs: Tensor = getattr(self, f"weight_ih_l{layer}")
        of_states: Tensor = getattr(self, f"weight_hh_l{layer}")
        return of_inputs, of_states

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, L, d) to the last layer's states, (B, L, m)."""
        weights = [weight for layer in range(self.num_layers) for weight in self.weights(layer)]
        at_rest = x.new_zeros(self.num_layers, len(x), self.hidden_dim)
        states: Tensor = torch.gru(
            x, at_rest, weights, False, self.num_layers, 0.0, self.training, False, True
        )[0]
        return states

    def walk(self, x: Tensor, counts: Sequence[int]) -> Tensor:
        """Return the last layer's states after each of (N, d) inputs, (N, m).

        Args:
            x: the inputs column by column; a history is the same row of all columns.
            counts: how many rows each column has, never fewer than the one before. A history
                begins at rest, with a state of zeros.
        """
        if not counts:
            return x.new_zeros(0, self.hidden_dim)
        for layer in range(self.num_layers):
            x = _Walk.apply(x, *self.weights(layer), counts)  # type: ignore[no-untyped-call]
        return x


class _Walk(torch.autograd.Function):
    """One layer."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, of_inputs: Tensor, of_states: Tensor, counts: Sequence[int]
    ) -> Tensor:
        width, steps = of_states.shape[1], []
        states = x.new_empty(len(x), width)
        state = x.new_zeros(counts[0], width)
        parts = zip(inner(x, of_inputs).split(counts), states.split(counts), strict=True)
        for driven, new_state in parts:
            if len(state) < len(driven):
                state = F.pad(state, (0, 0, 0, len(driven) - len(state)))
            gates = inner(state, of_states)
            recalled = gates[:, 2 * width :]
            gates[:, : 2 * width].add_(driven[:, : 2 * width]).sigmoid_()
            reset, keep = gates[:, :width], gates[:, width : 2 * width]
            # tanh a = 2 σ(2 a) - 1: torch's tanh takes eight times as long as its σ
            new = torch.addcmul(driven[:, 2 * width :], reset, recalled)
            new = new.mul_(2).sigmoid_().mul_(2).sub_(1)
            steps.append((state, reset, keep, new, recalled))
            state = torch.lerp(new, state, keep, out=new_state)
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(x, of_inputs, of_states)
            ctx.counts, ctx.steps = counts, steps
        return states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, of_inputs, of_states = ctx.saved_tensors
        width, back = of_states.shape[1], of_states.t()
        driven, gates = (x.new_empty(len(x), 3 * width) for _ in range(2))
        arrays = (part.split(ctx.counts) for part in (gradients[0], driven, gates))
        later = x.new_zeros(ctx.counts[-1], width)
        for upstream, of_driven, of_gates, step in reversed(list(zip(*arrays, ctx.steps))):  # noqa: B905
            state, reset, keep, new, recalled = step
            of_new_state = upstream + later[: len(upstream)]
            of_new = torch.addcmul(of_new_state, of_new_state, keep, value=-1)
            of_sum, two = of_driven[:, 2 * width :], 2 * width
            _tanh_backward(of_new, new, grad_input=of_sum)
            _sigmoid_backward(of_sum * recalled, reset, grad_input=of_gates[:, :width])
            of_keep = of_new_state * (state - new)
            _sigmoid_backward(of_keep, keep, grad_input=of_gates[:, width:two])
            torch.mul(of_sum, reset, out=of_gates[:, two:])
            of_driven[:, :two] = of_gates[:, :two]
            later = inner(of_gates, back).addcmul_(of_new_state, keep)
        states = torch.cat([step[0] for step in ctx.steps])
        return (
            inner(driven, of_inputs.t()),
            columns_by_columns(driven, x),
            columns_by_columns(gates, states),
            None,
        )
