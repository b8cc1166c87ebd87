"""The models by name. A model is imported when it is asked for, and torch with it.

A model file defines one ``SequentialModel`` (see ``parts/face.py``) and its ``Config``, a plain
dataclass. Pydantic checks what a user wrote, and is imported for that alone: a model built from
its ``Config`` needs no more than torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, get_type_hints

from seqrec.errors import SeqrecError, unknown_name

if TYPE_CHECKING:
    from seqrec.models.parts.counting import CountingModel
    from seqrec.models.parts.face import ScoringModel, SequentialModel

MODELS = {
    "bsarec": "BSARec",
    "mqsa_ted": "MQSATED",
    "sasrec": "SASRec",
    "sasrec_ce": "SASRecCE",
    "bert4rec": "BERT4Rec",
    "caser": "Caser",
    "gru4rec": "GRU4Rec",
    "fmlprec": "FMLPRec",
    "duorec": "DuoRec",
    "fearec": "FEARec",
    "seer": "SEER",
}
"""Name → class."""
COUNTING_MODELS = {
    "popularity": "Popularity",
    "markov": "Markov",
    "cosine": "Cosine",
    "hybrid": "Hybrid",
}
"""Name → class of the models without training (see ``parts/counting.py``)."""

SECTION = "model_options"
INNER = "encoder_options"
"""Among a model's options: those of another model that is a part of it."""
SHARED = ("max_len", "dim")
"""Options that are the inner model's too."""
GIVEN_BY = {
    "num_items": "the data say how many items there are; leave it out",
    "num_users": "the data say how many users there are; leave it out",
    "protocol": "is a parameter of the whole run; write protocol=NAME",
}
GIVEN = GIVEN_BY.keys()


def model_class(name: str) -> type[SequentialModel]:
    """Return the class of a model.

    Raises:
        SeqrecError: no model has this name.
    """
    if name not in MODELS:
        raise unknown_name("model", name, MODELS)
    module = import_module(f"seqrec.models.{name}")
    kind: type[SequentialModel] = getattr(module, MODELS[name])
    return kind


def counting_class(name: str) -> type[CountingModel]:
    """Return the class of a model without training, one of ``COUNTING_MODELS``."""
    kind: type[CountingModel] = getattr(
        import_module(f"seqrec.models.{name}"), COUNTING_MODELS[name]
    )
    return kind


def any_class(name: str) -> type[ScoringModel]:
    """Return the class of a model, trained or not.

    Raises:
        SeqrecError: no model has this name.
    """
    if name not in MODELS | COUNTING_MODELS:
        raise unknown_name("model", name, MODELS | COUNTING_MODELS)
    return counting_class(name) if name in COUNTING_MODELS else model_class(name)


def model_config(
    name: str,
    options: dict[str, Any],
    protocol: str,
    num_items: int,
    num_users: int = 1,
    *,
    section: str = SECTION,
) -> Any:
    """Return the checked configuration of a model.

    Args:
        name: the model.
        options: its own parameters, the section ``model_options``.
        protocol: ``standard`` or ``authors``.
        num_items: how many items the data has.
        num_users: how many users it has; only some models ask.
        section: where the options stand, for what is said of a wrong one.

    Raises:
        SeqrecError: an unknown option (with the nearest valid one) or a wrong value.
    """
    from pydantic import TypeAdapter, ValidationError

    from seqrec.errors import explain

    config: Any = any_class(name).Config
    own_options = [field for field in config.__dataclass_fields__ if field not in GIVEN]
    for option in GIVEN & set(options):
        raise SeqrecError(f"parameter {section}.{option}: {GIVEN_BY[option]}")
    for option in options:
        if option not in own_options:
            raise unknown_name(
                "parameter", f"{section}.{option}", [f"{section}.{name}" for name in own_options]
            )
    if options.get(INNER):
        options = {**options, INNER: _checked_inner(config, options, protocol, num_items, section)}
    facts = _facts(config, protocol, num_items, num_users)
    try:
        return TypeAdapter(config).validate_python({**options, **facts})
    except ValidationError as error:
        raise explain(error, section, own_options) from None


def _checked_inner(
    config: Any, options: dict[str, Any], protocol: str, num_items: int, section: str
) -> dict[str, Any]:
    """Return the options of an inner model as it takes them, before ``config`` builds one of it.

    What is no option of the inner model is left: ``config`` says so.
    """
    inner = _typed(config, INNER, options[INNER], section)
    encoder, *values = (
        _typed(config, name, options.get(name, getattr(config, name)), section)
        for name in ("encoder", *SHARED)
    )
    known = model_class(encoder).Config.__dataclass_fields__.keys() - GIVEN
    told = {**inner, **dict(zip(SHARED, values, strict=True))}
    told = {name: value for name, value in told.items() if name in known}
    typed = model_config(encoder, told, protocol, num_items, section=f"{section}.{INNER}")
    return {name: getattr(typed, name) if name in told else inner[name] for name in inner}


def _typed(config: Any, name: str, value: Any, section: str) -> Any:
    """Return one option as a configuration takes it."""
    from pydantic import TypeAdapter, ValidationError

    from seqrec.errors import explain

    kind = get_type_hints(config, include_extras=True)[name]
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise explain(error, f"{section}.{name}", ()) from None


def checked_options(name: str, options: dict[str, Any], protocol: str) -> dict[str, Any]:
    """Return the options as the model takes them: a number that was text is a number.

    Raises:
        SeqrecError: an unknown option (with the nearest valid one) or a wrong value.
    """
    config = model_config(name, options, protocol, num_items=1)
    return {option: getattr(config, option) for option in options}


def unchecked_config(
    name: str, options: dict[str, Any], protocol: str, num_items: int, num_users: int = 1
) -> Any:
    """Return the configuration of a model from options that were checked before."""
    config: Any = any_class(name).Config
    return config(**options, **_facts(config, protocol, num_items, num_users))


def _facts(config: Any, protocol: str, num_items: int, num_users: int) -> dict[str, Any]:
    """Return what the data and the run decide, as far as a model asks for it."""
    facts = {"num_items": num_items, "num_users": num_users, "protocol": protocol}
    return {key: value for key, value in facts.items() if key in config.__dataclass_fields__}


def build_model(
    name: str, options: dict[str, Any], protocol: str, num_items: int, num_users: int = 1
) -> SequentialModel:
    """Return a freshly initialised model (draws from torch's global generator)."""
    return model_class(name)(model_config(name, options, protocol, num_items, num_users))


def build_any(
    name: str, options: dict[str, Any], protocol: str, num_items: int, num_users: int = 1
) -> ScoringModel:
    """Return a model whose weights or tables are still to come, trained or not."""
    kind: Any = any_class(name)
    model: ScoringModel = kind(model_config(name, options, protocol, num_items, num_users))
    return model
