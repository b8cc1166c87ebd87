"""How much single settings matter: one is varied, the others stay as they are.

Notable: the present settings belong to several parameters' sweeps and are trained once; what was
measured is kept line by line, so that a run that was cut off goes on with the next training, and
the one that was cut off from its last epoch.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from seqrec import __version__
from seqrec.batches import Split
from seqrec.errors import SeqrecError
from seqrec.evaluation.metrics import metric_of
from seqrec.evaluation.ranker import Ranker, split_targets
from seqrec.machine.devices import resolve_device
from seqrec.models import any_class
from seqrec.models.parts.face import ScoringModel
from seqrec.parameters.search_space import flat
from seqrec.parameters.sections import SensitivityOptions
from seqrec.training import Settings, TrainingData, train
from seqrec.tuning.space import check_varied, without_left_out

log = logging.getLogger(__name__)

METRICS = ("HR@10", "NDCG@10")
SPLITS: tuple[Split, ...] = ("test", "valid")
Scores = dict[str, dict[str, float]]
"""Split → metric → value."""


@dataclass(frozen=True, eq=False)
class Point:
    """One value of one parameter."""

    parameter: str
    value: float
    settings: Settings
    in_use: bool
    """Whether it is the present one."""


def sweep_points(present: Settings, options: SensitivityOptions) -> list[Point]:
    """Return every declared value of every parameter, sorted.

    Args:
        present: the settings of which one is varied at a time.
        options: the section ``sensitivity``.

    Raises:
        SeqrecError: nothing is declared for the model, or what it does not have.
    """
    sweeps = without_left_out(present, flat(options.sweeps.get(present.model, {})))
    check_varied(present, sweeps, "sensitivity.sweeps")
    present = present.single()
    return [_point(present, name, value) for name in sorted(sweeps) for value in sweeps[name]]


def _point(present: Settings, name: str, value: float) -> Point:
    in_use = present.value(name) == value
    return Point(name, value, present if in_use else present.changed({name: value}), in_use)


def measure_points(
    data: TrainingData, points: Iterable[Point], seeds: Iterable[int], record: Path
) -> pa.Table:
    """Train at each point with each seed, and rank the validation and the test part.

    Args:
        data: what is learned from.
        points: which settings.
        seeds: of the trainings.
        record: a file of what was measured, by this run and earlier ones.

    Returns:
        dataset, protocol, model, parameter, value, in_use (whether it is the present one), seed,
        split, metric, score; sorted by these.

    Raises:
        SeqrecError: a training failed, or the run was interrupted.
    """
    points, seeds = list(points), sorted(set(seeds))
    keys = {(point, seed): _key(data, point.settings, seed) for point in points for seed in seeds}
    scores = _read(record)
    try:
        _measure_missing(data, keys, scores, record)
    except KeyboardInterrupt:
        raise SeqrecError(
            "the sensitivity analysis was interrupted; the same command goes on from there"
        ) from None
    return _table(
        {
            "dataset": data.dataset,
            **_row(point, seed),
            "split": split,
            "metric": metric,
            "score": score,
        }
        for (point, seed), key in keys.items()
        for split, metrics in scores[key].items()
        for metric, score in metrics.items()
    )


def _measure_missing(
    data: TrainingData,
    keys: Mapping[tuple[Point, int], str],
    scores: dict[str, Scores],
    record: Path,
) -> None:
    """Train what was not measured yet, and write each result down before the next training."""
    order = list(dict.fromkeys(keys.values()))
    for (point, seed), key in keys.items():
        if key in scores:
            continue
        words = f"{point.parameter}={point.value:g}, seed {seed}"
        log.info("training %d of %d: %s", order.index(key) + 1, len(order), words)
        scores[key] = _measure(data, point.settings, seed, record)
        _append(record, key, scores[key])


def _measure(data: TrainingData, settings: Settings, seed: int, record: Path) -> Scores:
    """Return the metrics of one training; its checkpoint lives as long as it does."""
    checkpoint = record.with_suffix(".safetensors")
    model = train(data, settings, seed, checkpoint=checkpoint, report_trials=False).trained.model
    device = resolve_device(settings.training.device)
    scores: Scores = {}
    for split in SPLITS:
        protocol = model.config.protocol
        targets = split_targets(data.sequences, split, model.history_len, protocol)
        ranks = Ranker(data.sequences, targets, model, device, settings.ranking).ranks(model)
        scores[split] = {metric: metric_of(metric, ranks) for metric in METRICS}
    checkpoint.unlink(missing_ok=True)
    return scores


def _key(data: TrainingData, settings: Settings, seed: int) -> str:
    """Return a hash of everything a score depends on."""
    device = resolve_device(settings.training.device).type
    parts = [data.fingerprint, data.graph_fingerprint, settings.plain(), seed, METRICS]
    parts += [[device, torch.__version__, __version__]]
    if _reads_beyond_max_len(settings.model):
        parts += ["whole histories"]  # records of 0.2.0 cut them off
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _reads_beyond_max_len(model: str) -> bool:
    """Return whether a model looks at more of a history than its ``max_len``, as SEER does."""
    return any_class(model).history_len is not ScoringModel.history_len


def _read(record: Path) -> dict[str, Scores]:
    """Return what was measured; the last line may be torn, of a run that was killed."""
    records: dict[str, Scores] = {}
    for line in record.read_text(encoding="utf-8").splitlines() if record.is_file() else ():
        try:
            row = json.loads(line)
            records[row["training"]] = row["scores"]
        except (ValueError, KeyError, TypeError):
            log.warning("a line of %s is broken; its training is done again", record)
    return records


def _append(record: Path, key: str, scores: Scores) -> None:
    record.parent.mkdir(parents=True, exist_ok=True)
    with record.open("a+b") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
        torn = file.read(1) not in (b"", b"\n")
        line = json.dumps({"training": key, "scores": scores})
        file.write(b"\n" * torn + line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _row(point: Point, seed: int) -> dict[str, Any]:
    return {
        "protocol": point.settings.protocol,
        "model": point.settings.model,
        "parameter": point.parameter,
        "value": float(point.value),
        "in_use": point.in_use,
        "seed": seed,
    }


def _table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    table = pa.Table.from_pylist(list(rows))
    return table.sort_by([(name, "ascending") for name in table.column_names])
