"""What a run cannot be told: names that nothing reads, and values that mean nothing together."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from seqrec.errors import SeqrecError, unknown_name
from seqrec.parameters.blocks import (
    BLOCK_SECTIONS,
    DATASET_KEYS,
    ENGINE,
    KNOWN_MODELS,
    MODEL_KEYS,
    PARTS_OF_MODELS,
    VARIANTS,
    Parameters,
    check_keys,
    datasets_in,
    group,
    without_nulls,
)
from seqrec.parameters.search_space import check_names as check_searched
from seqrec.parameters.sections import MODEL_OPTIONS, SCALARS, SECTIONS, TrainingOptions

OF_DUCKDB = ("memory_limit", "threads")
"""Of the section ``engine``: Spark has settings of its own."""
USED_WITHOUT_TRAINING = ("monitor", "device")
"""What of the section ``training`` a model without training asks for."""
ONE_SEED = "seed"
"""``seed=7`` is short for ``seeds=7``."""
NOT_IN_A_NAME = re.compile(r"[^\w.-]|^\.")


def check_names(blocks: Parameters, runtime: Parameters) -> None:
    """Raise for a name that nothing would read, in the files or in ``--params``."""
    if {ONE_SEED, "seeds"} <= without_nulls(runtime).keys():
        raise SeqrecError("seed and seeds are given; leave one of the two out")
    for name in runtime:
        if name not in (*SCALARS, ONE_SEED, *SECTIONS, MODEL_OPTIONS):
            raise _unknown_parameter(name)
    if "models" in group("recommendation", blocks.get("recommendation")):
        raise SeqrecError(
            "parameter recommendation.models stands in a parameter file; the catalog takes it "
            "from --params alone"
        )
    datasets = datasets_in(blocks)
    for name, block in blocks.items():
        if name in datasets:
            check_keys(block, DATASET_KEYS, f"data set '{name}'")
        elif name in KNOWN_MODELS:
            keys = (*MODEL_KEYS, *PARTS_OF_MODELS.values(), VARIANTS)
            check_keys(block, keys, f"model '{name}'")
        elif name in (ENGINE, ONE_SEED, *SCALARS):
            raise SeqrecError(
                f"parameter '{name}' stands in a parameter file; it belongs in"
                " conf/base/globals.yml or after --params"
            )
        elif name not in BLOCK_SECTIONS:
            names = [*BLOCK_SECTIONS, *KNOWN_MODELS, *datasets]
            raise unknown_name("top-level parameter", name, names, "(a data set has a key 'raw')")


def _unknown_parameter(name: str) -> SeqrecError:
    """Name the nearest parameter, also where the user left out the section before it."""
    full = [f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields]
    by_last = {path.rpartition(".")[2]: path for path in reversed(full)}
    if near := get_close_matches(name, by_last, n=1, cutoff=0.6):
        return SeqrecError(f"unknown parameter '{name}'; did you mean '{by_last[near[0]]}'?")
    return unknown_name("parameter", name, [*SCALARS, *SECTIONS, MODEL_OPTIONS])


def check_dataset(name: str, names: Iterable[str], runtime: Parameters) -> None:
    """Raise unless the data set is known, or the user says with ``raw.file`` what it is."""
    has_file = "file" in group("raw", runtime.get("raw"))
    if has_file and "dataset" not in runtime:
        raise SeqrecError(
            f"raw.file is a log of your own, and would take the place of data set '{name}'; "
            "name yours, dataset=NAME"
        )
    if name not in names and not has_file:
        error = unknown_name("data set", name, names)
        raise SeqrecError(f"{error} (a log of your own: name its file, raw.file=PATH)")
    if NOT_IN_A_NAME.search(name):
        raise SeqrecError(
            f"parameter dataset: '{name}' names a folder; use letters, digits, '-', '_' and '.'"
        )


def check_engine(backend: str, asked: Parameters) -> None:
    """Raise where Spark is told what DuckDB alone listens to."""
    for name in OF_DUCKDB:
        if backend == "spark" and asked.get(name) is not None:
            raise SeqrecError(
                f"parameter {ENGINE}.{name} means nothing to Spark, whose settings stand in "
                "conf/spark/spark.yml; leave it out"
            )


def check_varied_models(sections: Parameters) -> None:
    """Raise for a model, a section or a parameter of a search that does not exist."""
    for path, models in {
        "tuning.spaces": sections["tuning"].spaces,
        "sensitivity.sweeps": sections["sensitivity"].sweeps,
    }.items():
        try:
            check_searched(models, KNOWN_MODELS)
        except ValueError as error:
            raise SeqrecError(f"parameter {path}: {error}") from None


def check_untrained(model: str, sections: Parameters, own: Parameters) -> None:
    """Raise for a value that a model without training would take no notice of.

    Args:
        model: its name.
        sections: every section in full.
        own: what the model's block and the user say, rather than what holds for all models.
    """
    training = sections["training"]
    useless = {
        f"training.{key}": getattr(training, key)
        for key in group("training", own.get("training"))
        if key not in USED_WITHOUT_TRAINING
        and getattr(training, key) != TrainingOptions.model_fields[key].default
    }
    if sections["ted"].weight:
        useless["ted.weight"] = sections["ted"].weight
    for name, value in useless.items():
        raise SeqrecError(
            f"parameter {name}={value} means nothing to model '{model}', which is counted, not "
            "trained; leave it out"
        )
