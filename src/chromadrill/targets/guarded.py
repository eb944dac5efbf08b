"""What `ops` does to a target: the safety rules are asked first, and what they need is noted.

HOME/rails/owner.json           the ownership marker
HOME/rails/made.txt             ids of the collections that drills created
HOME/rails/snapshots/ID.json    what others held when a snapshot was made
HOME/rails/stopped.json         what they held when the server was stopped: nobody writes after
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path

from chromadrill.backups import catalog
from chromadrill.backups.registry import is_via_api
from chromadrill.chroma.client import CallFailed
from chromadrill.chroma.connection import connect
from chromadrill.chroma.permissions import access_to
from chromadrill.core.errors import Refused, Unavailable, UsageError
from chromadrill.core.model import Backup, Scope
from chromadrill.core.protocols import (
    HasDeployments,
    HasSnapshots,
    ListsSnapshots,
    Restartable,
    Target,
    scopes_of,
)
from chromadrill.core.settings import Settings
from chromadrill.core.urls import without_password
from chromadrill.targets.home import SAFETY_FOLDER, home_of
from chromadrill.targets.safety import foreign_data, leftovers, ownership, rules
from chromadrill.targets.safety.access import allow_writes
from chromadrill.targets.safety.owned_data import is_from_drill
from chromadrill.targets.safety.target_role import TargetRole, target_role

# later, somebody may have started it by other means, written, and stopped it again; that is seen
# at once where the platform gives each start a deployment of its own
STOPPED_S = 3600.0


@dataclass(frozen=True, slots=True)
class GuardedTarget:
    """A target, its role, and whether a person switched the safety rules off (`break_glass`)."""

    target: Target
    at: TargetRole
    break_glass: bool = False

    @property
    def is_guarded(self) -> bool:
        """Whether the safety rules hold: never for our own scratch servers."""
        return self.at.is_live and not self.break_glass

    @property
    def _folder(self) -> Path:
        return home_of(self.target) / SAFETY_FOLDER

    def before_stop(self) -> None:
        """Note what others hold just before nobody can write any more."""
        if not (self.is_guarded and isinstance(self.target, Restartable) and self.target.running()):
            return  # stopped already: what was noted then is still so
        self.forget_stop()
        foreign = self._collect_foreign()
        if foreign:
            foreign = dataclasses.replace(foreign, deployment=self._deployment())
            foreign_data.save(foreign, self._new_file("stopped.json"))

    def forget_stop(self) -> None:
        """Drop the note of the last stop: the server is about to run again, and others may write."""
        if self.at.is_live:
            (self._folder / "stopped.json").unlink(missing_ok=True)

    def snapshot(self, name: str | None, method: str) -> Backup:
        """Make a snapshot, with a note of what others held before it."""
        assert isinstance(self.target, HasSnapshots)  # noqa: S101 - asked by the caller
        foreign = self._collect_foreign() if self.is_guarded else None
        backup = self.target.snapshot(name, method)
        if foreign:
            foreign_data.save(foreign, self._new_file(f"snapshots/{backup.id}.json"))
        return backup

    def restore(self, backup_id: str) -> str:
        """Put a backup back, if no safety rule forbids it; returns its id."""
        assert isinstance(self.target, HasSnapshots)  # noqa: S101 - asked by the caller
        backups = self.target.snapshots()
        backup = catalog.find(backups, backup_id)
        if self.is_guarded:
            rules.require_may_restore(
                self.at,
                backup,
                [listed for listed in backups if not is_via_api(listed)],
                wrote=self._foreign_writes(backup),
                volume=not is_via_api(backup),
                complete=self._lists_all,
            )
            ownership.require_owned(self.at, home_of(self.target))
        allow_writes(self.target.url)
        if is_via_api(backup) and not self._is_all_from_drills(backup):
            access_to(self.target.url).notes = None  # others' collections stay theirs
        self.target.restore(backup.id)
        return backup.id

    @property
    def _lists_all(self) -> bool:
        return self.target.lists_all if isinstance(self.target, ListsSnapshots) else True

    def _is_all_from_drills(self, backup: Backup) -> bool:
        """Whether all that an export holds was a drill's when it was exported."""
        from chromadrill.backups.export.formats import (
            open_export,  # brings pyarrow: a stop needs none
        )

        created_ids = ownership.created_ids(home_of(self.target))
        collections = open_export(Path(backup.path)).fingerprint.collections.values()
        return all(is_from_drill(collection.info, created_ids) for collection in collections)

    def _foreign_writes(self, backup: Backup) -> list[str]:
        """What others wrote since the backup, a sentence each; raises Refused for a running server."""
        if isinstance(self.target, Restartable) and self.target.running():
            raise Refused(f"{self.target.name} runs; stop it first. Nothing was restored.")
        stopped = self._folder / "stopped.json"
        is_fresh = stopped.is_file() and time.time() - stopped.stat().st_mtime < STOPPED_S
        at_stop = foreign_data.load(stopped) if is_fresh else None
        if at_stop and at_stop.deployment != self._deployment():
            at_stop = None  # started by somebody else meanwhile
        at_backup = foreign_data.load(self._folder / "snapshots" / f"{backup.id}.json")
        return foreign_data.who_wrote(at_backup, at_stop)

    def _deployment(self) -> str | None:
        """The platform's name of what runs, or ran last; None where it has none."""
        return self.target.deployment() if isinstance(self.target, HasDeployments) else None

    def sweep(self) -> list[str]:
        """Remove what dead runs left behind; returns the keys of the collections."""
        with connect(self.target.url) as chroma:
            return leftovers.sweep(chroma, self._scopes)

    @property
    def _scopes(self) -> tuple[Scope, ...]:
        return scopes_of(self.target) or (Scope(),)

    def _collect_foreign(self) -> foreign_data.ForeignData | None:
        """None where the server cannot be read: what was written there is unknown then."""
        try:
            with connect(self.target.url) as chroma:
                return foreign_data.collect(
                    chroma, self._scopes, ownership.created_ids(home_of(self.target))
                )
        except (Unavailable, CallFailed):
            return None

    def _new_file(self, name: str) -> Path:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def guard_target(
    settings: Settings, target: Target, name: str, *, break_glass: bool
) -> GuardedTarget:
    """The target behind the safety rules; `name`: what it was named by."""
    return GuardedTarget(target, target_role(settings, name, target.url), break_glass)


def is_named(break_glass: str | None, target: str) -> bool:
    """Whether --break-glass, where it is given, names the target; a password in a URL need not be."""
    return break_glass is None or without_password(break_glass) == without_password(target)


def require_may_import(settings: Settings, url: str, break_glass: str | None) -> None:
    """Raise Refused for a script that would write to production; `break_glass`: its --break-glass."""
    if not is_named(break_glass, url):
        raise UsageError(
            f"--break-glass {without_password(str(break_glass))}: the url is {without_password(url)};"
            " name the same."
        )
    if break_glass is None:
        rules.require_may_operate(target_role(settings, url), "restore")
