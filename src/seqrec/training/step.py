"""One step of training: losses, gradients, and Adam; nothing in it waits for the device."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqrec.losses import ItemLoss, rows_that_count
from seqrec.losses.distillation import Distillation
from seqrec.losses.sampled_softmax import SampledSoftmax
from seqrec.machine import products
from seqrec.machine.devices import autocast, use_precision
from seqrec.machine.processes import ALONE, Processes
from seqrec.models.parts.face import SequentialModel
from seqrec.models.parts.layers import dropout
from seqrec.training.optimizer import Optimizers
from seqrec.training.shares import AnyBatch, GradientSum, Share, share_of

log = logging.getLogger(__name__)

Losses = dict[str, Tensor]
REPAID_AFTER = 20_000
"""Steps after which compiling, some minutes on a CPU, has saved more than it took."""


class StepOptions(Protocol):
    """What a step needs of the section ``training``."""

    @property
    def learning_rate(self) -> float:
        """Of Adam."""

    @property
    def weight_decay(self) -> float:
        """Of Adam."""

    @property
    def precision(self) -> str:
        """``fp32``, ``tf32`` or ``bf16``."""

    @property
    def compile(self) -> str:
        """``on``, ``off``, or ``auto``: where it pays."""


class TrainingStep:
    """Makes a model a little better on one batch after another.

    Args:
        model: on its device.
        options: learning rate, precision and compilation.
        device: where the model is.
        distillation: TED, if the model is to learn from the transition graph too.
        item_loss: another loss over items than the model's own.
        sparse_items: whether that loss gives the item vectors sparse gradients.
        steps_ahead: how many steps there may be; a long run repays the time that compiling takes.
        processes: this one and the others that take the same steps, each with its share of a batch.
    """

    def __init__(
        self,
        model: SequentialModel,
        options: StepOptions,
        device: torch.device,
        *,
        distillation: Distillation | None = None,
        item_loss: ItemLoss | None = None,
        sparse_items: bool = False,
        steps_ahead: int = 0,
        processes: Processes = ALONE,
    ) -> None:
        use_precision(device, options.precision)
        self.model, self.device, self.precision = model, device, options.precision
        self.distillation, self.item_loss = distillation, item_loss
        self.optimizer = Optimizers(
            model,
            options.learning_rate,
            sparse=_sparse_items(model) if sparse_items else (),
            tensorflow=model.tensorflow_adam and model.config.protocol == "authors",
            faster=model.learns_faster,
            weight_decay=options.weight_decay,
        )
        self.processes = processes
        self._sum = GradientSum(model.parameters(), processes)
        self._compiled: Callable[..., Losses] | None = None
        obstacle = self._obstacle(sparse_items)
        if obstacle and options.compile == "on":
            log.warning("training.compile=on: not here, for %s", obstacle)
        elif not obstacle and compiles(options.compile, device, steps_ahead):
            self._compiled = _compiled(self.losses, device)
        self.compiled = self._compiled is not None
        """Whether it set out to compile."""

    _has_worked = False

    def __call__(self, batch: AnyBatch) -> Losses:
        """Take one step, and return the named losses before it, detached scalars.

        Of several processes each returns its part of their sums.
        """
        if self.processes.alone:
            losses = self._gradients(batch)
        else:
            share = share_of(batch, self.processes)
            losses = self._of_share(share)
            self._sum()
        self.optimizer.step()
        return {name: value.detach() for name, value in losses.items()}

    def _of_share(self, share: Share) -> Losses:
        """Return the losses of a share, none of an empty one, which draws what the others draw."""
        if share.batch is not None:
            return self._gradients(share.batch, share.weights)
        if isinstance(self.item_loss, SampledSoftmax):
            self.item_loss.draw()
        return {}

    def losses(self, batch: AnyBatch, weights: Tensor | None = None) -> Losses:
        """Return the model's losses, with the distillation's added to their sum.

        Args:
            batch: in the model's training form.
            weights: (2,) by which the model's losses and the distillation count; None: fully.
        """
        losses = self.model.loss(batch, self.item_loss)
        if weights is not None:
            losses = {name: value * weights[0] for name, value in losses.items()}
        if self.distillation is not None:
            distilled = distil(self.model, batch.heads, self.distillation)
            distilled = distilled if weights is None else distilled * weights[1]
            losses["loss"] = losses["loss"] + self.distillation.weight * distilled
            losses["distillation"] = distilled
        return losses

    def _obstacle(self, sparse_items: bool) -> str | None:
        """Return why torch could not compile the step, or would do so again and again."""
        if sparse_items:
            return "torch compiles no sparse gradients"
        if self.model.looks_things_up:
            return "this model looks up its evidence in every step"
        of_many_shapes = self.distillation is not None or self.model.training_form != "prefixes"
        if self.device.type == "cpu" and (of_many_shapes or self.model.walks_on_cpu):
            return (
                "on a CPU the batches of this model come in many shapes, and each is compiled anew"
            )
        return None

    def _gradients(self, batch: AnyBatch, weights: Tensor | None = None) -> Losses:
        if self._compiled is None:
            return self._backward(self.losses, batch, weights)
        generators = None if self._has_worked else _generators(self.device)
        try:
            if self.device.type == "cuda":  # what the last step left may be written over now
                torch.compiler.cudagraph_mark_step_begin()
            losses = self._backward(self._compiled, batch, weights)
            self._has_worked = True
            return losses
        except Exception as error:
            if self._has_worked:
                raise
            # Without it the step does the same work; if it cannot, it says so itself.
            reason = str(error).strip().splitlines()
            log.warning(
                "torch.compile does not work here (%s); training goes on without it "
                "(training.compile=off says so at once)",
                reason[0] if reason else type(error).__name__,
            )
            self._compiled = None
            _restore(generators)
            self.model.zero_grad(set_to_none=True)
            return self._backward(self.losses, batch, weights)

    def _backward(
        self, forward: Callable[..., Losses], batch: AnyBatch, weights: Tensor | None
    ) -> Losses:
        with autocast(self.device, self.precision):
            losses = forward(batch) if weights is None else forward(batch, weights)
        torch.autograd.backward(losses["loss"])
        return losses


def _generators(device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Return where the random generators stand."""
    on_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return torch.get_rng_state(), on_device


