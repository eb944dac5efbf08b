"""The fingerprints around a backup: recorded before and after it, else taken now of the live target."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chromadrill.backups.recordings import Recording, Recordings
from chromadrill.checks.suite import judge_between, outcome_of
from chromadrill.core.clock import parse_time, time_text
from chromadrill.core.errors import DrillError
from chromadrill.core.model import JSON, Artefact, Fingerprint, Observation, Outcome
from chromadrill.core.model.window import BackupWindow
from chromadrill.core.settings import BackupTable, Settings
from chromadrill.drill.recording import record_target


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`before` and `after` None: there is none on that side, and `why` says so in sentences."""

    before: Fingerprint | None
    after: Fingerprint | None
    live: bool = False
    why: tuple[str, ...] = ()

    def window(self, table: BackupTable) -> BackupWindow | None:
        """The window that they make; one of them alone is a window without an end."""
        one, other = self.before or self.after, self.after if self.before else None
        if one is None:
            return None
        return BackupWindow(
            one, other, table.least_coverage_percent / 100, table.most_unseen_percent / 100
        )

    def facts(self) -> JSON:
        """`before` and `after` as the ledger has them."""
        before = {"taken_at": self.before.taken_at, "live": False} if self.before else None
        after = {"taken_at": self.after.taken_at, "live": self.live} if self.after else None
        return {"before": before, "after": after}


def surroundings(
    settings: Settings,
    table: BackupTable,
    artefact: Artefact,
    *,
    newest_file_at: str | None,
    sealed_at: str | None,
    both_or_none: bool,
) -> Surroundings:
    """What was recorded before the backup began and after it had ended; now, where nothing was after.

    `newest_file_at`: of the files in it. `sealed_at`: when it began, as it says itself. `both_or_none`:
    it has a fingerprint of its own, and a single one beside that would tell nothing more.
    """
    why: list[str] = []
    recordings = Recordings(Path(table.recordings))
    recording, why_before = _before(recordings, artefact, newest_file_at, sealed_at)
    before, why_torn = _load(recording)
    if before is None:
        why.append(
            why_before or why_torn or f"no recording in {table.recordings} from before the backup"
        )
        if both_or_none:
            return Surroundings(None, None, why=tuple(why))
    after, why_after = _load(_after(recordings, artefact))
    if after is not None:
        return Surroundings(before, after, why=tuple(why))
    why.append(why_after or f"no recording in {table.recordings} from after the backup")
    if table.target is None:
        why.append("its table names no target to record now")
        return Surroundings(None if both_or_none else before, None, why=tuple(why))
    try:
        after = record_now(settings, table, table.target)
    except DrillError as error:
        why.append(f"{table.target} cannot be recorded now: {error}")
        return Surroundings(None if both_or_none else before, None, why=tuple(why))
    return Surroundings(before, after, live=True, why=tuple(why))


def record_now(settings: Settings, table: BackupTable, target: str) -> Fingerprint:
    """The fingerprint of the live target, read as slowly as production bears.

    It is kept among the recordings, as long as those: of the next backup it is the one from before.
    """
    fingerprint = record_target(settings, target).server.fingerprint
    recordings = Recordings(Path(table.recordings))
    with contextlib.suppress(OSError):
        recordings.keep(fingerprint)
        recordings.expire(table.keep_days)
    return fingerprint


def _before(
    recordings: Recordings, artefact: Artefact, newest_file_at: str | None, sealed_at: str | None
) -> tuple[Recording | None, str]:
    """The last one that had finished when the backup began, or why it is none of those there.

    A source may know only when the files were last written to, which is no later than that: a copy
    keeps the original's times, and of an idle database they lie long before it. Of one that was
    written to since, they are those of an old backup, which came to this place later.
    """
    came_at = artefact.begun_at or artefact.created_at
    # of a snapshot of ours the time is that of its manifest, which ends the reading after the copy;
    # of what a tool keeps, the time at which the tool was given it
    known = (artefact.created_at, newest_file_at, sealed_at)
    written_at, begun_at = (
        min(map(parse_time, (came_at, *filter(None, known)))),
        parse_time(came_at),
    )
    recording, _ = recordings.around(written_at)
    if recording is None and sealed_at is None:
        recording, _ = recordings.around(begun_at)
        if recording is not None and not _was_idle(recordings.all()[0], recording):
            return None, (
                f"every recording in {recordings.folder} is later than the newest file of the backup"
                f" ({time_text(written_at)}), and clients wrote meanwhile"
            )
    return recording, ""


def _was_idle(first: Recording, last: Recording) -> bool:
    """Whether nobody wrote between two recordings, as far as both can be read."""
    before, now = _load(first)[0], _load(last)[0]
    if first.path == last.path or before is None or now is None:
        return True
    counts = {key: collection.count for key, collection in now.collections.items()}
    verdicts, _ = judge_between(Observation(now, counts=counts), BackupWindow(before))
    return outcome_of(verdicts) is Outcome.PASS


def _after(recordings: Recordings, artefact: Artefact) -> Recording | None:
    """The first one that began when the backup had ended."""
    ends: list[datetime] = [parse_time(artefact.created_at)]
    if artefact.finished_at:
        ends.append(parse_time(artefact.finished_at))
    return recordings.around(max(ends), max(ends))[1]


def _load(recording: Recording | None) -> tuple[Fingerprint | None, str]:
    """The fingerprint, or why there is none."""
    if recording is None:
        return None, ""
    try:
        return recording.load(), ""
    except DrillError as error:
        return None, f"the recording {recording.path} cannot be read: {error}"
