"""The head of SEER: what listed items' evidence adds to their scores (docs/seer.md, Formula).

Shapes: N moments, K entries of a list.
"""

from typing import Any

import torch
from torch import Tensor, nn

from seqrec.evidence.evidence_lists import FEATURES, MOMENTS, Evidence
from seqrec.machine.products import inner

HIDDEN = 16


class EvidenceHead(nn.Module):
    """How far to trust which evidence: a gate and a small network."""

    def __init__(self) -> None:
        super().__init__()
        self.trust = nn.Parameter(torch.full((FEATURES,), 0.25))
        self.entry = nn.Linear(FEATURES, HIDDEN)
        self.moment = nn.Linear(MOMENTS, HIDDEN)
        self.output = nn.Linear(HIDDEN, 1)
        self.gate = nn.Linear(MOMENTS, 1)
        for layer in (self.output, self.gate):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def parts(self, evidence: Evidence) -> Tensor:
        """Return (N, K, FEATURES + 1): what each feature adds by the gate, and the network."""
        gated = evidence.features * self.trust * self.gate(evidence.moments).exp()[:, None]
        rest = self(evidence) - gated.sum(dim=2) * (evidence.columns != 0)
        return torch.cat([gated, rest[:, :, None]], dim=2)

    def forward(self, evidence: Evidence) -> Tensor:
        """Return (N, K) what the evidence adds to the logits of listed items, 0 for no item."""
        features, moments = evidence.features, evidence.moments
        weights = torch.cat([self.entry.weight, self.trust[None]])
        mapped: Tensor = _Linear.apply(  # type: ignore[no-untyped-call]
            features.flatten(0, 1), weights
        ).view(*features.shape[:2], -1)
        hidden = mapped[..., :-1] + (self.moment(moments) + self.entry.bias)[:, None]
        gated = mapped[..., -1] * self.gate(moments).exp()
        added: Tensor = gated + torch.relu(hidden) @ self.output.weight[0] + self.output.bias
        return added * (evidence.columns != 0)


class _Linear(torch.autograd.Function):
    """A product of very many rows, which want no gradient, with few."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(rows)
        return inner(rows, weights)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        (rows,) = ctx.saved_tensors
        return None, inner(gradients[0].t().contiguous(), rows.to(gradients[0].dtype).t())
