"""The export as a backup method: a folder that any other Chroma server can be filled from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chromadrill.backups import disk, folders
from chromadrill.backups.export import folder, formats, importing, writing
from chromadrill.chroma.client import connect
from chromadrill.errors import Unavailable
from chromadrill.ladder import outcome_of
from chromadrill.model import Backup, Outcome, Scope
from chromadrill.protocols import Stoppable

METHOD = folder.METHOD
WAY = "export"  # of hot/ways.py, where the suite `hotcopy` measures it
TRIES = 3  # a writer that pauses now and then gives one of them a quiet moment
DEADLINE_S = 60.0


def take(
    target: Stoppable, into: Path, *, name: str | None = None, scopes: Sequence[Scope]
) -> Backup:
    """Export the running server, which is not stopped. Raises Unavailable under steady writes."""
    backup_id = folders.new_id(into, name)
    with connect(target.url, timeout_s=DEADLINE_S) as chroma:
        writing.export(chroma, into / backup_id, scopes=scopes, retry=TRIES - 1, suffix="")
    return folders.opened(into / backup_id)


def put_back(backup: Backup, target: Stoppable) -> None:
    """Empty the volume, start a server on it, import, stop it again."""
    export = formats.open_export(Path(backup.path))  # checked before anything is emptied
    with target.volume() as data:
        disk.empty(data)
    target.start()
    try:
        with connect(target.url, timeout_s=DEADLINE_S) as chroma:
            verdicts = importing.restore(chroma, export)
    finally:
        target.stop()
    if outcome_of(verdicts) is not Outcome.PASS:
        wrong = [f"{v.check}: {v.message}" for v in verdicts if v.outcome is not Outcome.PASS]
        raise Unavailable(f"Backup {backup.id} did not come back whole: {'; '.join(wrong)}.")
