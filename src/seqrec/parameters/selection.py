"""The parameters of one run, picked from the configuration of all data sets and models.

The configuration files hold three kinds of top-level blocks: defaults of a section
(``training``), data sets (any block with the key ``raw``) and models. A run
is one data set and one model; later layers lie over earlier ones, key by key:

    section defaults < section blocks < data set < model < model's ``protocols.NAME``
    < model's ``datasets.NAME`` < that one's ``protocols.NAME``
    < the same of the model's ``variants.NAME``, if a variant is asked for < the user's
"""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Field

from seqrec.errors import SeqrecError, unknown_name
from seqrec.models import COUNTING_MODELS, MODELS
from seqrec.parameters.named_files import named_files
from seqrec.parameters.search_space import check_names
from seqrec.parameters.section import Section
from seqrec.parameters.section_checks import check_section, check_values
from seqrec.parameters.sections import (
    MODEL_OPTIONS,
    SCALARS,
    SECTIONS,
    Count,
    Protocol,
    RankingOptions,
    TrainingOptions,
    UserPath,
    each_once,
    fits_64_bits,
    merged,
    numbers_in,
)

Parameters = dict[str, Any]
Name = Annotated[str, Field(min_length=1)]
Seed = Annotated[Count, AfterValidator(fits_64_bits)]
Seeds = Annotated[
    tuple[Seed, ...], Field(min_length=1), BeforeValidator(numbers_in), AfterValidator(each_once)
]

KNOWN_MODELS = (*MODELS, *COUNTING_MODELS)
ENGINE = "engine"
"""Lives in globals, for the catalog needs it before any parameter is picked."""
OF_DUCKDB = ("memory_limit", "threads")
"""Of the section ``engine``: Spark has settings of its own."""
BLOCK_SECTIONS = tuple(name for name in SECTIONS if name != ENGINE)
DATASET_KEYS = (*BLOCK_SECTIONS, "raw_dir")
MODEL_KEYS = ("training", "ted", "evaluation", MODEL_OPTIONS)
VARIANTS = "variants"
"""Of a model's block: other settings of the whole model, by name; each is such a block."""
PARTS_OF_MODELS = {"protocol": "protocols", "data set": "datasets"}
"""Of what a model's block can hold values of their own, by name, and under which key."""
USED_WITHOUT_TRAINING = ("monitor", "device")
"""What of the section ``training`` a model without training asks for."""
ONE_SEED = "seed"
"""``seed=7`` is short for ``seeds=7``."""
NOT_IN_A_NAME = re.compile(r"[^\w.-]|^\.")


class Selection(Section):
    """What a run is about."""

    dataset: Name
    """The data set: one with a block in the parameter files, or any name beside ``raw.file``."""
    model: Name
    """The model, by its name."""
    variant: Name | None = None
    """Settings of the model by a name that its block has for them: those of a replication, say."""
    protocol: Protocol = "standard"
    """The rules: those that are the same for all models, or those of the papers' own code."""
    seeds: Seeds = (42,)
    """What everything random starts from; a model is trained once a seed, metrics are the means."""
    raw_dir: UserPath
    """The folder of the raw log."""


