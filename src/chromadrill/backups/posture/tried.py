"""Each artefact of a source of the user's own backups, with the last try to prove it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chromadrill.backups.posture.restic_store import store as restic_store
from chromadrill.backups.proven import ProvenEntry, ProvenLog, last_try, tries_of
from chromadrill.backups.sources.restic import PREFIX
from chromadrill.backups.sources.source import BackupSource
from chromadrill.core.clock import parse_time
from chromadrill.core.model import JSON, Artefact, BackupStore, Outcome, ProvenRestore, StoreEntry

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class TriedArtefact:
    """An artefact as its source lists it; `entry` is the try that counts of it, None for never.

    `later`: a try after that one which could not tell, None where there was none.
    """

    artefact: Artefact
    entry: ProvenEntry | None
    later: ProvenEntry | None = None

    @property
    def bytes(self) -> int | None:
        """Its size: as its source says, else as it was when it was tried; None where nobody knows."""
        if self.artefact.bytes is None and self.entry is not None:
            return self.entry.bytes
        return self.artefact.bytes

    def words(self, now: datetime) -> str:
        """ "proven 2 days ago, 95.6 %", "NOT PROVEN, 3 days ago", "never"."""
        if self.entry is None:
            return "never"
        text = self._counting(self.entry, now)
        if self.later is None:
            return text
        return f"{text}; a try {_ago_of(self.later, now)} could not tell"

    def _counting(self, entry: ProvenEntry, now: datetime) -> str:
        ago = _ago_of(entry, now)
        if entry.outcome is Outcome.FAIL:
            return f"NOT PROVEN, {ago}"
        if entry.outcome is not Outcome.PASS:
            return f"could not tell, {ago}"
        coverage = entry.coverage
        return f"proven {ago}" + ("" if coverage is None else f", {_percent(coverage)}")

    def facts(self) -> JSON:
        """What a record and `--json` say of it: the keys of the ledger's note `source`, and more."""
        artefact, entry = self.artefact, self.entry
        return {
            "id": artefact.id,
            "created_at": artefact.created_at,
            "bytes": self.bytes,
            "kind": artefact.kind,
            "proven_at": entry and entry.proven_at,
            "outcome": entry and str(entry.outcome),
            "coverage": entry and entry.coverage,
            "recovery_s": entry and entry.recovery_s,
            "unknown_at": self.later and self.later.proven_at,
        }


def tried_artefacts(source: BackupSource, log: ProvenLog) -> list[TriedArtefact]:
    """The artefacts of `source`, newest first. Raises Unavailable where they cannot be listed."""
    entries = log.entries(source.name)
    return [_tried(artefact, entries) for artefact in source.artefacts()]


def _tried(artefact: Artefact, entries: Sequence[ProvenEntry]) -> TriedArtefact:
    tries = tries_of(entries, artefact.id, created_at=artefact.created_at)
    entry = last_try(tries, artefact.id, created_at=artefact.created_at)
    later = tries[-1] if tries and tries[-1] is not entry else None
    return TriedArtefact(artefact, entry, later)


def store_of_source(
    source: BackupSource, artefacts: Sequence[TriedArtefact], setting: str
) -> BackupStore:
    """The same artefacts as a store that can be judged. restic says the sizes of the newest two."""
    if setting.startswith(PREFIX):
        return restic_store(setting.removeprefix(PREFIX))
    rows = [tried.artefact for tried in artefacts]
    entries = tuple(StoreEntry(a.id, a.created_at, a.bytes, a.kind) for a in rows)
    return BackupStore(source.where, entries)


def proven_restore(
    log: ProvenLog, source: str, *, kind: str, environment: str | None
) -> ProvenRestore | None:
    """The last proven restore of a source, as the posture judges it; None where there is none.

    It was of this very backup at its true size, so it counts for the `kind` of its target.
    """
    newest = log.newest_proven(source)
    if newest is None:
        return None
    return ProvenRestore(
        kind=kind,
        run=newest.run or newest.artefact,
        outcome=Outcome.PASS,
        seconds=newest.recovery_s,
        at=newest.proven_at,
        environment=environment or source,
        backup=newest.artefact,
        others=tuple(
            dict.fromkeys(
                entry.artefact
                for entry in log.entries(source)
                if newest.run and entry.run == newest.run and not entry.is_proven
            )
        ),
    )


def _percent(share: float) -> str:
    return f"{int(share * 1000 + 1e-6) / 10:g} %"  # rounded down: 99.97 % are not all


def _ago_of(entry: ProvenEntry, now: datetime) -> str:
    return _ago((now - parse_time(entry.proven_at)).total_seconds())


def _ago(seconds: float) -> str:
    if seconds < 90:
        return "just now"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min ago"
    if seconds < 2 * DAY_S:
        return f"{seconds / 3600:.0f} h ago"
    return f"{int(seconds // DAY_S)} days ago"
