"""What a run was about, where that was one given backup: its name, kind, size and age."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chromadrill.core.model import JSON
from chromadrill.evidence.report.formatting import duration, moment, part, size, when


def subject_of(scenarios: Sequence[JSON], started_at: Any) -> str | None:
    """The backup that `--backup PATH` named, in a few words; None for a run of any other kind.

    A drill's own backups have no original: nobody named them.
    """
    backups = [part(scenario, "backup") for scenario in scenarios]
    given = [backup for backup in backups if backup.get("original")]
    if len(given) != 1 or len(scenarios) != 1:
        return None
    backup = given[0]
    facts = [str(backup["method"]), size(backup["bytes"]), _age(backup, started_at)]
    name = backup["original"]
    if backup.get("source") and backup.get("artefact"):  # it was fetched: its path is a scratch one
        name = f"{backup['artefact']} of {backup['source']}"
    return f"backup {name} ({', '.join(fact for fact in facts if fact)})"


def _age(backup: JSON, started_at: Any) -> str:
    """When it was made, by its manifest, else by its newest file; and how long before the run."""
    created, changed = backup.get("created_at"), backup.get("newest_file_at")
    start, made = moment(started_at), moment(created or changed)
    if made is None:
        return "of unknown age"
    text = f"made {when(created)}" if created else f"newest file of {when(changed)}"
    if start is None or made > start:
        return text
    return f"{text}, {duration((start - made).total_seconds())} before the run"
