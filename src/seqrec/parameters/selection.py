"""The parameters of one run, picked from the configuration of all data sets and models.

The configuration files hold three kinds of top-level blocks: defaults of a section
(``training``), data sets (any block with the key ``raw``) and models. A run
is one data set and one model; later layers lie over earlier ones, key by key:

    section defaults < section blocks < data set < model < model's ``protocols.NAME``
    < model's ``datasets.NAME`` < that one's ``protocols.NAME``
    < the same of the model's ``variants.NAME``, if a variant is asked for < the user's
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from seqrec.errors import SeqrecError, unknown_name
from seqrec.models import COUNTING_MODELS
from seqrec.parameters.blocks import (
    BLOCK_SECTIONS,
    ENGINE,
    KNOWN_MODELS,
    Parameters,
    by_text,
    datasets_in,
    group,
    without_nulls,
)
from seqrec.parameters.model_layers import model_layers, variant_layers
from seqrec.parameters.named_files import named_files
from seqrec.parameters.refusals import (
    ONE_SEED,
    check_dataset,
    check_engine,
    check_names,
    check_untrained,
    check_varied_models,
)
from seqrec.parameters.section import Section
from seqrec.parameters.section_checks import check_section, check_values
from seqrec.parameters.sections import (
    MODEL_OPTIONS,
    SCALARS,
    SECTIONS,
    Count,
    Protocol,
    RankingOptions,
    UserPath,
    each_once,
    fits_64_bits,
    merged,
    numbers_in,
)

Name = Annotated[str, Field(min_length=1)]
Seed = Annotated[Count, AfterValidator(fits_64_bits)]
Seeds = Annotated[
    tuple[Seed, ...], Field(min_length=1), BeforeValidator(numbers_in), AfterValidator(each_once)
]


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
    blocks = by_text(blocks)
    chosen = _single_values(runtime, defaults)
    datasets = {*datasets_in(blocks), *map(str, defaults.get("datasets", ()))}
    check_names(blocks, runtime)
    check_dataset(chosen["dataset"], datasets, runtime)
    if chosen["model"] not in KNOWN_MODELS:
        raise unknown_name("model", chosen["model"], KNOWN_MODELS)

    own = merged(*_layers_of_model(blocks, chosen, datasets), runtime)
    layers = merged(
        {name: blocks[name] for name in BLOCK_SECTIONS if name in blocks},
        {ENGINE: defaults.get(ENGINE)},
        blocks.get(chosen["dataset"]),
        own,
    )
    layers["raw"], folder = named_files(group("raw", layers.get("raw")))
    layers["transitions"] = _transitions_for_ted(layers, runtime, chosen["protocol"])
    chosen["raw_dir"] = layers.get("raw_dir") or folder or f"data/01_raw/{chosen['dataset']}"
    sections = _checked_sections(layers, own, runtime, chosen["model"])
    options = group(MODEL_OPTIONS, layers.get(MODEL_OPTIONS))
    single = check_values(Selection, without_nulls(chosen), "").model_dump()
    return {
        **single,
        **sections,
        MODEL_OPTIONS: options,
        "cell": {name: single[name] for name in ("dataset", "model", "protocol")},
        "settings": _settings(single, sections, options),
    }


def _layers_of_model(
    blocks: Parameters, chosen: Parameters, datasets: set[str]
) -> list[Parameters]:
    """Return what the block of the chosen model says for this run, later over earlier."""
    name = chosen["model"]
    picked = (chosen["protocol"], chosen["dataset"], datasets)
    return [
        *model_layers(blocks.get(name), name, *picked),
        *variant_layers(blocks.get(name), name, chosen["variant"], *picked),
    ]


def _checked_sections(
    layers: Parameters, own: Parameters, runtime: Parameters, model: str
) -> Parameters:
    """Return every section, typed and checked, alone and beside each other.

    Args:
        layers: the values of all sections.
        own: what the model's block and the user say, rather than what holds for all models.
        runtime: what the user says.
        model: its name.
    """
    sections: Parameters = {
        name: check_section(name, group(name, layers.get(name))) for name in SECTIONS
    }
    check_engine(sections[ENGINE].backend, group(ENGINE, runtime.get(ENGINE)))
    check_varied_models(sections)
    if model in COUNTING_MODELS:
        check_untrained(model, sections, own)
    return sections


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


def _single_values(runtime: Parameters, defaults: Parameters) -> Parameters:
    """Return the values of ``SCALARS``; what the user left empty is as in globals."""
    values = {**_with_seeds(without_nulls(defaults)), **_with_seeds(without_nulls(runtime))}
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


def _transitions_for_ted(layers: Parameters, runtime: Parameters, protocol: Any) -> Parameters:
    """Return the section ``transitions`` as a model with TED needs the graph.

    Raises:
        SeqrecError: the user asks for two different time spans, or for a TED that cannot be.
    """
    transitions = group("transitions", layers.get("transitions"))
    ted: Any = check_section("ted", group("ted", layers.get("ted")))
    own = group("transitions", runtime.get("transitions"))
    span = group("ted", runtime.get("ted")).get("time_span")
    if ted.weight and None not in (span, own.get("time_span")) and own["time_span"] != span:
        raise SeqrecError(
            f"ted.time_span={span} and transitions.time_span={own['time_span']} contradict each "
            "other; leave one of the two out"
        )
    for_ted = without_nulls({"time_span": ted.time_span if ted.weight else None})
    # Without TED too: the graph belongs to the data set and the protocol, not to the model.
    longest = group(MODEL_OPTIONS, layers.get(MODEL_OPTIONS)).get("max_len")
    if protocol == "authors" and isinstance(longest, int) and longest > 0:
        for_ted["last_items"] = longest  # their graph counts what the model sees
    return {**transitions, **for_ted, **own}
