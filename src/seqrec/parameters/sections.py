"""Typed parameters: one pydantic model a section, unknown keys forbidden.

The sections are the keys a user writes after ``--params``. ``select_parameters`` picks the
blocks of the chosen data set and model, lays the user's own values on top and checks the
result before any work begins. No Kedro here, and no torch: a model's own options are
checked by that model (``seqrec.models``).
"""

import os
import re
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from seqrec.models.parts.search_range import Space
from seqrec.parameters.raw_sections import RawOptions
from seqrec.parameters.search_space import is_range, space_of, sweep_of
from seqrec.parameters.section import Section
from seqrec.protocol import Protocol as Protocol


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("should be a number")  # pydantic would take true for 1
    return value


def _instant(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 1.5e9
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise ValueError("should be an ISO date such as 2019-12-31 or a whole number")
    return fits_64_bits(value) if isinstance(value, int) else value


def _switch(value: Any) -> Any:
    return {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value


def fits_64_bits(value: int) -> int:
    """Return the number, or complain that torch and the data engine could not hold it."""
    if not -(2**63) <= value < 2**63:
        raise ValueError("should lie between -2**63 and 2**63 - 1")
    return value


NUMBER = BeforeValidator(_no_truth_value)
Instant = Annotated[str | int | None, BeforeValidator(_instant)]
Share = Annotated[float, NUMBER, Field(ge=0.0, le=1.0)]
Count = Annotated[int, NUMBER, Field(ge=0)]
Positive = Annotated[int, NUMBER, Field(ge=1)]
UserPath = Annotated[str, Field(min_length=1), AfterValidator(os.path.expanduser)]


SectionT = TypeVar("SectionT", bound=Section)


class IngestionOptions(Section):
    """How tolerant reading is."""

    max_rejected_share: Share = 0.01
    """Share of a log's rows that may be unreadable; more of them stop the run."""


class FilteringOptions(Section):
    """Which interactions stay."""

    min_rating: Annotated[float | None, NUMBER] = None
    """Smallest rating that stays, in the log's own unit; null: ratings play no part."""
    start: Instant = None
    """First instant that stays: ISO date or a number in the log's own unit."""
    end: Instant = None
    """Last instant that stays (inclusive)."""
    repeats: Literal["keep", "first", "last"] = "keep"
    """Which of a user's interactions with the same item stays."""
    repeats_order: Literal["time", "file"] = "time"
    """What comes first among ``repeats``: by time, or by the rows of the file."""
    consecutive_repeats: Literal["keep", "drop"] = "keep"
    """Whether an item right after itself in a user's history stays."""
    user_core: Count = 5
    """Fewest interactions of a user who stays; 0 is off."""
    item_core: Count = 5
    """Fewest interactions of an item that stays, counted together with ``user_core`` until both
    hold; 0 is off."""


class SplittingOptions(Section):
    """Which interactions are for training, validation and test."""

    strategy: Literal["leave_one_out", "ratio", "temporal"] = "leave_one_out"
    """Whether each user's last two interactions are held back, each user's last shares, or all
    interactions from one instant on."""
    valid_share: Share = 0.1
    """Share of the interactions that is for validation, under ``ratio`` and ``temporal``."""
    test_share: Share = 0.1
    """Share of the interactions that is for the test, under ``ratio`` and ``temporal``."""

    @field_validator("valid_share", "test_share")
    @classmethod
    def _something_to_measure_on(cls, share: float, info: ValidationInfo) -> float:
        strategy = info.data.get("strategy", "leave_one_out")
        if strategy != "leave_one_out" and share == 0:
            raise ValueError(f"should be greater than 0 where splitting.strategy={strategy}")
        return share

    @model_validator(mode="after")
    def _leaves_something_to_train_on(self) -> "SplittingOptions":
        if self.strategy != "leave_one_out" and self.valid_share + self.test_share >= 1:
            raise ValueError("valid_share + test_share must be below 1")
        return self


class TransitionOptions(Section):
    """The item-to-item transition graph."""

    time_span: Positive = 1
    """How many places in a history two items of a transition may be apart."""
    last_items: Positive | None = None
    """Only a user's last so many training items (MQSA-TED's rule), or all of them."""


class EngineOptions(Section):
    """The data engine: which it is, how much memory it may take, and where it spills."""

    backend: Literal["duckdb", "spark"] = "duckdb"
    """``spark``: ``kedro run --env spark``, with the settings of ``conf/spark/spark.yml``."""
    memory_limit: str = "4GB"
    """Memory that DuckDB may take, such as ``500MB``; what is larger goes to the disk."""
    spill_directory: str = "data/tmp/spill"
    """Folder for what does not fit into that memory."""
    threads: Positive | None = None
    """How many threads DuckDB uses; null: one a core."""

    @field_validator("memory_limit", mode="before")
    @classmethod
    def _memory_limit_is_a_size(cls, limit: Any) -> Any:
        if not re.fullmatch(r"\d+(\.\d+)? ?[KMGT]i?B", str(limit)):
            raise ValueError("should be a size such as 4GB or 512MB")
        return limit


class TrainingOptions(Section):
    """The training loop; the same for every model."""

    batch_size: Positive = 256
    """Examples of a training step: prefixes, or users where a model learns from whole sequences."""
    learning_rate: Annotated[float, NUMBER, Field(gt=0)] = 1e-3
    """Step size of Adam."""
    max_epochs: Positive = 200
    """Epochs at most; one goes over all training examples once."""
    patience: Positive | None = 10
    """Epochs without a better ``monitor`` before training stops; null trains to the end."""
    monitor: str = "NDCG@20"
    """Metric on validation by which the best epoch is told, as ``NAME@k``."""
    validate_every: Positive = 1
    """Epochs between two validations; the last epoch is validated in any case."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the model computes; ``auto``: on a GPU if there is one."""
    processes: Positive | Literal["auto"] = 1
    """How many train one model, each with its share of every batch; ``auto``: one a GPU."""
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"
    """Number format of the products: 32 bits, TensorFloat-32 (CUDA only) or bfloat16."""
    compile: Annotated[Literal["auto", "on", "off"], BeforeValidator(_switch)] = "auto"
    """Whether torch compiles the step; ``auto`` does where it pays."""
    loss: Literal["cross_entropy", "bce", "gbce", "bpr", "sampled_softmax"] = "cross_entropy"
    """What is minimised: over all items, against negatives of each target's own, or over one sample
    of items."""
    negatives: Positive | None = None
    """Items that a target is compared with; null: 1 for bce and bpr, 256 for gbce, 1,024 in the
    sample of sampled_softmax."""
    calibration: Share = 0.75
    """t of gBCE (arXiv 2308.07192): 0 is bce, 1 takes all of the overconfidence away that few
    negatives lead to."""
    weight_decay: Annotated[float, NUMBER, Field(ge=0)] = 0.0
    """Share of a weight that Adam adds to its gradient."""
    initialisation: Literal["normal", "xavier"] | None = None
    """How weights of linear layers are drawn: normal with deviation .02 or Xavier's normal; vectors
    of items and places are normal either way; null: as the paper's code has it."""
    target_share: Annotated[float, NUMBER, Field(gt=0, le=1)] = 1.0
    """Share of the targets that are learned from, at least one: of a batch of whole sequences drawn
    anew in each step, of examples with one target in each epoch."""
    average_weights: Annotated[float, NUMBER, Field(gt=0, lt=1)] | None = None
    """Validate and keep the moving average of the weights: what it keeps of itself in a step, less
    in the first ones; null: the weights themselves."""
    start_from: UserPath | None = None
    """Folder of a trained model whose weights the training starts from; null: from random ones."""


class TedOptions(Section):
    """Transition-aware embedding distillation: a second loss, for any model."""

    weight: Annotated[float, NUMBER, Field(ge=0)] = 0.0
    """Weight of the distillation in the whole loss; 0 is off."""
    tau: Annotated[float, NUMBER, Field(gt=0)] = 0.1
    """Temperature of both distributions of the distillation."""
    time_span: Positive | None = None
    """How far apart two items of a transition may be; null: as ``transitions.time_span`` says."""


def numbers_in(value: Any) -> Any:
    """Return one number, or a text such as ``1;5;10``, as a list: commas split ``--params``."""
    if isinstance(value, str):
        return re.findall(r"[^;,\s]+", value)
    return [value] if isinstance(value, int | float) else value


def each_once(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Return the numbers in order, each once."""
    return tuple(sorted(set(numbers)))


Cutoffs = Annotated[
    tuple[Positive, ...],
    Field(min_length=1),
    BeforeValidator(numbers_in),
    AfterValidator(each_once),
]


class RankingOptions(Section):
    """How targets are ranked."""

    seen_items: Literal["exclude", "keep"] = "exclude"
    """Whether items of the user's own history compete (protocol ``standard``)."""
    batch_size: Positive = 256
    """Targets that are ranked at a time."""


class EvaluationOptions(RankingOptions):
    """Ranking and metrics."""

    cutoffs: Cutoffs = (1, 5, 10, 20)
    """The k of HR@k, NDCG@k and MRR@k."""
    sampled_negatives: Positive | None = None
    """Also rank against so many sampled items, to compare with old papers."""


class RecommendationOptions(Section):
    """Lists for the users of a data set."""

    k: Positive = 20
    """Length of a list; it is shorter where fewer items are left."""
    seen_items: Literal["exclude", "keep"] | None = None
    """Whether items of the user's history may stand in the list; null: as the model's protocol
    ranks."""
    users: UserPath | None = None
    """A file with ``user_id``; null: all users."""
    candidates: UserPath | None = None
    """A file of the items to choose from: ``item_id`` for all, with ``user_id`` by user."""
    exclude: UserPath | None = None
    """A file of items to leave out, likewise."""
    models: Literal["models", "final"] = "models"
    """Which models give the lists: those that were evaluated, or those of the pipeline ``refit``;
    after ``--params`` only."""


Sweep = tuple[int | float, ...]
Spaces = dict[str, dict[str, dict[str, Annotated[Space | None, BeforeValidator(space_of)]]]]
Sweeps = dict[str, dict[str, dict[str, Annotated[Sweep | None, BeforeValidator(sweep_of)]]]]
"""Model → section → parameter → what is tried; null: it is left out."""


class TuningOptions(Section):
    """The search for the parameters that reach most on validation."""

    trials: Positive = 20
    """How many sets of values are tried, those of earlier runs of the same search included."""
    warmup_epochs: Count = 5
    """Epochs a trial has before it may be given up for being below the median of the others."""
    spaces: Spaces = {}  # noqa: RUF012 pydantic copies it
    """Where values are looked for, over what the model declares: a range, a list, or null to leave
    a parameter out."""


class SensitivityOptions(Section):
    """One parameter varied at a time, the others as they are."""

    sweeps: Sweeps = {}  # noqa: RUF012 pydantic copies it
    """The values of each parameter that is varied; null leaves one out."""


def texts_in(value: Any) -> Any:
    """Return a text such as ``bsarec;sasrec`` as a list: commas split ``--params``."""
    return re.findall(r"[^;,\s]+", value) if isinstance(value, str) else value


def each_name_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names in their order, each once."""
    return tuple(dict.fromkeys(names))


Names = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(texts_in),
    AfterValidator(each_name_once),
]


class ReportingOptions(Section):
    """The results book."""

    reference: str | None = None
    """Model that the others are compared with; null: each data set's best in validation."""
    metrics: Names = ("HR@10", "NDCG@10")
    """Metrics that are compared and broken down; the last one is drawn."""
    resamples: Annotated[int, NUMBER, Field(ge=100)] = 10_000
    """How often the users are drawn anew, for the paired bootstrap."""
    pictures: Names = ("bsarec", "sasrec_ce", "mqsa_ted")
    """The models that the papers' pictures show."""
    histories: Positive = 256
    """How many histories, the longest, these pictures are drawn from."""


SECTIONS: dict[str, type[Section]] = {
    "raw": RawOptions,
    "ingestion": IngestionOptions,
    "filtering": FilteringOptions,
    "splitting": SplittingOptions,
    "transitions": TransitionOptions,
    "engine": EngineOptions,
    "training": TrainingOptions,
    "ted": TedOptions,
    "evaluation": EvaluationOptions,
    "recommendation": RecommendationOptions,
    "tuning": TuningOptions,
    "sensitivity": SensitivityOptions,
    "reporting": ReportingOptions,
}
SCALARS = ("dataset", "model", "variant", "protocol", "seeds", "raw_dir")
MODEL_OPTIONS = "model_options"


def merged(*blocks: dict[str, Any] | None) -> dict[str, Any]:
    """Return the blocks laid over one another, later ones on top, nested ones key by key.

    Null instead of a nested block says nothing: the block below stays. A range of a search is a
    value, not a block: null takes its place.
    """
    result: dict[str, Any] = {}
    for block in blocks:
        for key, value in (block or {}).items():
            old = result.get(key)
            left_out = value is None and is_range(old)
            both = isinstance(old, dict) and isinstance(value, dict | None) and not left_out
            result[key] = merged(old, value) if both else value
    return result