def select_parameters(blocks: Parameters, runtime: Parameters, defaults: Parameters) -> Parameters:
    """Return the checked parameters of the chosen data set and model.

    Args:
        blocks: the top-level blocks of the parameter files.
        runtime: the user's own values (``--params``), nested as the sections are.
        defaults: globals: ``dataset``, ``model``, ``protocol``, ``seeds``, the list ``datasets``
            and the section ``engine``.

    Returns:
        Every section of ``SECTIONS``, typed and checked, the names of ``SCALARS``,
        ``model_options`` as they stand, for the model itself checks them, and what several of
        these make together: ``cell`` and ``settings``.

    Raises:
        SeqrecError: an unknown name, with the nearest valid one, or a value of a wrong type.
    """
    blocks = _by_text(blocks)
    chosen = _single_values(runtime, defaults)
    dataset, model = chosen["dataset"], chosen["model"]
    datasets = {*datasets_in(blocks), *map(str, defaults.get("datasets", ()))}
    _check_names(blocks, runtime)
    _check_dataset(dataset, datasets, runtime)
    if model not in KNOWN_MODELS:
        raise unknown_name("model", model, KNOWN_MODELS)

    picked = (chosen["protocol"], dataset, datasets)
    own = merged(
        *_model_layers(blocks.get(model), model, *picked),
        *_variant_layers(blocks.get(model), model, chosen["variant"], *picked),
        runtime,
    )
    layers = merged(
        {name: blocks[name] for name in BLOCK_SECTIONS if name in blocks},
        {ENGINE: defaults.get(ENGINE)},
        blocks.get(dataset),
        own,
    )
    raw, folder = named_files(_group("raw", layers.get("raw")))
    layers["raw"] = raw
    layers["transitions"] = _transitions_for_ted(layers, runtime, chosen["protocol"])
    chosen["raw_dir"] = layers.get("raw_dir") or folder or f"data/01_raw/{dataset}"
    sections: Parameters = {
        name: check_section(name, _group(name, layers.get(name))) for name in SECTIONS
    }
    _check_engine(sections[ENGINE].backend, _group(ENGINE, runtime.get(ENGINE)))
    _check_varied_models(sections)
    if model in COUNTING_MODELS:
        _check_untrained(model, sections, own)
    options = _group(MODEL_OPTIONS, layers.get(MODEL_OPTIONS))
    single = check_values(Selection, _without_nulls(chosen), "").model_dump()
    return {
        **single,
        **sections,
        MODEL_OPTIONS: options,
        "cell": {name: single[name] for name in ("dataset", "model", "protocol")},
        "settings": _settings(single, sections, options),
    }


def _settings(single: Parameters, sections: Parameters, options: Parameters) -> Parameters:
    """Return what ``seqrec.training.Settings`` is made of."""
    evaluation = sections["evaluation"]
    ranking = {name: getattr(evaluation, name) for name in RankingOptions.model_fields}
    return {
        "model": single["model"],
        "protocol": single["protocol"],
        MODEL_OPTIONS: options,
        "training": sections["training"],
        "ted": sections["ted"],
        "ranking": RankingOptions(**ranking),
    }


def datasets_in(blocks: Parameters) -> list[str]:
    """Return the names of the data sets: the blocks that say which raw log they read."""
    return [
        str(name) for name, block in blocks.items() if isinstance(block, dict) and "raw" in block
    ]


def _by_text(blocks: dict[Any, Any]) -> Parameters:
    """Return the blocks by their names as text: YAML reads a name of digits as a number."""
    return {str(name): block for name, block in blocks.items()}


def _single_values(runtime: Parameters, defaults: Parameters) -> Parameters:
    """Return the values of ``SCALARS``; what the user left empty is as in globals."""
    values = {**_with_seeds(_without_nulls(defaults)), **_with_seeds(_without_nulls(runtime))}
    chosen = {name: values.get(name) for name in SCALARS}
    for name in ("dataset", "model"):
        chosen[name] = _as_name(name, runtime.get(name, chosen[name]))
    return chosen


def _as_name(parameter: str, value: Any) -> str:
    """Return a name as text: one of digits alone arrives as a number."""
    if value is None or value == "":
        raise SeqrecError(f"parameter {parameter}: no name is given; write {parameter}=NAME")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise SeqrecError(
            f"parameter {parameter}: should be one name, {parameter}=NAME (got {value!r})"
        )
    return str(value)


def _with_seeds(values: Parameters) -> Parameters:
    """Spell out ``seed`` as ``seeds``."""
    if ONE_SEED not in values:
        return values
    rest = {name: value for name, value in values.items() if name != ONE_SEED}
    return {**rest, "seeds": values[ONE_SEED]}


def _without_nulls(values: Parameters) -> Parameters:
    return {name: value for name, value in values.items() if value is not None}


