"""The model card of a cell: what was learned from what, by which rules, and how well.

Only what was configured, counted or measured stands in it, and no time: equal runs write equal
cards.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from seqrec import __version__

if TYPE_CHECKING:
    from seqrec.models.folder import TrainedModel

PACKAGES = ("torch", "numpy", "pyarrow", "safetensors")
SPLITS = {"train": "training", "valid": "validation", "test": "test"}
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class DataFacts:
    """Where a cell's sequences come from."""

    ingestion: Facts
    """The content of ingestion_report.json."""
    filtering: Facts
    """The content of filter_report.json."""
    split_sizes: Mapping[str, int]
    """Interactions of each split."""
    terms: str | None
    """``raw.publisher.terms`` as configured."""
    generated: bool
    """Whether the project makes the log itself."""


def model_card(
    metrics: Facts,
    data: DataFacts,
    cold_items: int,
    configs: Sequence[Facts],
    parameters: Mapping[str, Facts],
    *,
    history_len: int,
) -> str:
    """Return the card as Markdown.

    Args:
        metrics: the content of metrics.json.
        data: where the sequences come from.
        cold_items: how many items stand in no training interaction.
        configs: the model's configuration, seed by seed.
        parameters: section → parameter → value: all else that decides the outcome.
        history_len: how many of a history's last items are looked at; SEER's evidence reads more
            than ``max_len``, which is its encoder's.
    """
    sections = {
        "Data": _data(data),
        "Measured": _measured(metrics),
        "Limits": _limits(metrics, cold_items, configs[0], history_len),
        "Parameters": _parameters(metrics, {"model": _joined(configs), **parameters}),
        "Versions": _versions(),
    }
    cell = "/".join(metrics[part] for part in ("dataset", "model", "protocol"))
    parts = [f"# Model card: {metrics['model']} on {metrics['dataset']}"]
    parts.append(f"Cell `{cell}`, {_seeds(metrics)}. Written by the pipeline `evaluation`.")
    for name, lines in sections.items():
        parts += [f"## {name}", *lines]
    return "\n\n".join(parts) + "\n"


def unmeasured_card(trained: TrainedModel) -> str:
    """Return what a model itself knows, where no evaluation says more."""
    parts = [
        f"# Model card: {trained.model_name} on {trained.dataset}",
        f"Protocol `{trained.protocol}`, seed {trained.seed}. No evaluation was at hand when this "
        "was written.",
        f"Trained on sequences of {trained.num_users:,} users with {trained.num_items:,} items "
        f"(fingerprint `{trained.data_fingerprint}`), {_how_far(trained)}.",
        _parameter_table({"model": asdict(trained.model.config), **trained_with(trained)}),
        *_versions(),
    ]
    return "\n\n".join(parts) + "\n"


def is_card_of(card: str, trained: TrainedModel) -> bool:
    """Tell whether the figures in a card are those of a model, or of the one it is a refit of."""
    return f"`{trained.evaluated or trained.fingerprint()}`" in card


def _how_far(trained: TrainedModel) -> str:
    if trained.refit:
        return f"validation and test included, to epoch (or trial) {trained.best_epoch}"
    if trained.best_value is None:
        return "not validated"
    value = f"{trained.monitor} = {trained.best_value:.4f} on validation"
    return f"best in epoch {trained.best_epoch}, by {value}"


def trained_with(trained: TrainedModel) -> Mapping[str, Facts]:
    """Return what a model was told besides its own options, as its folder has it, by sections."""
    return {name: told for name, told in trained.settings.items() if isinstance(told, Mapping)}


def of_refit(card: str, trained: TrainedModel) -> str:
    """Return the card of a cell as that of the model that learned from everything afterwards."""
    title, _, rest = card.partition("\n")
    note = (
        "This model is a refit: with the same parameters it learned from all interactions, those "
        f"of validation and test too, to epoch (or trial) {trained.best_epoch}. What is measured "
        "below is measured of the model that had not seen them."
    )
    return f"{title}\n\n{note}\n{rest}"


def _joined(configs: Sequence[Facts]) -> Facts:
    """Return one configuration; what a model chose for each seed anew stands there seed by seed."""
    values = {name: [config[name] for config in configs] for name in configs[0]}
    return {
        name: own[0] if all(value == own[0] for value in own) else own
        for name, own in values.items()
    }


