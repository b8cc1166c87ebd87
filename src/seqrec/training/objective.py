"""Which loss over items a run minimises: ``training.loss``, and what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.losses import ItemLoss
from seqrec.losses.by_name import LOSSES, LossSettings
from seqrec.models.parts.face import SequentialModel
from seqrec.training.shares import Draws

if TYPE_CHECKING:
    from seqrec.parameters.sections import TrainingOptions

WITH_NEGATIVES = sorted(name for name, loss in LOSSES.items() if loss.negatives)


def check_loss(options: TrainingOptions, model: type[SequentialModel], protocol: str) -> None:
    """Raise a SeqrecError for a loss that model or protocol does not have, or what cannot be."""
    more = options.negatives not in (None, 1)
    if protocol == "authors" and (options.loss not in model.authors_losses or more):
        negatives = f" with training.negatives={options.negatives}" if more else ""
        raise SeqrecError(
            f"training.loss={options.loss}{negatives} is a choice of protocol=standard; "
            f"authors has the loss of the paper's code ({_in_words(model.authors_losses)}): "
            "leave one of the two out"
        )
    if options.patience is not None and options.patience < options.validate_every:
        raise SeqrecError(
            f"training.patience={options.patience} ends a training before it is validated, every "
            f"{options.validate_every} epochs (training.validate_every); let patience be no less, "
            "or null"
        )
    if model.losses is not None and options.loss not in model.losses:
        raise SeqrecError(
            f"training.loss={options.loss}: this model is trained with "
            f"{' or '.join(model.losses)} alone; leave it out"
        )
    if options.loss not in WITH_NEGATIVES and options.negatives is not None:
        raise SeqrecError(
            f"training.negatives={options.negatives} means nothing to "
            f"training.loss={options.loss}, which compares with all items; leave it out, or "
            f"choose one of {', '.join(WITH_NEGATIVES)}"
        )


def _in_words(losses: tuple[str, ...]) -> str:
    single = "{} with one negative".format
    return " or ".join(single(loss) if loss in WITH_NEGATIVES else loss for loss in sorted(losses))


def item_loss(
    options: TrainingOptions,
    model: SequentialModel,
    sequences: Sequences,
    device: torch.device,
    *,
    sparse: bool = False,
    draws: Draws | None = None,
) -> ItemLoss:
    """Return the loss over items that the section ``training`` asks for.

    Args:
        options: the loss and its negatives.
        model: what padding is to a softmax.
        sequences: which items there are, and how often.
        device: where the batches are.
        sparse: whether sampled softmax gives the item vectors sparse gradients.
        draws: where what is drawn for a batch as a whole comes from.
    """
    loss = LOSSES[options.loss]
    settings = LossSettings(
        sequences.num_items,
        negatives=options.negatives or loss.negatives or 1,
        padding=model.padding,
        calibration=options.calibration,
        item_counts=sequences.item_counts,
        device=device,
        generator=draws.on(device) if draws else None,
        sparse=sparse,
    )
    return loss.build(settings)
