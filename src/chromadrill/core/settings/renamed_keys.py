"""An old key of the settings is refused with its new name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chromadrill.core.errors import UsageError
from chromadrill.core.renamed import SETTINGS


def refuse_renamed_keys(file: Path, tables: Mapping[str, Any]) -> None:
    """Raises UsageError for the first old key of a settings file."""
    for table, keys in SETTINGS.items():
        values = tables.get(table)
        for old, new in keys.items():
            if isinstance(values, dict) and old in values:
                raise UsageError(
                    f"{file}: [{table}] {old} is now called {new}.",
                    next_step=f"Write [{table}] {new} = {values[old]!r} instead.",
                )


def refuse_renamed_variable(variable: str, table: str, key: str) -> None:
    """Raises UsageError for a variable that sets an old key."""
    new = SETTINGS.get(table, {}).get(key)
    if new is not None:
        right = variable[: len(variable) - len(key)] + new.upper()
        raise UsageError(
            f"{variable}: [{table}] {key} is now called {new}.", next_step=f"Set {right} instead."
        )
