"""What an estimate is asked about: the parameters of a run, and its data, there or by hand."""

from __future__ import annotations

import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from omegaconf import OmegaConf

from seqrec.datasets.parquet_table import name_for_duckdb
from seqrec.errors import SeqrecError
from seqrec.estimates.data_pipelines import DataCost, expect_data
from seqrec.estimates.made_log import made_sequences
from seqrec.estimates.trial import Expected, expect
from seqrec.machine.devices import resolve_device
from seqrec.machine.memory import forget_highest, free_memory, size_text
from seqrec.models import model_class
from seqrec.notebook.engine import data_engine
from seqrec.parameters.typed_params import typed_params
from seqrec.project import run_folder, working_in
from seqrec.settings import SelectingConfigLoader
from seqrec.training import Settings, TrainingData
from seqrec.training.forecast import check_fits, copies_of

DATA_SECTIONS = ("filtering", "splitting", "transitions", "engine")
AROUND = 1.5
"""Seconds that a run takes around its nodes."""
A_MADE_UP_ROW = 150
"""Bytes of memory, at most, while a log is made up."""
WHAT_A_RUN_LOADS = ("seqrec.cli", "seqrec.pipelines.training", "seqrec.pipelines.evaluation")
"""Its time and its memory count."""
SIZES = ("users", "items", "interactions")
PREPARED = "data/05_model_input/{}"
REPORT = "data/02_intermediate/{}/ingestion_report.json"
GRAPH = "{}/transition_graph.parquet"


@dataclass(frozen=True)
class Estimate:
    """What a run takes."""

    cell: dict[str, str]
    """Data set, model and protocol."""
    sizes: dict[str, int]
    """Users, items and interactions."""
    made_up: bool
    """Whether the data are."""
    seeds: int
    """How many are trained, one after the other."""
    starting: float
    """Seconds for loading packages and reading the data."""
    training: Expected
    """Of one seed."""
    data: DataCost | None
    """Of the pipelines before, for as many rows; None where it cannot be told."""

    def seconds(self, epochs: int) -> float:
        """Return how long a run of so many epochs a seed takes."""
        return self.starting + self.seeds * self.training.seconds(epochs)

    def as_values(self) -> dict[str, Any]:
        """Return it for JSON."""
        training = self.training
        return {
            "cell": self.cell,
            "sizes": self.sizes,
            "made_up": self.made_up,
            "seeds": self.seeds,
            "starting": self.starting,
            "training": asdict(training),
            "usual_seconds": self.seconds(training.usual),
            "most_seconds": self.seconds(training.most),
            "data": self.data._asdict() if self.data else None,
        }


def asked_for(text: str, env: str | None = None) -> Estimate:
    """Return what a run with these parameters takes.

    Args:
        text: as after ``--params``, with the sizes of data that are not there.
        env: the configuration's environment.

    Raises:
        SeqrecError: unknown parameters, sizes that cannot be, data that were not prepared, or a
            training that does not fit into the memory.
    """
    for module in WHAT_A_RUN_LOADS:
        import_module(module)
    params = _parsed(text)
    sizes = _sizes({name: params.pop(name) for name in SIZES if name in params})
    with working_in(run_folder(None), None):
        config = SelectingConfigLoader(
            "conf", env=env, base_env="base", default_run_env="local", runtime_params=params
        )
        chosen = config["parameters"]
        settings = Settings(**chosen["settings"]).checked()
        _check_processes(settings)
        starting = time.process_time() + AROUND
        data = _made(chosen, settings, *sizes) if sizes else _prepared(chosen, settings)
        seeds: tuple[int, ...] = chosen["seeds"]
        training = expect(data, settings, seeds[0])
        log = data.sequences
        found = dict(zip(SIZES, (log.num_users, log.num_items, len(log.items)), strict=True))
        rows = sizes or _raw_sizes(chosen["dataset"], *found.values())
        return Estimate(
            cell=chosen["cell"],
            sizes=found,
            made_up=bool(sizes),
            seeds=len(seeds),
            starting=starting,
            training=training,
            data=_data(rows, chosen),
        )


def _check_processes(settings: Settings) -> None:
    if settings.training.processes != 1:
        raise SeqrecError(
            f"training.processes={settings.training.processes}: an estimate is of one process; "
            "leave it out (python -m benchmarks.processes compares them)"
        )