def _check_names(blocks: Parameters, runtime: Parameters) -> None:
    """Raise for a name that nothing would read, in the files or in ``--params``."""
    if {ONE_SEED, "seeds"} <= _without_nulls(runtime).keys():
        raise SeqrecError("seed and seeds are given; leave one of the two out")
    for name in runtime:
        if name not in (*SCALARS, ONE_SEED, *SECTIONS, MODEL_OPTIONS):
            raise _unknown_parameter(name)
    if "models" in _group("recommendation", blocks.get("recommendation")):
        raise SeqrecError(
            "parameter recommendation.models stands in a parameter file; the catalog takes it "
            "from --params alone"
        )
    datasets = datasets_in(blocks)
    for name, block in blocks.items():
        if name in datasets:
            _check_keys(block, DATASET_KEYS, f"data set '{name}'")
        elif name in KNOWN_MODELS:
            keys = (*MODEL_KEYS, *PARTS_OF_MODELS.values(), VARIANTS)
            _check_keys(block, keys, f"model '{name}'")
        elif name in (ENGINE, ONE_SEED, *SCALARS):
            raise SeqrecError(
                f"parameter '{name}' stands in a parameter file; it belongs in"
                " conf/base/globals.yml or after --params"
            )
        elif name not in BLOCK_SECTIONS:
            names = [*BLOCK_SECTIONS, *KNOWN_MODELS, *datasets]
            raise unknown_name("top-level parameter", name, names, "(a data set has a key 'raw')")


def _check_engine(backend: str, asked: Parameters) -> None:
    """Raise where Spark is told what DuckDB alone listens to."""
    for name in OF_DUCKDB:
        if backend == "spark" and asked.get(name) is not None:
            raise SeqrecError(
                f"parameter {ENGINE}.{name} means nothing to Spark, whose settings stand in "
                "conf/spark/spark.yml; leave it out"
            )


def _check_keys(block: Parameters, names: tuple[str, ...], owner: str) -> None:
    for key in _group(owner, block):
        if key not in names:
            raise unknown_name("parameter", key, names, f"in the block of {owner}")


def _check_dataset(name: str, names: Iterable[str], runtime: Parameters) -> None:
    """Raise unless the data set is known, or the user says with ``raw.file`` what it is."""
    has_file = "file" in _group("raw", runtime.get("raw"))
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


def _model_layers(
    block: Any, model: str, protocol: Any, dataset: str, names: Iterable[str]
) -> Iterator[Parameters]:
    """Yield the model's own values, then those for the data set, each with its protocol's."""
    owner = f"model '{model}'"
    block = _group(model, block)
    yield from _protocol_layers(block, protocol, owner, model)
    for name, values in _parts(block, "data set", names, owner, model).items():
        of_dataset = f"{owner} for data set '{name}'"
        _check_keys(values, (*MODEL_KEYS, PARTS_OF_MODELS["protocol"]), of_dataset)
        path = f"{model}.{PARTS_OF_MODELS['data set']}.{name}"
        # Those of other data sets are checked as well.
        layers = list(_protocol_layers(_group(path, values), protocol, of_dataset, path))
        yield from layers if name == dataset else ()


def _variant_layers(
    block: Any, model: str, variant: Any, protocol: Any, dataset: str, names: Iterable[str]
) -> Iterator[Parameters]:
    """Yield the layers of the variant that is asked for; the others are checked as well."""
    variants = _by_text(_group(f"{model}.{VARIANTS}", _group(model, block).get(VARIANTS)))
    if variant is not None and str(variant) not in variants:
        if not variants:
            raise SeqrecError(
                f"parameter variant={variant}: model '{model}' has none; leave it out"
            )
        raise unknown_name("variant", str(variant), variants, f"of model '{model}'")
    for name, values in variants.items():
        path = f"{model}.{VARIANTS}.{name}"
        keys = (*MODEL_KEYS, *PARTS_OF_MODELS.values())
        _check_keys(values, keys, f"variant '{name}' of model '{model}'")
        layers = list(_model_layers(values, path, protocol, dataset, names))
        yield from layers if name == str(variant) else ()


