"""Whether lower precisions compute the same thing, as far as they can."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from benchmarks.case import Case
from benchmarks.gpu.made_up import case_of
from benchmarks.gpu.section import Figures, NotHere, Task, within
from benchmarks.real import Real, read
from seqrec.machine.devices import autocast, use_precision
from seqrec.models import MODELS

LIMITS = {
    "tf32": {"loss": 1e-3, "gradient": 1e-2},
    "bf16": {"loss": 1e-2, "gradient": 1e-1},
}
"""Of the loss, and of the length of the gradient: a rounding is 2^-11 in TF32, 2^-9 in bf16."""


def tasks(device: torch.device) -> Iterator[Task]:
    """Return a check for each model and precision."""
    for precision in LIMITS:
        for model in MODELS:
            yield f"{precision} agrees: {model}", partial(compare, model, precision, device)


def compare(model: str, precision: str, device: torch.device) -> Figures:
    """Compare loss and gradient of one batch, the same weights and draws, with those of fp32."""
    if precision == "tf32" and device.type != "cuda":
        raise NotHere("only CUDA devices have TF32")
    case = case_of(model, device, dropout=False)
    loss, gradient = loss_and_gradient(case, "fp32")
    other_loss, other_gradient = loss_and_gradient(case, precision)
    use_precision(device, "fp32")
    differences = {
        "loss": float((other_loss - loss).abs() / loss.abs()),
        "gradient": float((other_gradient - gradient).norm() / gradient.norm()),
    }
    return within(differences, LIMITS[precision])


def loss_and_gradient(case: Case, precision: str) -> tuple[Tensor, Tensor]:
    """Return the loss of the first batch and its gradient in one row."""
    torch.manual_seed(0)
    form = Real(case, read(case))
    use_precision(case.where, precision)
    batch = form.batch()
    torch.manual_seed(1)
    with autocast(case.where, precision):
        loss = form.step_of.losses(batch)["loss"]
    gradients = torch.autograd.grad(loss, [*form.model.parameters()], allow_unused=True)
    return loss.detach(), torch.cat([part.flatten() for part in gradients if part is not None])
