"""A trained model as a folder that stands on its own: weights, facts and items; no pickle.

``model.safetensors`` the weights, ``config.json`` how to build the model and what it was trained
on, ``items.parquet`` the user's own item ids, and how often each was learned from.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from seqrec.batches import Sequences
from seqrec.errors import SeqrecError
from seqrec.files import reaching, sha256_of
from seqrec.models import any_class, build_any
from seqrec.models.parts.face import ScoringModel

WEIGHTS, CONFIG, ITEMS = "model.safetensors", "config.json", "items.parquet"
FORMAT = 2
"""Of the folder; 2 counts the items' interactions."""
SUMS = "sha256"
"""In the configuration: the checksums of the files it was written with. Earlier folders have none.
"""
FINGERPRINT = "fingerprint"
"""In the configuration, for whoever asks which model it is without reading its weights."""
READINGS = 3
"""How often a folder is read that another one takes the place of meanwhile."""
BROKEN = (
    *(AttributeError, KeyError, TypeError, ValueError, RuntimeError, OSError),
    *(SafetensorError, pa.ArrowException),
)
"""What reading a damaged folder may raise."""
LATER = ("refit", "settings", "evaluated")
"""Facts that folders did not have from the beginning."""
RECORDED_PACKAGES = ("torch", "numpy", "pyarrow", "safetensors")


@dataclass(frozen=True)
class TrainedModel:
    """A model, and the facts of its training."""

    model: ScoringModel
    items: pa.Table
    """item_index, item_id, title where the data set has titles, and interactions: how often each
    stands in what was learned from. A folder of format 1 has no interactions."""
    model_name: str
    options: dict[str, Any]
    protocol: str
    dataset: str
    num_items: int
    num_users: int
    data_fingerprint: str
    seed: int
    best_epoch: int
    """The epoch, or trial, whose weights these are; of a refit, that of the evaluated run."""
    monitor: str
    best_value: float | None
    """``monitor`` on validation in that epoch; None of a model that was not validated."""
    refit: bool = False
    """Whether it learned from all interactions, those of validation and test too."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What else it was told, by sections: ``training``, ``ted``, how the transitions that it
    distils were counted, and by which rules it ranked."""
    evaluated: str = ""
    """Of a refit, the fingerprint of the model whose figures speak for it."""

    def fingerprint(self) -> str:
        """Return a hash of what decides its lists: the weights, what they are of, and the items."""
        ids = self.items["item_id"].cast(pa.string()).to_pylist()
        facts = [self.model_name, self.options, self.protocol, self.data_fingerprint, ids]
        found = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
        for name, value in sorted(self.model.state_dict().items()):
            weights = value.detach().cpu().contiguous()
            found.update(f"{name} {weights.dtype} {tuple(weights.shape)}".encode())
            plain = weights.as_strided((weights.numel(),), (1,))  # a single one may have stride 0
            found.update(plain.view(torch.uint8).numpy())
        return found.hexdigest()

    def check_measurable(self) -> None:
        """Raise a SeqrecError if there is nothing left that this model has not learned from."""
        if self.refit:
            raise SeqrecError(
                "the model is a refit, which learned from validation and test too: it has no "
                "figures of its own; evaluate the one that `kedro run --pipeline training` makes"
            )

    def check_data(self, data: Sequences) -> None:
        """Raise a SeqrecError if this model was trained on other sequences."""
        if data.fingerprint() != self.data_fingerprint:
            pipeline = {False: "training", True: "refit"}[self.refit]
            raise SeqrecError(
                f"the model was trained on other data (data set '{self.dataset}', "
                f"{self.num_items} items) than these sequences; "
                f"run `kedro run --pipeline {pipeline}` for them first, with the same --params"
            )

    def check_run(self, **facts: Any) -> None:
        """Raise a SeqrecError if this model was trained as another one than is asked for.

        Args:
            facts: by their names, ``protocol="authors", seed=7``.
        """
        for name, value in facts.items():
            if getattr(self, name) != value:
                fact = f"{name.removesuffix('_name')}={getattr(self, name)}"
                raise SeqrecError(
                    f"the model at hand was trained with {fact}, not {value}; run with {fact}, "
                    "or train it anew: `kedro run --pipeline training` with the same --params"
                )

    @property
    def titles(self) -> pa.ChunkedArray | None:
        """The titles of the items, in their order, null where one has none; None without any."""
        return self.items["title"] if "title" in self.items.column_names else None

    def facts(self) -> dict[str, Any]:
        """Everything but the weights and the items."""
        return {name: getattr(self, name) for name in _fact_names()}


def check_seeds(models: Mapping[str, TrainedModel], seeds: Iterable[int]) -> None:
    """Raise a SeqrecError unless there is a model of every seed."""
    for seed in seeds:
        if str(seed) not in models:
            seeds_there = ", ".join(models)
            raise SeqrecError(
                f"the models at hand were trained with seeds={seeds_there}, none with {seed}; run "
                "with these, or train anew: `kedro run --pipeline training` with the same --params"
            )


