"""Limits of a model's options, declared where the option is, in a plain dataclass.

A model must train where only torch, numpy, pyarrow and safetensors are installed, so its
``Config`` declares its limits with these types and imports no pydantic. Where options come from a
user, ``seqrec.models.model_config`` has pydantic check them, and pydantic reads the limits here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


@dataclass(frozen=True)
class Bounds:
    """Between which numbers a number lies; None means no limit on that side."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return pydantic's schema of a number with these limits (pydantic asks for it)."""
        from pydantic_core.core_schema import no_info_before_validator_function

        schema: Any = handler(source)
        limits = {name: limit for name, limit in asdict(self).items() if limit is not None}
        return no_info_before_validator_function(_no_truth_value, {**schema, **limits})


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("should be a number")  # pydantic would take true for 1
    return value


Rate = Annotated[float, Bounds(ge=0, lt=1)]
"""Of dropout: something must be left."""
Share = Annotated[float, Bounds(ge=0, le=1)]
Weight = Annotated[float, Bounds(ge=0)]
Count = Annotated[int, Bounds(ge=0)]
Size = Annotated[int, Bounds(ge=1)]
Positive = Annotated[float, Bounds(gt=0)]