def _seeds(metrics: Facts) -> str:
    seeds = metrics["seeds"]
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def _data(data: DataFacts) -> Iterator[str]:
    yield _log(data.ingestion)
    steps, counted = data.filtering["steps"], ("interactions", "users", "items", "dropped")
    rows = [(step["name"], *(f"{step[key]:,}" for key in counted)) for step in steps]
    yield _table(("step", "interactions", "users", "items", "interactions dropped"), rows)
    sizes = [f"{size:,} {SPLITS[split]}" for split, size in data.split_sizes.items()]
    yield f"Of the last line's interactions {', '.join(sizes)}."
    if data.generated:
        yield "The log is generated by the project itself; it is no record of people."
    else:
        terms = f"“{data.terms}”" if data.terms else "none are configured; ask the publisher"
        yield f"Terms of the data (`raw.publisher.terms`): {terms}."


def _log(report: Facts) -> str:
    reasons = [f"{number:,} × {reason}" for reason, number in report["rejected_by_reason"].items()]
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return (
        f"Read from `{report['file']}` (sha256 `{report['sha256']}`): {report['rows_read']:,} "
        f"rows, {report['rows_rejected']:,} of them rejected{why}."
    )


def _measured(metrics: Facts) -> Iterator[str]:
    splits, several = metrics["splits"], len(metrics["seeds"]) > 1
    columns = [_column(split, several) for split in splits.values()]
    header = ["metric", *(SPLITS[name] for name in splits)]
    yield _table(header, [[label, *(column[label] for column in columns)] for label in columns[0]])
    yield (
        f"Mean ± standard error over targets ({_targets(splits)}), each ranked among all items by "
        f"protocol `{metrics['protocol']}`; items of the user's own history: "
        f"{metrics['seen_items']}."
    )
    if several:
        yield "In brackets the deviation between the seeds; what stands before it is their mean."


def _column(split: Facts, several: bool) -> dict[str, str]:
    """Return a split's metrics, and the share of the items that were shown to anyone, by label."""
    column = {}
    for label, value in split["metrics"].items():
        deviation = f" ({value['deviation']:.4f})" if several else ""
        column[label] = _with_error(value) + deviation
    shares = {label: f"{split[label]:.4f}" for label in split if label.startswith("coverage@")}
    return column | shares


def _with_error(value: Facts) -> str:
    error = value["standard_error"]
    return f"{value['value']:.4f}" + ("" if error is None else f" ± {error:.4f}")


def _targets(splits: Facts) -> str:
    return ", ".join(f"{SPLITS[name]} {split['targets']:,}" for name, split in splits.items())


def _limits(metrics: Facts, cold_items: int, config: Facts, history_len: int) -> Iterator[str]:
    test = metrics["splits"]["test"]
    lines = [
        f"It knows {config['num_items']:,} items and no other: a new item needs a new training.",
        f"It looks at the last {history_len:,} items of a history.",
    ]
    counted = {
        "items stand in no training interaction: it learned nothing of them": cold_items,
        "test targets are such items": test["cold_targets"],
        f"test targets stand in their user's history already{_lost(metrics)}": test[
            "repeat_targets"
        ],
        "test interactions have no history and are not counted": test["targets_without_history"],
    }
    lines += [f"{number:,} {text}." for text, number in counted.items() if number]
    yield "\n".join(f"- {line}" for line in lines)


def _lost(metrics: Facts) -> str:
    """Say what leaving out seen items does to a target among them."""
    excluded = metrics["seen_items"].startswith("exclude")
    return " and cannot be found, for seen items are left out" if excluded else ""


def _parameters(metrics: Facts, sections: Facts) -> Iterator[str]:
    epochs = [f"{seed}: {one['best_epoch']}" for seed, one in metrics["by_seed"].items()]
    yield f"Best epoch (or trial) by seed: {', '.join(epochs)}."
    yield _parameter_table(sections)
    prints = [f"{seed}: `{one['fingerprint']}`" for seed, one in metrics["by_seed"].items()]
    yield f"Fingerprint of the measured model by seed: {', '.join(prints)}."


def _parameter_table(sections: Mapping[str, Facts]) -> str:
    rows = [
        (f"{section}.{name}", _plain(value))
        for section, values in sections.items()
        for name, value in values.items()
    ]
    return _table(("parameter", "value"), rows)


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


def _versions() -> Iterator[str]:
    versions = {"seqrec": __version__, "python": platform.python_version()}
    versions |= {name: version(name).split("+")[0] for name in PACKAGES}
    yield _table(("package", "version"), list(versions.items()))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_in_a_cell, line)) + " |" for line in lines)


def _in_a_cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