def _protocol_layers(
    block: Parameters, protocol: Any, owner: str, path: str
) -> Iterator[Parameters]:
    """Yield a block's own values, then those it holds for the protocol."""
    yield {key: value for key, value in block.items() if key in MODEL_KEYS}
    parts = _parts(block, "protocol", get_args(Protocol), owner, path)
    for name, values in parts.items():
        _check_keys(values, MODEL_KEYS, f"{owner} for protocol '{name}'")
    yield _group(f"{path}.{PARTS_OF_MODELS['protocol']}.{protocol}", parts.get(str(protocol)))


def _parts(block: Parameters, kind: str, names: Iterable[str], owner: str, path: str) -> Parameters:
    """Return the values that a block holds by the names of one kind, all of them known ones."""
    key = PARTS_OF_MODELS[kind]
    parts = _by_text(_group(f"{path}.{key}", block.get(key)))
    for name in parts:
        if name not in names:
            raise unknown_name(kind, name, names, f"in the block of {owner}")
    return parts


def _check_varied_models(sections: Parameters) -> None:
    """Raise for a model, a section or a parameter of a search that does not exist."""
    for path, models in {
        "tuning.spaces": sections["tuning"].spaces,
        "sensitivity.sweeps": sections["sensitivity"].sweeps,
    }.items():
        try:
            check_names(models, KNOWN_MODELS)
        except ValueError as error:
            raise SeqrecError(f"parameter {path}: {error}") from None


def _check_untrained(model: str, sections: Parameters, own: Parameters) -> None:
    """Raise for a value that a model without training would take no notice of.

    Args:
        model: its name.
        sections: every section in full.
        own: what the model's block and the user say, rather than what holds for all models.
    """
    training = sections["training"]
    useless = {
        f"training.{key}": getattr(training, key)
        for key in _group("training", own.get("training"))
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


def _transitions_for_ted(layers: Parameters, runtime: Parameters, protocol: Any) -> Parameters:
    """Return the section ``transitions`` as a model with TED needs the graph.

    Raises:
        SeqrecError: the user asks for two different time spans, or for a TED that cannot be.
    """
    transitions = _group("transitions", layers.get("transitions"))
    ted: Any = check_section("ted", _group("ted", layers.get("ted")))
    own = _group("transitions", runtime.get("transitions"))
    span = _group("ted", runtime.get("ted")).get("time_span")
    if ted.weight and None not in (span, own.get("time_span")) and own["time_span"] != span:
        raise SeqrecError(
            f"ted.time_span={span} and transitions.time_span={own['time_span']} contradict each "
            "other; leave one of the two out"
        )
    for_ted = _without_nulls({"time_span": ted.time_span if ted.weight else None})
    # Without TED too: the graph belongs to the data set and the protocol, not to the model.
    longest = _group(MODEL_OPTIONS, layers.get(MODEL_OPTIONS)).get("max_len")
    if protocol == "authors" and isinstance(longest, int) and longest > 0:
        for_ted["last_items"] = longest  # their graph counts what the model sees
    return {**transitions, **for_ted, **own}


def _group(name: str, value: Any) -> Parameters:
    """Return a section's values; anything but a mapping is a mistake of the user."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SeqrecError(
            f"parameter {name}: should be a group, such as {name}.KEY=VALUE (got {value!r})"
        )
    return value


def _unknown_parameter(name: str) -> SeqrecError:
    """Name the nearest parameter, also where the user left out the section before it."""
    full = [f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields]
    by_last = {path.rpartition(".")[2]: path for path in reversed(full)}
    if near := get_close_matches(name, by_last, n=1, cutoff=0.6):
        return SeqrecError(f"unknown parameter '{name}'; did you mean '{by_last[near[0]]}'?")
    return unknown_name("parameter", name, [*SCALARS, *SECTIONS, MODEL_OPTIONS])