def _restore(generators: tuple[Tensor, Tensor | None] | None) -> None:
    """Put the random generators back, as if the failed step had drawn nothing."""
    if generators is None:
        return
    torch.set_rng_state(generators[0])
    if generators[1] is not None:
        torch.cuda.set_rng_state(generators[1])


def compiles(choice: str, device: torch.device, steps_ahead: int) -> bool:
    """Return whether the step is compiled: if asked for or, under ``auto``, where it pays.

    That is on a GPU, and in a long run on a CPU whose products the compiler does not slow down
    (docs/decisions, 18).
    """
    if choice == "auto":
        repaid = steps_ahead >= REPAID_AFTER and not products.ONEDNN
        return device.type == "cuda" or (device.type == "cpu" and repaid)
    return choice == "on"


def _compiled(losses: Callable[..., Losses], device: torch.device) -> Callable[..., Losses]:
    """Compile for each shape of its own; on a GPU the kernels are replayed as one graph."""
    mode = "reduce-overhead" if device.type == "cuda" else None
    compiled: Callable[..., Losses] = torch.compile(losses, dynamic=False, mode=mode)
    return compiled


def _sparse_items(model: SequentialModel) -> list[Tensor]:
    """Let the embedding that holds the item vectors give sparse gradients, and return it."""
    vectors = model.item_vectors()
    for module in model.modules():
        if isinstance(module, nn.Embedding) and module.weight is vectors:
            # masked out by the model, padding gets no gradient; to look for it would take a wait
            module.sparse, module.padding_idx = True, None
    return [vectors]


def distil(model: SequentialModel, heads: Tensor, distillation: Distillation) -> Tensor:
    """Return TED's loss for the heads of a batch, (H,) items of which 0 does not count."""
    rows = rows_that_count(heads)
    heads = heads if rows is None else heads[rows]
    losses = []
    for vectors in model.distilled():
        of_heads = dropout(F.embedding(heads, vectors), model.embedding_dropout, model.training)
        losses.append(distillation(heads, of_heads, vectors))
    return losses[0] if len(losses) == 1 else torch.stack(losses).mean()
