"""What every section of the parameters is."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of the parameters: frozen, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