def _check_size(settings: Settings, users: int, items: int, interactions: int) -> None:
    """Raise a SeqrecError where the training, or the log to find out, cannot fit into the memory.

    Nothing of that size is made before.
    """
    device = resolve_device(settings.training.device)
    if not settings.counted:
        copies = copies_of(settings.training, validated=True)
        config = settings.config(items, users)
        check_fits(model_class(settings.model), config, interactions, device, copies=copies)
    free, needed = free_memory(torch.device("cpu")), A_MADE_UP_ROW * interactions
    if free is not None and needed > free:
        raise SeqrecError(
            f"interactions={interactions:,}: making up so many takes {size_text(needed)}, and "
            f"{size_text(free)} are left; estimate a part of them, all three sizes smaller alike"
        )


def _data(sizes: tuple[int, int, int], chosen: dict[str, Any]) -> DataCost | None:
    """Try the data pipelines in a process of their own, that has had no other memory."""
    sections = {name: chosen[name] for name in DATA_SECTIONS}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(expect_data, *sizes, sections).result()


def _parsed(text: str) -> dict[str, Any]:
    def split(_: Any, __: Any, pair: str) -> Any:
        if not pair:
            return {}
        if "=" not in pair:
            raise SeqrecError(f"--params {pair!r} is no KEY=VALUE; write key=value,key=value")
        return OmegaConf.to_container(OmegaConf.from_dotlist([pair]))

    parsed: dict[str, Any] = dict(typed_params(split)(None, None, text))
    return parsed


def _sizes(given: dict[str, Any]) -> tuple[int, int, int] | None:
    """Return the three sizes, None where none is given.

    Raises:
        SeqrecError: one is missing, or is no number of things.
    """
    if not given:
        return None
    for name in SIZES:
        value = given.get(name)
        if not isinstance(value, int) or value < 1:
            raise SeqrecError(
                f"{name}={value}: sizes are whole numbers, all three of "
                "users=, items=, interactions="
            )
    users, items, interactions = (given[name] for name in SIZES)
    return users, items, interactions


def _made(
    chosen: dict[str, Any], settings: Settings, users: int, items: int, interactions: int
) -> TrainingData:
    """Return made-up data of these sizes, with their transition graph where it is distilled."""
    _check_size(settings, users, items, interactions)
    import ibis

    from seqrec.preparation.transitions import count_transitions

    sequences = made_sequences(users, items, interactions)
    numbers = list(range(1, items + 1))
    names = pa.table({"item_index": pa.array(numbers, pa.int32()), "item_id": map(str, numbers)})
    graph = None
    if settings.ted.weight:
        graph = count_transitions(ibis.memtable(sequences), chosen["transitions"]).to_pyarrow()
    data = TrainingData.from_arrow("made-up", sequences, names, graph, chosen["transitions"])
    del sequences
    forget_highest()  # a run makes up nothing
    return data


def _prepared(chosen: dict[str, Any], settings: Settings) -> TrainingData:
    """Return the prepared data of the data set.

    Raises:
        SeqrecError: they are not there.
    """
    cell = chosen["cell"]
    folder = PREPARED.format(cell["dataset"])
    files = {name: f"{folder}/{name}.parquet" for name in ("sequences", "items")}
    if settings.ted.weight:
        files["graph"] = GRAPH.format(f"{folder}/{cell['protocol']}")
    for file in files.values():
        if not Path(file).exists():
            raise SeqrecError(
                f"no {file}: prepare the data, `kedro run --pipelines "
                "ingestion,filtering,sequences,transitions` with the same --params, or say how "
                "large they are, users=NUMBER,items=NUMBER,interactions=NUMBER"
            )
    with data_engine(chosen["engine"]) as engine:  # as a run reads them
        tables = {
            name: engine.read_parquet(name_for_duckdb(Path(file))).to_pyarrow()
            for name, file in files.items()
        }
    return TrainingData.from_arrow(
        cell["dataset"],
        tables["sequences"],
        tables["items"],
        tables.get("graph"),
        chosen["transitions"],
    )


def _raw_sizes(dataset: str, users: int, items: int, interactions: int) -> tuple[int, int, int]:
    """Return the sizes of the raw log, whose rows its report has; those of the data without it."""
    report = Path(REPORT.format(dataset))
    rows = json.loads(report.read_text())["rows_read"] if report.is_file() else interactions
    share = max(rows / interactions, 1.0)
    return int(users * share), int(items * share), max(rows, interactions)
