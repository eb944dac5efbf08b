"""Where a record comes from: who ran it, on what, from which source."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

from chromadrill.core.model import JSON

CONTROLS = {
    "recovery": ["SOC 2 A1.3", "ISO 22301 8.5", "NIST CP-4", "DORA RTS 2024/1774 Art. 25"],
    "data": ["SOC 2 A1.3", "ISO 27001 A.8.13", "NIST CP-9", "DORA RTS 2024/1774 Art. 40"],
}
_RECOVERY = "fault to first stable right answer"
# key of `[objectives]`: runbook id ("" where every scenario is held against it), title, check
_TITLES = {
    "rb1_recovery_s": ("RB-1", f"service restart: {_RECOVERY}", "recovery time"),
    "rb2_recovery_s": ("RB-2", f"restore from a backup: {_RECOVERY}", "recovery time"),
    "rb4_recovery_s": ("RB-4", f"import of a collection: {_RECOVERY}", "recovery time"),
    "rb6_recovery_s": ("RB-6", f"restore while clients search: {_RECOVERY}", "recovery time"),
    "rb8_recovery_s": ("RB-8", f"monthly drill: {_RECOVERY}", "recovery time"),
    "data_loss_s": ("RB-2", "age of the oldest lost acknowledged write", "data loss"),
    "downtime_s": ("", "clients without a right answer, fault to recovery", "downtime"),
    "wrong_answers_s": ("", "clients given wrong answers, fault to recovery", "wrong answers"),
    "startup_s": ("RB-1", "server start to first real answer", "startup"),
    "collection_creation_s": ("RB-8", "creating a collection", "collection creation"),
    "search_p90_ms": ("", "90th percentile of searches of the restored store", "search p90"),
}


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
            "id": runbook or "any",
            "title": title,
            "check": check,
            "limit": limits[key],
            "unit": key.rpartition("_")[2],
            "controls": CONTROLS["data" if key == "data_loss_s" else "recovery"],
        }
        for key, (runbook, title, check) in _TITLES.items()
        if key in limits
    ]


def contacts(table: Mapping[str, str | None]) -> list[JSON]:
    """`[contacts]` in the order in which they are called."""
    found = []
    for role in ("primary", "secondary", "platform"):
        name, _, reach = (table.get(role) or "").partition(",")
        if name:
            found.append({"role": role, "name": name.strip(), "reach": reach.strip()})
    return found


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607 - whichever git is on the path
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
