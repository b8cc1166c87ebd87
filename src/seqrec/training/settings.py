"""The settings of a training as one value, of which single parameters can be changed.

A parameter is named as after ``--params``: ``model_options.alpha``, ``training.learning_rate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqrec.models import (
    COUNTING_MODELS,
    any_class,
    checked_options,
    model_class,
    unchecked_config,
)

if TYPE_CHECKING:
    from seqrec.parameters.sections import RankingOptions, TedOptions, TrainingOptions

OPTIONS = "model_options"
OF_THE_MACHINE = ("device", "processes")
"""What of the section ``training`` says where to compute, not what."""


@dataclass(frozen=True)
class Settings:
    """Everything a training is told but its data and its seed."""

    model: str
    protocol: str
    model_options: dict[str, Any]
    training: TrainingOptions
    ted: TedOptions
    ranking: RankingOptions
    """By which rules validation ranks."""

    @property
    def counted(self) -> bool:
        """Whether the model is counted rather than trained."""
        return self.model in COUNTING_MODELS

    def checked(self) -> Settings:
        """Return the settings with the model's options as it takes them.

        Raises:
            SeqrecError: an unknown option (with the nearest valid one), a value that the model
                cannot take, or a loss that the model or the protocol does not have.
        """
        options = checked_options(self.model, self.model_options, self.protocol)
        if not self.counted:
            from seqrec.training.objective import check_loss

            check_loss(self.training, model_class(self.model), self.protocol)
        return replace(self, model_options=options)

    def config(self, num_items: int = 1, num_users: int = 1) -> Any:
        """Return the configuration of the model; the options were checked where they came in."""
        return unchecked_config(self.model, self.model_options, self.protocol, num_items, num_users)

    def single(self) -> Settings:
        """Return settings under which a model without training tries nothing out by itself."""
        if not self.counted or "trials" not in any_class(self.model).Config.__dataclass_fields__:
            return self
        return replace(self, model_options={**self.model_options, "trials": 1})

    def value(self, name: str) -> Any:
        """Return a parameter; what nobody set is as the model has it."""
        section, _, key = name.partition(".")
        return getattr(self.config() if section == OPTIONS else getattr(self, section), key)

    def changed(self, values: Mapping[str, Any]) -> Settings:
        """Return the settings with other values of some parameters.

        Raises:
            SeqrecError: an unknown parameter, with the nearest valid one, or values that the
                model cannot take.
        """
        from seqrec.parameters.search_space import nested
        from seqrec.parameters.section_checks import check_section

        sections = nested(values)
        options = {**self.model_options, **sections.pop(OPTIONS, {})}
        typed: dict[str, Any] = {
            section: check_section(section, {**getattr(self, section).model_dump(), **inner})
            for section, inner in sections.items()
        }
        return replace(self, model_options=options, **typed).checked()

    def plain(self) -> dict[str, Any]:
        """Return everything that decides a training's outcome, as plain values.

        Raises:
            SeqrecError: no model lies where the training is to start from.
        """
        from seqrec.models.folder import content_of  # torch comes with it

        training = self.training.model_dump(mode="json", exclude=set(OF_THE_MACHINE))
        if self.training.start_from:  # what lies there decides, not where
            training["start_from"] = content_of(Path(self.training.start_from))
        return {
            "model": self.model,
            "protocol": self.protocol,
            OPTIONS: self.model_options,
            "training": training,
            "ted": self.ted.model_dump(mode="json"),
            "seen_items": self.ranking.seen_items,
        }
