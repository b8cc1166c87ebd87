"""Rank all items for every user, measure the ranking, and say what was measured."""

from dataclasses import asdict
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from seqrec.batches import SPLITS
from seqrec.cell import Cell
from seqrec.evaluation.model_card import DataFacts, model_card, trained_with
from seqrec.evaluation.over_seeds import over_seeds, scores_of
from seqrec.evaluation.shared_out import evaluate_shared
from seqrec.models.folder import TrainedModel, check_seeds
from seqrec.parameters.raw_sections import RawOptions
from seqrec.parameters.sections import (
    EvaluationOptions,
    FilteringOptions,
    SplittingOptions,
    TransitionOptions,
)


def rank_and_measure(
    models: dict[str, TrainedModel],
    sequences: ir.Table,
    options: EvaluationOptions,
    device: str,
    processes: Any,
    cell: Cell,
    seeds: tuple[int, ...],
) -> tuple[pa.Table, dict[str, Any], dict[str, Any]]:
    """Evaluate the trained models on the validation and the test targets.

    Args:
        models: the trained models by their seeds.
        sequences: every user's interactions, split.
        options: cutoffs and what competes.
        device: where to rank.
        processes: in how many processes, or ``auto``: Kedro knows no union of types.
        cell: data set, model and protocol, as the models must have been trained.
        seeds: likewise; each also draws its sampled negatives, where they are asked for.

    Returns:
        ranks, one a target and seed; metrics, with the fingerprint of each model; and scores, the
        few of them one compares.
    """
    check_seeds(models, seeds)
    data = sequences.to_pyarrow()
    results = {}
    for seed in seeds:
        model = models[str(seed)]
        model.check_run(protocol=cell.protocol, seed=seed)
        results[seed] = evaluate_shared(
            model, data, options=options, device=device, processes=processes
        )
    ranks, metrics = over_seeds(results)
    for seed in seeds:
        metrics["by_seed"][str(seed)]["fingerprint"] = models[str(seed)].fingerprint()
    return ranks, metrics, scores_of(metrics)


def describe_cell(
    models: dict[str, TrainedModel],
    metrics: dict[str, Any],
    sequences: ir.Table,
    ingestion_report: dict[str, Any],
    filter_report: dict[str, Any],
    raw: RawOptions,
    filtering: FilteringOptions,
    splitting: SplittingOptions,
    transitions: TransitionOptions,
    evaluation: EvaluationOptions,
) -> str:
    """Return the model card of the cell.

    Args:
        models: the trained models by their seeds.
        metrics: what they reached.
        sequences: what they were trained on.
        ingestion_report: what the reader kept of the raw log.
        filter_report: what the filters kept of that.
        raw: the terms of the data.
        filtering: parameters, as all that follow: which interactions stayed.
        splitting: how they were split.
        transitions: of the transition graph.
        evaluation: of the ranking.
    """
    sections = {
        "filtering": filtering.model_dump(mode="json"),
        "splitting": splitting.model_dump(mode="json"),
        "transitions": transitions.model_dump(mode="json"),
        **trained_with(next(iter(models.values()))),
        "evaluation": evaluation.model_dump(mode="json"),
    }
    data = DataFacts(
        ingestion_report,
        filter_report,
        _split_sizes(sequences),
        raw.publisher.terms if raw.publisher else None,
        raw.generator is not None,
    )
    configs = [model.model.config for model in models.values()]
    configs = [{**asdict(config), "max_len": config.max_len} for config in configs]
    reach = next(iter(models.values())).model.history_len
    return model_card(metrics, data, _cold_items(sequences), configs, sections, history_len=reach)


def _split_sizes(sequences: ir.Table) -> dict[str, int]:
    """Count the interactions of each split, in their order."""
    counted = sequences.group_by("split").aggregate(n=sequences.count()).to_pyarrow().to_pylist()
    sizes = {row["split"]: row["n"] for row in counted}
    return {split: sizes.get(split, 0) for split in SPLITS}


def _cold_items(sequences: ir.Table) -> int:
    """Count the items that stand in no training interaction."""
    in_training = sequences.filter(sequences.split == "train")
    all_items, learned = sequences.item_index.nunique(), in_training.item_index.nunique()
    return int(all_items.to_pyarrow().as_py() - learned.to_pyarrow().as_py())
