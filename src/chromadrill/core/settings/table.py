"""What every table of `drill.toml` has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A key that it does not know is refused, and no value is changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
