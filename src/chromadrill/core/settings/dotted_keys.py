"""From "a.b" -> value to {"a": {"b": value}}, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chromadrill.core.errors import UsageError


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for key, value in values.items():
        if value is not None:
            assign(tables, key.split("."), value)
    return tables


def assign(into: dict[str, Any], path: list[str], value: Any) -> None:
    """Raises UsageError where a part of the path holds a value, and no table."""
    for depth, step in enumerate(path[:-1], 1):
        into = into.setdefault(step, {})
        if not isinstance(into, dict):
            raise UsageError(
                f"drill.toml: [{'.'.join(path[:depth])}] is no table, and {'.'.join(path)} is in it."
            )
    into[path[-1]] = value


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
