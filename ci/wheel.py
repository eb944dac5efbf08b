"""Puts into the wheel what `chromadrill drill`, `gate` and `load` run where there is no clone.

It lies below the package: as a top-level name, `fixtures` would be another package's. An editable
installation has the clone itself, and gets no copy that would grow old.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PRODUCT = ("conftest.py", "fixtures", "loadtests", "pyproject.toml", "suites")


class CustomBuildHook(BuildHookInterface[Any]):
    """Its name is the one that hatchling looks for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        for part in PRODUCT:
            source = str(Path(self.root) / part)
            build_data["force_include"][source] = f"chromadrill/product/{part}"
