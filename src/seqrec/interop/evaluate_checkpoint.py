"""Checkpoints of others: weights under their authors' names to metrics, without a project.

The states are computed as the weights were trained, under protocol ``authors``, padding and all;
the ranking follows the protocol that is asked for. So the same weights can stand beside those of
the paper and beside models trained here under ``standard``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import torch

from seqrec.errors import SeqrecError, unknown_name
from seqrec.evaluation.evaluate import EvaluationResult, rank_splits
from seqrec.evaluation.ranker import default_evaluation
from seqrec.files import reaching, sha256_of
from seqrec.interop.authors import DIALECTS, from_authors
from seqrec.interop.numbered_lines import read_numbered_lines
from seqrec.interop.weights import load_state_dict
from seqrec.machine.devices import resolve_device
from seqrec.models.parts.face import SequentialModel
from seqrec.protocol import Protocol, ranking_rules

if TYPE_CHECKING:
    from seqrec.parameters.sections import EvaluationOptions


def evaluate_checkpoint(
    model_name: str,
    weights: Path,
    config: Path,
    sequences: Path,
    *,
    protocol: str = "authors",
    options: EvaluationOptions | None = None,
    device: str = "auto",
    dataset: str | None = None,
) -> EvaluationResult:
    """Rank the validation and test items of published sequences by weights of the authors' code.

    Args:
        model_name: as in ``seqrec.interop.DIALECTS``.
        weights: ``.pt``, ``.safetensors`` or ``.npz``, under the authors' names.
        config: their settings, a JSON object; those that no model asks for are ignored.
        sequences: ``user item item …`` a line, with the item numbers the weights belong to.
        protocol: whose rules of the ranking; the states are the authors' either way.
        options: the section ``evaluation``; sampled negatives are drawn with seed 0.
        device: as in ``training.device``.
        dataset: the name in the metrics; the file's unless another is given.

    Returns:
        The ranks and metrics, as of a model trained here, but for its seed and best epoch.

    Raises:
        SeqrecError: a file is absent, damaged or does not fit the others.
    """
    options = options or default_evaluation()
    _check_names(model_name, protocol, options)
    resolve_device(device)
    _check_files(weights=weights, config=config, sequences=sequences)
    model = _load_model(model_name, weights, config)
    data = read_numbered_lines(sequences, model.config.num_items)
    _check_users(sequences, data.num_users, model.config)
    measured = rank_splits(model, data, options=options, protocol=protocol, device=device)
    facts = {
        "dataset": dataset or sequences.name.partition(".")[0],
        "model": model_name,
        "protocol": protocol,
        "checkpoint": {
            "weights": weights.name,
            "sha256": sha256_of(weights),
            "states": model.config.protocol,
        },
    }
    return EvaluationResult(measured.ranks, facts | measured.metrics)


def _check_names(model_name: str, protocol: str, options: EvaluationOptions) -> None:
    if model_name not in DIALECTS:
        raise unknown_name("model", model_name, DIALECTS)
    if protocol not in get_args(Protocol):
        raise unknown_name("protocol", protocol, get_args(Protocol))
    ranking_rules(protocol, options.seen_items)


def _check_files(**paths: Path) -> None:
    for name, path in paths.items():
        with reaching(path):
            if not path.is_file():
                raise SeqrecError(f"no {name} at {path}; give the path of the file")


def _load_model(model_name: str, weights: Path, config: Path) -> SequentialModel:
    """Build the model of a checkpoint, in evaluation mode."""
    settings, state = _settings(config), load_state_dict(weights)
    for name, value in state.items():
        if not torch.isfinite(value).all():
            raise SeqrecError(
                f"{weights}: '{name}' holds values that are not numbers; its training diverged, "
                "take another checkpoint"
            )
    model = from_authors(model_name, state, settings)
    if hasattr(model, "first_user"):
        cast(Any, model).first_user = 1  # the first line's, whom the authors call 0
    return model.eval()


def _check_users(sequences: Path, num_users: int, config: Any) -> None:
    vectors = getattr(config, "num_users", None)
    if vectors is not None and num_users > vectors:
        raise SeqrecError(
            f"{sequences} has {num_users:,} users, the model a vector for each of {vectors:,}; "
            "give the sequences it was trained on"
        )


def _settings(config: Path) -> Mapping[str, Any]:
    """Read the authors' settings."""
    try:
        settings = json.loads(config.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise SeqrecError(f"{config} is no JSON ({error}); write one object") from None
    if not isinstance(settings, dict):
        raise SeqrecError(f"{config} is no JSON object; write one of their settings")
    return settings