def save_model(folder: Path, trained: TrainedModel) -> None:
    """Write the files of a model into a new folder.

    Raises:
        SeqrecError: they cannot be written.
    """
    weights = {name: value.cpu().contiguous() for name, value in trained.model.state_dict().items()}
    versions = {name: version(name).split("+")[0] for name in RECORDED_PACKAGES}
    made_by = {"versions": versions, "python": platform.python_version()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(weights, folder / WEIGHTS)
        pq.write_table(trained.items, folder / ITEMS)
        sums = {SUMS: _sums(folder), FINGERPRINT: trained.fingerprint()}
        config = {"format": FORMAT} | trained.facts() | sums | made_by
        (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise SeqrecError(f"cannot save the model in {folder}: {error}; free some space") from None


def load_model(folder: Path) -> TrainedModel:
    """Read a model folder, or the only one in a folder of models; it comes in evaluation mode.

    Raises:
        SeqrecError: there is no model, or several, a file does not fit the others, or the folder
            is of a newer version, or is replaced again and again.
    """
    with reaching(folder):
        folder = _model_folder(folder)
    for _ in range(READINGS):
        config, wrong = _config_of(folder), ""
        try:
            trained = _read(folder, config)
        except BROKEN as error:
            wrong = (str(error) or type(error).__name__).splitlines()[0]
        if _config_of(folder) != config:  # the files may be of two models
            continue
        if wrong:
            raise SeqrecError(
                f"the model folder {folder} is broken ({wrong}); train the model again"
            )
        return trained
    raise SeqrecError(f"the model folder {folder} changes while it is read; try it again later")


def _config_of(folder: Path) -> bytes:
    try:
        return (folder / CONFIG).read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise SeqrecError(
            f"cannot read {folder / CONFIG}: {reason}; let it be read, or name another folder"
        ) from None


def _read(folder: Path, config: bytes) -> TrainedModel:
    """Read the files of a model, and check that they are those of the configuration."""
    content = json.loads(config)
    _check_format(folder, content.get("format", 1))
    facts = {key: content[key] for key in _fact_names() if key in content or key not in LATER}
    weights = load_file(folder / WEIGHTS)
    facts["options"] = any_class(facts["model_name"]).options_of(facts["options"], weights.keys())
    named = ("model_name", "options", "protocol", "num_items", "num_users")
    model = build_any(*(facts[name] for name in named))
    model.load_state_dict(weights)
    items = pq.read_table(folder / ITEMS)
    _check_items(items, facts["num_items"])
    if SUMS in content and content[SUMS] != _sums(folder):
        raise ValueError(f"{WEIGHTS} or {ITEMS} is not the one that {CONFIG} was written with")
    return TrainedModel(model=model.eval(), items=items, **facts)


def _check_items(items: pa.Table, num_items: int) -> None:
    """Raise a ValueError unless the items are numbered from 1 on, as many as the model knows."""
    if len(items) != num_items:
        raise ValueError(f"{ITEMS} has {len(items)} items, the model {num_items}")
    if not np.array_equal(items["item_index"].to_numpy(), np.arange(1, num_items + 1)):
        raise ValueError(f"item_index in {ITEMS} does not count from 1 to {num_items}")
    if items["item_id"].null_count:
        raise ValueError(f"{ITEMS} has items without an item_id")


def _sums(folder: Path) -> dict[str, str]:
    return {name: sha256_of(folder / name) for name in (WEIGHTS, ITEMS)}


def fingerprint_in(folder: Path) -> str | None:
    """Return the fingerprint that a model folder names, without a look at its weights.

    None where there is no model, or one of an earlier version.
    """
    try:
        named: str | None = json.loads((folder / CONFIG).read_bytes()).get(FINGERPRINT)
    except (OSError, ValueError, AttributeError):
        return None
    return named


def content_of(folder: Path) -> str:
    """Return a hash of the weights and the items in a model folder.

    Raises:
        SeqrecError: there is no model, or several.
    """
    with reaching(folder):
        folder = _model_folder(folder)
    return hashlib.sha256("".join(_sums(folder).values()).encode()).hexdigest()


def _model_folder(folder: Path) -> Path:
    """Return the folder with the files of a model; a cell's folder has one for each seed."""
    if not folder.is_dir():
        raise SeqrecError(f"no model folder {folder}; name one that a training made")
    seeds = sorted(path.name for path in folder.iterdir() if (path / CONFIG).is_file())
    if len(seeds) > 1:
        raise SeqrecError(f"{folder} holds several models; name one: {folder / seeds[0]}")
    if not seeds and (folder / "models").is_dir():
        raise SeqrecError(f"{folder} is a cell's folder; its models lie in it: {folder / 'models'}")
    folder = folder / seeds[0] if seeds else folder
    if not (folder / CONFIG).exists() and (path := _below(folder)):
        raise SeqrecError(f"{folder} holds cells; models lie in {path}")
    for name in (WEIGHTS, CONFIG, ITEMS):
        if not (folder / name).is_file():
            raise SeqrecError(
                f"no {name} in the model folder {folder}; run `kedro run --pipeline training`"
            )
    return folder


def _below(folder: Path) -> Path | None:
    """Return the first folder of models in that of a model's cells, or of a data set's."""
    found = sorted(folder.glob("*/models")) or sorted(folder.glob("*/*/models"))
    return found[0] if found else None


def _check_format(folder: Path, number: Any) -> None:
    if not isinstance(number, int) or number > FORMAT:
        raise SeqrecError(
            f"the model folder {folder} is of a newer version of seqrec (format {number}, this one "
            f"reads up to {FORMAT}); upgrade seqrec"
        )


def _fact_names() -> list[str]:
    return [f.name for f in fields(TrainedModel) if f.name not in ("model", "items")]
