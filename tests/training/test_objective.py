"""Which loss a run minimises, and what is refused before it."""

from typing import Any

import pytest
import torch

from seqrec.errors import SeqrecError
from seqrec.losses import CrossEntropy
from seqrec.losses.by_name import LOSSES
from seqrec.losses.negatives import (
    BayesianPersonalisedRanking,
    BinaryCrossEntropy,
    UniformNegatives,
)
from seqrec.losses.sampled_softmax import SampledSoftmax
from seqrec.models import MODELS, build_model, model_class
from seqrec.models.parts.face import SequentialModel
from seqrec.parameters.sections import TrainingOptions
from seqrec.training.loop import training_batches
from seqrec.training.objective import check_loss, item_loss
from tests.batches.test_packing import training_only

CPU = torch.device("cpu")
LARGE = ("duorec", "fearec", "seer")
PAIRS = [
    *(("sasrec", loss) for loss in LOSSES),
    # a mask shows so few targets a step that weaker losses take too long for a test
    ("bert4rec", "cross_entropy"),
    *(
        pytest.param(name, loss, marks=[pytest.mark.slow] if name in LARGE else [])
        for name in MODELS
        if name not in ("sasrec", "bert4rec")
        for loss in ("cross_entropy", "bce")
        if loss in (model_class(name).losses or LOSSES)
    ),
]


def training(**values: Any) -> TrainingOptions:
    return TrainingOptions.model_validate(values)


def loss_of(options: TrainingOptions, protocol: str = "standard", name: str = "sasrec") -> Any:
    data = training_only([[1, 2, 3], [4, 99]])
    model = build_model(name, {"max_len": 4, "dim": 8}, protocol, data.num_items)
    return item_loss(options, model, data, CPU)


def test_each_loss_is_the_one_it_is_named_after() -> None:
    assert loss_of(training()) == CrossEntropy("none")
    assert loss_of(training(), "authors") == CrossEntropy("class")
    assert loss_of(training(), "authors", "mqsa_ted") == CrossEntropy("zero")
    bce = loss_of(training(loss="bce"))
    assert isinstance(bce, BinaryCrossEntropy)
    assert (bce.sampler, bce.beta, bce.per_term) == (UniformNegatives(99, 1), 1.0, False)
    gbce = loss_of(training(loss="gbce", negatives=49, calibration=1.0))
    assert isinstance(gbce, BinaryCrossEntropy)
    assert gbce.sampler == UniformNegatives(99, 49)
    assert gbce.beta == pytest.approx(0.5)
    assert gbce.per_term
    bpr = loss_of(training(loss="bpr", negatives=7))
    assert isinstance(bpr, BayesianPersonalisedRanking)
    assert bpr.sampler == UniformNegatives(99, 7)
    sampled = loss_of(training(loss="sampled_softmax"))
    assert isinstance(sampled, SampledSoftmax)
    assert sampled.negatives == 1024


@pytest.mark.parametrize(("name", "loss"), PAIRS)
def test_every_model_learns_by_every_loss(name: str, loss: str) -> None:
    """A chain of items, always the same: the next one becomes the likeliest of the unseen."""
    torch.manual_seed(0)
    data = training_only([[(first + step) % 12 + 1 for step in range(6)] for first in range(12)])
    options = model_class(name).Config.__dataclass_fields__
    rates = {option: 0.0 for option in options if option.endswith("dropout")}
    model = build_model(name, {"max_len": 6, "dim": 16, **rates}, "standard", data.num_items)
    model.prepare(data)
    batches = training_batches(data, model, CPU)
    objective = item_loss(training(loss=loss, negatives=TAKES.get(loss)), model, data, CPU)
    rate = 0.02 if name in ("caser", "gru4rec") else 0.005  # attention bears no large steps
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    history = torch.tensor([[1, 2, 3, 4, 5], [8, 9, 10, 11, 12], [10, 11, 12, 1, 2]])
    for _ in range({"bert4rec": 20, "gru4rec": 12}.get(name, 6)):
        for _ in range(25):
            optimizer.zero_grad()
            batch = batches.gather(torch.arange(len(batches)))
            model.train().loss(batch, objective)["loss"].backward()
            optimizer.step()
        if (found := likeliest_unseen(model, history)) == [6, 1, 3]:
            break
    assert found == [6, 1, 3]


def likeliest_unseen(model: SequentialModel, histories: torch.Tensor) -> list[int]:
    scores = model.eval().scorer()(histories, torch.zeros(len(histories), dtype=torch.long))
    scores = scores.detach().scatter(1, histories, -torch.inf)
    found: list[int] = (scores[:, 1:].argmax(dim=1) + 1).tolist()
    return found


TAKES = {"bce": 3, "gbce": 3, "bpr": 3, "sampled_softmax": 12}


@pytest.mark.parametrize("name", MODELS)
def test_authors_have_the_losses_of_their_code(name: str) -> None:
    model = model_class(name)
    for loss in LOSSES:
        options = training(loss=loss)
        if loss in model.authors_losses:
            check_loss(options, model, "authors")
        else:
            with pytest.raises(SeqrecError, match="is a choice of protocol=standard") as caught:
                check_loss(options, model, "authors")
            assert "\n" not in str(caught.value)
        if model.losses is None or loss in model.losses:
            check_loss(options, model, "standard")
        else:
            with pytest.raises(SeqrecError, match="is trained with cross_entropy alone"):
                check_loss(options, model, "standard")


def test_negatives_where_there_are_none_are_refused() -> None:
    with pytest.raises(SeqrecError, match=r"means nothing to training.loss=cross_entropy"):
        check_loss(training(negatives=5), model_class("sasrec"), "standard")
    with pytest.raises(SeqrecError, match=r"training.negatives=5"):
        check_loss(training(loss="bce", negatives=5), model_class("sasrec"), "authors")


def test_a_patience_that_ends_before_validation_is_refused() -> None:
    """Else the last weights would be kept without a word."""
    with pytest.raises(SeqrecError, match=r"^training.patience=3 ends .* or null$"):
        check_loss(training(patience=3, validate_every=5), model_class("sasrec"), "standard")
    for patience in (5, None):
        check_loss(training(patience=patience, validate_every=5), model_class("sasrec"), "standard")
