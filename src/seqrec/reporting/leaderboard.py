"""All cells in one long table, beside the figures that others published."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field

from seqrec.cell import Cell
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import parse_label
from seqrec.parameters.section import Section
from seqrec.parameters.section_checks import check_values
from seqrec.parameters.sections import Positive, Share
from seqrec.reporting.cells import Metrics, grouped

log = logging.getLogger(__name__)

COLUMNS = (
    "dataset",
    "protocol",
    "model",
    "seeds",
    "targets",
    "metric",
    "value",
    "deviation",
    "standard_error",
    "best",
    "published_authors",
    "published_independent",
)
PUBLISHED_COLUMNS = ("dataset", "model", "source", "seeds", "note", "metric", "value")
GROUP = ["dataset", "protocol", "metric"]
Source = Literal["authors", "independent"]


def _is_label(label: str) -> str:
    try:
        parse_label(label)
    except SeqrecError as error:
        raise ValueError(str(error)) from None
    return label


Label = Annotated[str, AfterValidator(_is_label)]


class PublishedRow(Section):
    """What one source reports of one model."""

    model: Annotated[str, Field(min_length=1)]
    source: Source
    """The paper's own figures, or somebody else's."""
    seeds: Positive | None = None
    """How many the figures are a mean of; null where the source does not say."""
    note: str = ""
    figures: dict[str, dict[Label, Share]]
    """Data set → metric → value on the test split."""


class _Published(Section):
    published: tuple[PublishedRow, ...]


class _Targets(Section):
    targets: dict[str, Positive]


def published_table(published: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return published figures as a long table.

    Args:
        published: the parameter ``published``, a list of rows as in ``PublishedRow``.

    Returns:
        dataset, model, source, seeds (null where unknown), note, metric, value; in the order
        of the list.

    Raises:
        SeqrecError: an unknown key, a metric that is none, a value that cannot be, or two
            figures for the same thing from the same source.
    """
    checked = check_values(_Published, {"published": published}, "")
    rows = [
        (dataset, row.model, row.source, row.seeds, row.note, label, value)
        for row in checked.published
        for dataset, figures in row.figures.items()
        for label, value in figures.items()
    ]
    table = pd.DataFrame(rows, columns=list(PUBLISHED_COLUMNS)).astype({"seeds": "Int64"})
    twice = table[table.duplicated(["dataset", "model", "source", "metric"])]
    if len(twice):
        first = twice.iloc[0]
        raise SeqrecError(
            f"parameter published: two values of {first['metric']} for {first['model']} on "
            f"{first['dataset']} from {first['source']}; leave one"
        )
    return table


def of_as_many_targets(
    published: pd.DataFrame, targets: Mapping[str, int], metrics: Metrics
) -> pd.DataFrame:
    """Return the published figures that can stand beside the cells: of as many test targets.

    Another split of a data set, or stricter filtering, leaves another number of them.

    Args:
        published: as from ``published_table``.
        targets: by data set, how many the figures are measured on; not looked at for others.
        metrics: the content of metrics.json by cell.

    Raises:
        SeqrecError: a number of targets that is none.
    """
    targets = check_values(_Targets, {"targets": targets}, "").targets
    here: dict[str, set[int]] = {}
    for cell, content in metrics.items():
        here.setdefault(cell.dataset, set()).add(content["splits"]["test"]["targets"])
    others = {name for name in here if name in targets and targets[name] not in here[name]}
    for name in sorted(others & set(published["dataset"])):
        log.info(
            "published figures of %s are left out: they are of %s test targets, here are %s",
            name,
            f"{targets[name]:,}",
            " or ".join(f"{count:,}" for count in sorted(here[name])),
        )
    return published[~published["dataset"].isin(others)]


def check_measured(metrics: Metrics, labels: Iterable[str], reference: str | None) -> None:
    """Raise a SeqrecError for a metric, or a reference, that a cell to be compared lacks.

    Args:
        metrics: the content of metrics.json by cell.
        labels: ``NDCG@10`` for instance.
        reference: a model that must be in each group of several; None asks for none.
    """
    for label in labels:
        parse_label(label)
        for cell, content in metrics.items():
            if label not in content["splits"]["test"]["metrics"]:
                raise SeqrecError(
                    f"{cell.id} has no {label}; add its cutoff to evaluation.cutoffs and evaluate "
                    "again"
                )
    for group, cells in grouped(metrics).items():
        models = {cell.model for cell in cells}
        if reference is not None and len(models) > 1 and reference not in models:
            raise SeqrecError(
                f"the reference model '{reference}' has no results on {group.dataset} under "
                f"protocol {group.protocol}; run it there, or take another reporting.reference"
            )
    check_ranked_alike(metrics)


def check_ranked_alike(metrics: Metrics) -> None:
    """Raise a SeqrecError for cells to be compared that were ranked under different seen items.

    Under protocol ``authors`` every model has the rule of its own authors.

    Args:
        metrics: the content of metrics.json by cell.
    """
    for group, cells in grouped(metrics).items():
        first, *others = cells if group.protocol == "standard" else cells[:1]
        rule = metrics[first].get("seen_items")
        for cell in others:
            if (other := metrics[cell].get("seen_items")) != rule:
                raise SeqrecError(
                    f"{first.id} was ranked with seen_items={rule}, {cell.id} with {other}; "
                    "evaluate both with the same evaluation.seen_items"
                )


def leaderboard(metrics: Metrics, published: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return every metric of every cell on the test split.

    Args:
        metrics: the content of metrics.json by cell.
        published: as from ``published_table``.

    Returns:
        dataset, protocol, model, seeds (how many), targets, metric, value (mean over seeds),
        deviation (sample deviation over seeds, null with one), standard_error (over users),
        best (the highest value of its data set, protocol and metric), published_authors and
        published_independent (null where nobody reports it). Sorted by data set, protocol and
        model; metrics as in the file.
    """
    rows = [row for cell in sorted(metrics, key=_place) for row in _rows(cell, metrics[cell])]
    table = pd.DataFrame(rows, columns=list(COLUMNS[:9]))
    numbers = ["value", "deviation", "standard_error"]
    table[numbers] = table[numbers].astype(float)
    table["best"] = table["value"] == table.groupby(GROUP)["value"].transform("max")
    for source in ("authors", "independent"):
        table[f"published_{source}"] = _published_values(table, published, source)
    return table


def _place(cell: Cell) -> tuple[str, str, str]:
    return cell.dataset, cell.protocol, cell.model


def _rows(cell: Cell, metrics: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    test = metrics["splits"]["test"]
    facts = (*_place(cell), len(metrics["seeds"]), test["targets"])
    return [
        (*facts, label, measured["value"], measured["deviation"], measured["standard_error"])
        for label, measured in test["metrics"].items()
    ]


def _published_values(
    table: pd.DataFrame, published: pd.DataFrame | None, source: str
) -> pd.Series[float]:
    """Return what a source reports for each row of the table."""
    reported: dict[tuple[str, str, str], float] = {}
    if published is not None:
        rows = published[published["source"] == source]
        keys = zip(rows["dataset"], rows["model"], rows["metric"], strict=True)
        reported = dict(zip(keys, rows["value"], strict=True))
    keys = zip(table["dataset"], table["model"], table["metric"], strict=True)
    return pd.Series([reported.get(key, np.nan) for key in keys], index=table.index, dtype=float)
