"""The backup method `export`: a folder that any other Chroma server can be filled from."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from chromadrill.backups import catalog, files
from chromadrill.backups.export import exporter, formats, importer, parquet_folder, staging
from chromadrill.backups.export.between import export_between
from chromadrill.backups.export.look_first import require_creatable, require_takes
from chromadrill.backups.export.places import scopes_of
from chromadrill.backups.export.types import QUIET, Reader
from chromadrill.checks.suite import outcome_of
from chromadrill.chroma.at_rest.scopes_in_use import scopes_in_use
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.connection import connect
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import Backup, Outcome, Scope
from chromadrill.core.protocols import HasUrl, StartStop, Stoppable

METHOD = parquet_folder.METHOD
TRIES = 3  # a writer that pauses now and then gives one of them a quiet moment
DEADLINE_S = 60.0


def take(target: HasUrl, into: Path, *, name: str | None = None, scopes: Sequence[Scope]) -> Backup:
    """Export the running server, which goes on; under steady writes with its coverage.

    Raises Unavailable for a sick server, and where too little of the export is proven.
    """
    backup_id = catalog.new_id(into, name)
    with connect(target.url, timeout_s=DEADLINE_S) as chroma:
        try:
            exporter.export(chroma, into / backup_id, scopes=scopes, retry=TRIES - 1, suffix="")
        except Unavailable as error:
            if error.next_step != QUIET:
                raise
            _export_between(chroma, into / backup_id, scopes)
    return catalog.open_backup(into / backup_id)


def _export_between(chroma: Chroma, folder: Path, scopes: Sequence[Scope]) -> None:
    covered = export_between(chroma, folder, scopes=scopes, suffix="").covered
    if covered is not None and covered.outcome is not Outcome.PASS:
        shutil.rmtree(folder)
        raise Unavailable(f"{covered.message}. Nothing was kept.", next_step=QUIET)


def put_back(backup: Backup, target: Stoppable) -> None:
    """Empty the volume, start the server on it, import, stop it again.

    Raises Refused where the volume holds databases that the export does not, Unavailable where the
    collections do not come back whole.
    """
    export = formats.open_export(Path(backup.path))  # checked before anything is emptied
    require_creatable(staging.plan(export, into=None))
    with target.volume() as data:
        _require_nothing_else(data, export)
        files.empty(data)
    target.start()
    try:
        _import(backup, export, target)
    finally:
        target.stop()


def _require_nothing_else(data: Path, export: Reader) -> None:
    """Raise Refused for a volume with collections of other databases: they would be gone.

    Of a volume that cannot be read nothing is known: it is what the backup is for. Raises NoRoom where
    it can be read in a private copy alone, and there is no room for one.
    """
    if others := sorted(scopes_in_use(data) - set(scopes_of(export))):
        raise Refused(
            f"The volume holds collections of {', '.join(map(str, others))}, which the backup does"
            " not: they would be gone. Nothing was touched.",
            next_step="Start the server and bring the export back beside them: chromadrill restore"
            " --url URL --input-file FOLDER. Or back those databases up, and delete them.",
        )


def put_back_via_api(backup: Backup, target: StartStop) -> None:
    """Replace the collections of the export, and no others, where the volume cannot be had.

    The server must be stopped, and stays so. Raises Unavailable where the collections do not come back
    whole.
    """
    export = formats.open_export(Path(backup.path))  # checked before anything is dropped
    plan = staging.plan(export, into=None)
    target.start()
    try:
        with connect(target.url, timeout_s=DEADLINE_S) as chroma:
            require_takes(chroma, export, plan)
            for move in plan:
                _drop(chroma, move)
        _import(backup, export, target)
    finally:
        target.stop()


def _drop(chroma: Chroma, move: staging.Move) -> None:
    try:
        chroma.delete_collection(move.scope, move.name)
    except CallFailed as error:
        if not error.is_missing:
            raise


def _import(backup: Backup, export: Reader, target: HasUrl) -> None:
    with connect(target.url, timeout_s=DEADLINE_S) as chroma:
        verdicts = importer.restore(chroma, export)
    if outcome_of(verdicts) is not Outcome.PASS:
        wrong = [f"{v.check}: {v.message}" for v in verdicts if v.outcome is not Outcome.PASS]
        raise Unavailable(f"Backup {backup.id} did not come back whole: {'; '.join(wrong)}.")
