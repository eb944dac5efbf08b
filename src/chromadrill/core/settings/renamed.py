"""Keys that had another name. An old key is refused with its new name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chromadrill.core.errors import UsageError

# table -> old key -> new key
RENAMED = {
    "drill": {
        "expected_min": "min_records",
        "trend_fails": "fail_on_trend",
        "tries": "hot_copy_attempts",
    },
    "monitoring": {"failures": "failures_to_alert", "records_min": "min_records"},
}


def refuse_renamed_keys(file: Path, tables: Mapping[str, Any]) -> None:
    """Raises UsageError for the first old key of a settings file."""
    for table, keys in RENAMED.items():
        values = tables.get(table)
        for old, new in keys.items():
            if isinstance(values, dict) and old in values:
                raise UsageError(
                    f"{file}: [{table}] {old} is now called {new}.",
                    next_step=f"Write [{table}] {new} = {values[old]!r} instead.",
                )


def refuse_renamed_variable(variable: str, table: str, key: str) -> None:
    """Raises UsageError for a variable that sets an old key."""
    new = RENAMED.get(table, {}).get(key)
    if new is not None:
        right = variable[: len(variable) - len(key)] + new.upper()
        raise UsageError(
            f"{variable}: [{table}] {key} is now called {new}.", next_step=f"Set {right} instead."
        )
