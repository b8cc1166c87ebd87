"""The settings of a training as one value, of which single parameters can be changed.

A parameter is named as after ``--params``: ``model_options.alpha``, ``training.learning_rate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from seqrec.errors import SeqrecError, unknown_name
from seqrec.models import COUNTING_MODELS, GIVEN, any_class, model_class, model_config
from seqrec.parameters.search_space import OPTIONS, SearchRange, SearchValue, Space, nested
from seqrec.parameters.sections import EvaluationOptions, TedOptions, TrainingOptions, check_section

OF_THE_MACHINE = ("device",)
"""What of the section ``training`` says where to compute, not what."""

T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """Everything a training is told but its data and its seed."""

    model: str
    protocol: str
    model_options: dict[str, Any]
    training: TrainingOptions
    ted: TedOptions
    evaluation: EvaluationOptions

    @property
    def counted(self) -> bool:
        """Whether the model is counted rather than trained."""
        return self.model in COUNTING_MODELS

    def single(self) -> Settings:
        """Return settings under which a model without training tries nothing out by itself."""
        if not self.counted or "trials" not in any_class(self.model).Config.__dataclass_fields__:
            return self
        return replace(self, model_options={**self.model_options, "trials": 1})

    def value(self, name: str) -> Any:
        """Return a parameter; what nobody set is as the model has it."""
        group, _, key = name.partition(".")
        if group != OPTIONS:
            return getattr(getattr(self, group), key)
        return getattr(model_config(self.model, self.model_options, self.protocol, 1), key)

    def changed(self, values: Mapping[str, SearchValue]) -> Settings:
        """Return the settings with other values of some parameters.

        Raises:
            SeqrecError: an unknown parameter, with the nearest valid one, or values that the
                model cannot take.
        """
        groups = nested(values)
        options = {**self.model_options, **groups.pop(OPTIONS, {})}
        model_config(self.model, options, self.protocol, 1)
        sections: dict[str, Any] = {
            group: check_section(group, {**getattr(self, group).model_dump(), **inner})
            for group, inner in groups.items()
        }
        result = replace(self, model_options=options, **sections)
        if not self.counted:
            from seqrec.training.objective import check_loss

            check_loss(result.training, model_class(self.model), self.protocol)
        return result

    def plain(self) -> dict[str, Any]:
        """Return everything that decides a training's outcome, as plain values."""
        return {
            "model": self.model,
            "protocol": self.protocol,
            OPTIONS: self.model_options,
            "training": self.training.model_dump(mode="json", exclude=set(OF_THE_MACHINE)),
            "ted": self.ted.model_dump(mode="json"),
            "seen_items": self.evaluation.seen_items,
        }


def own_space(settings: Settings) -> dict[str, Space]:
    """Return what a model without training declares itself, at whatever value it is at present.

    A parameter that has a value, of an earlier search say, is searched again from there.
    """
    if not settings.counted:
        return {}
    declared: Any = getattr(any_class(settings.model), "space", {})
    return {f"{OPTIONS}.{key}": SearchRange(*where) for key, where in declared.items()}


def without_left_out(settings: Settings, declared: Mapping[str, T | None]) -> dict[str, T]:
    """Return what is declared but for the nulls, which say that a parameter is left out.

    Args:
        settings: the present ones, whose model knows its parameters.
        declared: by parameter, the user's declarations over those of the files.

    Raises:
        SeqrecError: a null for a parameter that the model does not have.
    """
    fields = any_class(settings.model).Config.__dataclass_fields__
    known = [f"{OPTIONS}.{key}" for key in fields if key not in GIVEN]
    for name, where in declared.items():
        if where is None and name.startswith(f"{OPTIONS}.") and name not in known:
            raise unknown_name("parameter", name, known, f"of model '{settings.model}'")
    return {name: where for name, where in declared.items() if where is not None}


def check_varied(settings: Settings, space: Mapping[str, Space], section: str) -> None:
    """Raise unless each parameter can take each of its values, the others as they are.

    Args:
        settings: the present ones.
        space: what is to be tried.
        section: where it is declared, ``tuning.spaces`` say.

    Raises:
        SeqrecError: nothing is declared, an unknown parameter or value, or one without effect.
    """
    if not space:
        raise SeqrecError(
            f"{section} says nothing about model '{settings.model}'; add"
            f" {section}.{settings.model}.{OPTIONS}.NAME, a list of values, say"
        )
    for name, where in space.items():
        _check_effect(settings, space, name)
        values = (where.low, where.high) if isinstance(where, SearchRange) else where
        for value in values:
            settings.changed({name: value})


def _check_effect(settings: Settings, space: Mapping[str, Space], name: str) -> None:
    """Raise for a parameter that changes nothing, or the transition graph too."""
    distils = bool(settings.ted.weight)
    if settings.counted and not name.startswith(OPTIONS):
        raise SeqrecError(
            f"parameter {name} means nothing to model '{settings.model}', which is counted, not "
            "trained; leave it out of the search"
        )
    if name == "ted.tau" and not distils and "ted.weight" not in space:
        raise SeqrecError("parameter ted.tau changes nothing where ted.weight is 0; set ted.weight")
    # Their graph counts the last max_len items of a user, once there is a distillation.
    moves_graph = name == "ted.weight" if not distils else name == f"{OPTIONS}.max_len"
    if settings.protocol == "authors" and moves_graph:
        remedy = "leave it out" if distils else "give ted.weight a value above 0 first"
        raise SeqrecError(
            f"parameter {name} would change the transition graph under protocol authors; {remedy}"
        )
