"""Where a record comes from: who ran it, on what, from which source."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from chromadrill.checks import registry
from chromadrill.core.model import JSON


def provenance(folder: Path, version: str) -> JSON:
    """Version, commit and machine. `git_sha` is None outside of a git checkout."""
    status = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {
        "harness": version,
        "git_sha": _git(folder, "rev-parse", "HEAD") or None,
        "dirty": None if status is None else bool(status),
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def trigger(environ: Mapping[str, str] | None = None) -> str:
    """schedule, release or manual, as the CI that started us says."""
    environ = os.environ if environ is None else environ
    event = environ.get("GITHUB_EVENT_NAME") or environ.get("CI_PIPELINE_SOURCE") or ""
    if event == "schedule":
        return "schedule"
    return "release" if event in ("release", "workflow_call", "push") else "manual"


def objectives(limits: Mapping[str, float]) -> list[JSON]:
    """The limits of `[objectives]` by runbook id, with the controls that ask for them."""
    return [
        {
            "id": limit.runbook or "any",
            "title": limit.title,
            "check": check.name,
            "limit": limits[limit.key],
            "unit": limit.unit,
            "controls": list(limit.controls),
        }
        for check, limit in registry.limits().values()
        if limit.key in limits
    ]


def contacts(table: Mapping[str, str | None]) -> list[JSON]:
    """`[contacts]` in the order in which they are called."""
    people = []
    for role in ("primary", "secondary", "platform"):
        name, _, reach = (table.get(role) or "").partition(",")
        if name:
            people.append({"role": role, "name": name.strip(), "reach": reach.strip()})
    return people


def _git(folder: Path, *args: str) -> str | None:
    if not (folder / ".git").exists():
        return None  # an installed package may lie in somebody else's repository
    try:
        ran = subprocess.run(
            ["git", "-C", str(folder), *args],  # noqa: S607 - whichever git is on the path
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ran.stdout.strip()
