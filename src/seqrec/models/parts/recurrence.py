"""Gated recurrent units without biases (Cho et al., EMNLP 2014), in layers.

    r, z = σ(W_r x + U_r h), σ(W_z x + U_z h);  n = tanh(W_n x + r · U_n h);  h ← n + z · (h - n)

On the CPU a layer is one autograd function that walks over columns: the products with the inputs
are one for all steps, and so are those with the gradients of the weights; a step backwards is ten
operations instead of the forty that autograd takes apart.

Shapes: B histories, L columns, N items of them, d channels of the input, m of the state.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqrec.machine.products import columns_by_columns, inner

# cuDNN would like all weights in one piece; copying so few together costs nothing
warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")
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


class _Step(NamedTuple):
    """What a step leaves for the way back, all (k, m)."""

    reset: Tensor
    keep: Tensor
    recalled: Tensor
    """U_n h."""
    new: Tensor


class _Walk(torch.autograd.Function):
    """One layer."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, of_inputs: Tensor, of_states: Tensor, counts: Sequence[int]
    ) -> Tensor:
        width, steps = of_states.shape[1], []
        states = x.new_empty(len(x), width)
        state = x.new_zeros(0, width)
        parts = zip(inner(x, of_inputs).split(counts), states.split(counts), strict=True)
        for driven, new_state in parts:
            state = _joined(state, len(driven))
            gates = inner(state, of_states)
            gates[:, : 2 * width].add_(driven[:, : 2 * width]).sigmoid_()
            reset, keep, recalled = gates.split(width, dim=1)
            # tanh a = 2 σ(2 a) - 1: torch's tanh takes eight times as long as its σ
            new = torch.addcmul(driven[:, 2 * width :], reset, recalled)
            new = new.mul_(2).sigmoid_().mul_(2).sub_(1)
            steps.append(_Step(reset, keep, recalled, new))
            state = torch.lerp(new, state, keep, out=new_state)
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(x, of_inputs, of_states, states)
            ctx.counts, ctx.steps = counts, steps  # no part of states: it holds ctx in its turn
        return states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, of_inputs, of_states, states = ctx.saved_tensors
        width, counts, back = of_states.shape[1], ctx.counts, of_states.t()
        of_driven, of_gates = (x.new_empty(len(x), 3 * width) for _ in range(2))
        before = _before(states, counts)
        arrays = (part.split(counts) for part in (gradients[0], of_driven, of_gates))
        later = x.new_zeros(counts[-1], width)
        parts: list[Any] = list(zip(*arrays, before, ctx.steps, strict=True))
        for upstream, driven, gates, state, step in reversed(parts):
            later = _step_back(upstream + later[: len(upstream)], driven, gates, state, step, back)
        return (
            inner(of_driven, of_inputs.t()),
            columns_by_columns(of_driven, x),
            columns_by_columns(of_gates, torch.cat(before)),
            None,
        )


def _joined(state: Tensor, count: int) -> Tensor:
    """Let histories that begin join, at rest."""
    return F.pad(state, (0, 0, 0, count - len(state))) if len(state) < count else state


def _before(states: Tensor, counts: Sequence[int]) -> list[Tensor]:
    """Return the states before each step."""
    earlier = [states[:0], *states.split(counts)[:-1]]
    return [_joined(state, count) for state, count in zip(earlier, counts, strict=True)]


def _step_back(
    upstream: Tensor, of_driven: Tensor, of_gates: Tensor, state: Tensor, step: _Step, back: Tensor
) -> Tensor:
    """Write the gradients of one step; return that of the state before it.

    Args:
        upstream: (k, m) of the new state.
        of_driven: (k, 3 m), written: of the inputs' share of the gates.
        of_gates: (k, 3 m), written: of the state's share.
        state: (k, m) before the step.
        step: the gates.
        back: (m, 3 m), the state's weights transposed.
    """
    width = state.shape[1]
    reset, keep, recalled, new = step
    of_reset, of_keep, of_recalled = of_gates.split(width, dim=1)
    of_sum = of_driven[:, 2 * width :]
    of_new = torch.addcmul(upstream, upstream, keep, value=-1)
    _tanh_backward(of_new, new, grad_input=of_sum)
    _sigmoid_backward(of_sum * recalled, reset, grad_input=of_reset)
    _sigmoid_backward(upstream * (state - new), keep, grad_input=of_keep)
    torch.mul(of_sum, reset, out=of_recalled)
    of_driven[:, : 2 * width] = of_gates[:, : 2 * width]
    return inner(of_gates, back).addcmul_(upstream, keep)
