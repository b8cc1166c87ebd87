"""The long tables as tables to read: what stands where, which is bold, and what it means."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import parse_label
from seqrec.reporting.pages import Entry, Row, Style, View

CUTOFFS = (5, 10, 20)
SHOWN = ("HR", "NDCG")
SORTED_BY = "NDCG@10"
SOURCES = {"authors": "its authors", "independent": "independent"}


def leaderboard_views(
    leaderboard: pd.DataFrame,
    published: pd.DataFrame | None = None,
    cutoffs: Sequence[int] = CUTOFFS,
) -> list[View]:
    """Return the leaderboard, a table a data set and protocol, the best models first.

    Args:
        leaderboard: as from ``leaderboard``.
        published: as from ``published_table``: beneath the model it is about, models that were
            not measured at the end.
        cutoffs: which of the measured ones are shown.

    Raises:
        SeqrecError: nothing was measured at any of the cutoffs.
    """
    return [
        _leaderboard_view(str(dataset), str(protocol), rows, published, cutoffs)
        for (dataset, protocol), rows in leaderboard.groupby(["dataset", "protocol"])
    ]


def significance_views(significance: pd.DataFrame) -> list[View]:
    """Return the comparisons, a table a data set, protocol and metric; best models first."""
    return [
        View(
            section=str(dataset),
            heading=f"{protocol}, {metric}",
            header=("model", "difference", "95 % interval", "p", "p (Holm)", "p over seeds (Holm)"),
            rows=tuple(
                _significance_row(row)
                for row in _records(
                    rows.sort_values(["difference", "model"], ascending=[False, True])
                )
            ),
            note=_significance_note(rows),
        )
        for (dataset, protocol, metric), rows in significance.groupby(
            ["dataset", "protocol", "metric"]
        )
    ]


def breakdown_views(breakdowns: pd.DataFrame, metric: str = "NDCG@10") -> list[View]:
    """Return quality by groups of targets, a table a data set, protocol and kind of group.

    A kind that puts all targets into one group has no table: it says nothing.

    Args:
        breakdowns: as from ``breakdowns``.
        metric: the one shown.
    """
    shown = breakdowns[breakdowns["metric"] == metric]
    panels = shown.groupby(["dataset", "protocol", "by"], sort=False)
    return [
        _breakdown_view(str(dataset), str(protocol), str(kind), metric, rows)
        for (dataset, protocol, kind), rows in panels
        if rows["group"].nunique() > 1
    ]


def training_views(trainings: pd.DataFrame) -> list[View]:
    """Return how long each model was trained, a table a data set and protocol.

    Args:
        trainings: as from ``trainings``.
    """
    return [
        View(
            section=str(dataset),
            heading=str(protocol),
            header=("model", "seeds", "kept", "of"),
            rows=tuple(_training_row(str(name), of) for name, of in rows.groupby("model")),
            note="Which epoch was kept, the best in validation, and how many there were.",
        )
        for (dataset, protocol), rows in trainings.groupby(["dataset", "protocol"])
    ]


def _training_row(model: str, rows: pd.DataFrame) -> Row:
    seeds, best, length = (", ".join(map(str, rows[name])) for name in ("seed", "best", "length"))
    return (Entry(model), Entry(seeds), Entry(best), Entry(f"{length} {rows['unit'].iloc[0]}"))


def _leaderboard_view(
    dataset: str,
    protocol: str,
    rows: pd.DataFrame,
    published: pd.DataFrame | None,
    cutoffs: Sequence[int],
) -> View:
    labels = shown_labels(rows["metric"].unique(), cutoffs)
    elsewhere = _published_rows(dataset, published, labels)
    models = _models_by_value(rows, _sorting_label(labels))
    body: list[Row] = []
    for model in models:
        body += [_model_row(model, rows[rows["model"] == model], labels), *elsewhere.pop(model, [])]
    for others in elsewhere.values():
        body += others
    header = ("model", "seeds", *labels)
    note = _leaderboard_note(protocol, rows, labels, len(body) > len(models))
    return View(dataset, protocol, header, tuple(body), note)


def shown_labels(labels: Iterable[str], cutoffs: Sequence[int]) -> tuple[str, ...]:
    """Return the labels HR@k and NDCG@k among those given, by cutoff.

    Raises:
        SeqrecError: there is none.
    """
    names = {label: parse_label(label) for label in labels}
    fitting = [
        (cutoff, SHOWN.index(name), label)
        for label, (name, cutoff) in names.items()
        if name in SHOWN and cutoff in cutoffs
    ]
    if not fitting:
        listed = ", ".join(map(str, cutoffs))
        raise SeqrecError(
            f"nothing was measured at the cutoffs {listed}; add one to evaluation.cutoffs "
            "and evaluate again"
        )
    return tuple(label for *_, label in sorted(fitting))


def _sorting_label(labels: Sequence[str]) -> str:
    return SORTED_BY if SORTED_BY in labels else labels[-1]


def _models_by_value(rows: pd.DataFrame, label: str) -> list[str]:
    """Return the models, the highest value first; those that lack the metric last."""
    values = rows[rows["metric"] == label].set_index("model")["value"].to_dict()
    return sorted(rows["model"].unique(), key=lambda model: (-values.get(model, -1.0), model))


def _model_row(model: str, rows: pd.DataFrame, labels: Sequence[str]) -> Row:
    by_label = {record.metric: record for record in _records(rows)}
    entries = [_measured(by_label.get(label)) for label in labels]
    return (Entry(model), Entry(str(rows["seeds"].iloc[0])), *entries)


def _measured(record: Any) -> Entry:
    if record is None:
        return Entry("")
    spread = "" if math.isnan(record.deviation) else f" ± {record.deviation:.4f}"
    return Entry(f"{record.value:.4f}{spread}", "bold" if record.best else "plain")


def _published_rows(
    dataset: str, published: pd.DataFrame | None, labels: Sequence[str]
) -> dict[str, list[Row]]:
    """Return the rows of published figures by model, in the order of their list."""
    rows: dict[str, list[Row]] = {}
    if published is None:
        return rows
    chosen = published[(published["dataset"] == dataset) & published["metric"].isin(labels)]
    for (model, source), figures in chosen.groupby(["model", "source"], sort=False):
        values = dict(zip(figures["metric"], figures["value"], strict=True))
        shown = [f"{values[label]:.4f}" if label in values else "" for label in labels]
        seeds, note = figures["seeds"].iloc[0], figures["note"].iloc[0]
        name = f"{model}, {SOURCES[str(source)]}" + (f" ({note})" if note else "")
        texts = [name, "" if pd.isna(seeds) else str(seeds), *shown]
        row = tuple(Entry(text, "italic" if text else "plain") for text in texts)
        rows.setdefault(str(model), []).append(row)
    return rows


def _leaderboard_note(
    protocol: str, rows: pd.DataFrame, labels: Sequence[str], with_published: bool
) -> str:
    label = _sorting_label(labels)
    errors = rows.loc[rows["metric"] == label, "standard_error"]
    fewest, most = rows["seeds"].min(), rows["seeds"].max()
    parts = [
        f"{_span(rows['targets'])} test targets, protocol {protocol}, bold the best",
        f"mean over {_span(rows['seeds'])} {'seed' if most == 1 else 'seeds'}",
    ]
    if most > 1:
        single = " (none with one)" if fewest == 1 else ""
        parts.append(f"± the sample deviation over seeds{single}")
    if errors.notna().any():
        parts.append(f"standard error of {label} over users at most {errors.max():.4f}")
    if with_published:
        parts.append("in italics published figures, not measured here")
    return "; ".join(parts) + "."


def _span(numbers: pd.Series[int]) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _significance_row(row: Any) -> Row:
    style: Style = "bold" if row.p_holm < 0.05 else "plain"
    return (
        Entry(row.model),
        Entry(_signed(row.difference), style),
        Entry(f"{_signed(row.low)} to {_signed(row.high)}"),
        Entry(_probability(row.p)),
        Entry(_probability(row.p_holm), style),
        Entry(_probability(row.p_seeds_holm)),
    )


def _significance_note(rows: pd.DataFrame) -> str:
    first = next(iter(_records(rows)))
    text = (
        f"Difference to {first.reference} on the test split: paired bootstrap over "
        f"{first.users:,} users, p corrected by Holm over {len(rows)} "
        f"{'model' if len(rows) == 1 else 'models'}; bold where it is below 0.05."
    )
    tested = rows[rows["p_seeds"].notna()]
    if not len(tested):
        return f"{text} No test over seeds: it takes two seeds of both models."
    return f"{text} Over seeds: permutation of the per-seed means, {_smallest(tested)}."


def _smallest(rows: pd.DataFrame) -> str:
    """Say what p so few seeds can give at the least."""
    smallest = min(
        (2 if row.seeds == row.reference_seeds else 1)
        / math.comb(row.seeds + row.reference_seeds, row.seeds)
        for row in _records(rows)
    )
    return f"which for these seeds gives no p below {_probability(smallest)} before correction"


def _breakdown_view(
    dataset: str, protocol: str, kind: str, metric: str, rows: pd.DataFrame
) -> View:
    groups = rows.drop_duplicates("order").sort_values("order")
    names = list(groups["group"])
    values = {(row.model, row.group): row.value for row in _records(rows)}
    best = rows.groupby("group")["value"].max().to_dict()
    models = sorted(rows["model"].unique())
    header = [f"{row.group} ({row.targets:,})" for row in _records(groups)]
    body = tuple(
        (Entry(model), *(_in_group(values.get((model, name)), best[name]) for name in names))
        for model in models
    )
    note = f"{metric} by {kind}, targets of each group in brackets, bold the best of each."
    return View(dataset, f"{protocol}, by {kind}", ("model", *header), body, note)


def _in_group(value: float | None, best: float) -> Entry:
    if value is None:
        return Entry("")
    return Entry(f"{value:.4f}", "bold" if value == best and best > 0 else "plain")


def _signed(value: float) -> str:
    """Return a difference with its sign, nothing without one."""
    text = f"{value:+.4f}"
    return "0.0000" if float(text) == 0 else text.replace("-", "−")


def _probability(p: float) -> str:
    if math.isnan(p):
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _records(table: pd.DataFrame) -> Iterator[Any]:
    """Return the rows as named tuples, which mypy cannot know the fields of."""
    return iter(table.itertuples(index=False))
