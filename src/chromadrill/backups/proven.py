"""`proven.jsonl`: the memory of proven backups, one line a try, whatever its outcome.

It lies beside the journal of backups. An artefact is known by its id in its source, and by the digest
of its content: a copy under another name, or fetched again, is the same backup.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from chromadrill.core import json_lines
from chromadrill.core.clock import parse_time, utc_now
from chromadrill.core.model import JSON, Outcome

FILE = "proven.jsonl"
SAME_TIME = timedelta(seconds=1)  # stores give the time of one artefact with and without fractions
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """One try to prove an artefact of `source`.

    `digest`: of its content, "" where it never came. `coverage`: the share (0 to 1) of records that
    were proven exactly, None where nothing was compared between recordings. `created_at` (when the
    backup was made) and `proven_at` (when the try ended): ISO 8601, UTC. `recovery_s`: from the first
    byte fetched to the first stable right answer, None where there was none. `run`: id of the run.
    """

    source: str
    artefact: str
    digest: str
    outcome: Outcome
    proven_at: str
    coverage: float | None = None
    created_at: str | None = None
    bytes: int | None = None
    recovery_s: float | None = None
    run: str | None = None

    @property
    def is_proven(self) -> bool:
        """Whether the try passed."""
        return self.outcome is Outcome.PASS


def content_digest(listing: Iterable[JSON]) -> str:
    """SHA-256 of a list of files as `manifest.files_of` gives it: paths, sizes and hashes.

    One file alone has the path ".", so that its name does not count.
    """
    rows = sorted([file["path"], file["bytes"], file["sha256"]] for file in listing)
    return hashlib.sha256(orjson.dumps(rows)).hexdigest()


def log_beside(backup_journal: str) -> ProvenLog:
    """The memory beside the journal of backups (`[monitoring] backup_journal`)."""
    return ProvenLog(Path(backup_journal).with_name(FILE))


@dataclass(frozen=True, slots=True)
class ProvenLog:
    """The memory in the file `path`; no file: nothing was tried yet."""

    path: Path

    def add(self, entry: ProvenEntry) -> None:
        """Append `entry`. Raises Unavailable where the line does not fit, OSError for the file."""
        json_lines.append(self.path, asdict(entry), mode=0o600)

    def entries(self, source: str | None = None) -> list[ProvenEntry]:
        """All tries (of `source`), oldest first; a torn or foreign line is left out.

        Raises Unavailable where the file cannot be read.
        """
        lines, bad = json_lines.parse(self.path, "The memory of proven backups")
        if bad:
            LOG.warning("%s: %d unreadable lines left out: %s", self.path, len(bad), bad[:10])
        entries = [entry for line in lines if (entry := _entry(line)) is not None]
        return [entry for entry in entries if source is None or entry.source == source]

    def latest(self, source: str, key: str, *, created_at: str | None = None) -> ProvenEntry | None:
        """The try that counts of the artefact with that id or content digest, as `last_try` has it."""
        return last_try(self.entries(source), key, created_at=created_at)

    def newest_proven(self, source: str) -> ProvenEntry | None:
        """The last try of the source that passed; None where no backup of it was ever proven.

        A later try that failed takes it back: of the same content, and of the same artefact, whose
        content may have rotted since. One that could not tell takes back what was proven of the same
        artefact with other content. It says nothing of the same content, nor where none was fetched.
        """
        passed: dict[str, ProvenEntry] = {}
        for entry in self.entries(source):
            key = entry.digest or entry.artefact
            if entry.is_proven:
                passed[key] = entry
                continue
            if entry.outcome is Outcome.FAIL:
                passed.pop(key, None)
            if entry.digest:
                passed = {
                    other: one
                    for other, one in passed.items()
                    if other == key or not _is_same(one, entry)
                }
        return max(passed.values(), key=lambda entry: parse_time(entry.proven_at), default=None)

    def fleet(self, sources: Mapping[str, float]) -> list[JSON]:
        """Each of `sources` for a record: when it was last proven, and when and how it was last tried.

        `sources`: names, with the seconds within which each is to be proven again. {name,
        proven_within_s, last_proven_at, coverage (0 to 1), last_tried_at, last_outcome}; None for never.
        """
        fleet = []
        for name, within_s in sources.items():
            tries, proven = self.entries(name), self.newest_proven(name)
            last = tries[-1] if tries else None
            # the worst of a run is its outcome, whichever of its backups came last
            of_run = [
                entry.outcome
                for entry in tries
                if last and (entry is last or (last.run and entry.run == last.run))
            ]
            fleet.append(
                {
                    "name": name,
                    "proven_within_s": within_s,
                    "last_proven_at": proven and proven.proven_at,
                    "coverage": proven and proven.coverage,
                    "last_tried_at": last and last.proven_at,
                    "last_outcome": last and str(Outcome.merge(of_run)),
                }
            )
        return fleet


def last_try(
    entries: Iterable[ProvenEntry], key: str, *, created_at: str | None = None
) -> ProvenEntry | None:
    """The try that counts of those with that id or content digest; None: never tried.

    `entries`: oldest first. It is the last one that passed or failed. One that could not tell (no room,
    a password) counts only where no other did, or where it had other content than what was proven.
    `created_at`: an artefact of that id which was made at another time is another one.
    """
    counts: ProvenEntry | None = None
    for entry in tries_of(entries, key, created_at=created_at):
        if counts is None or entry.outcome is not Outcome.UNKNOWN or _tells_more(entry, counts):
            counts = entry
    return counts


def tries_of(
    entries: Iterable[ProvenEntry], key: str, *, created_at: str | None = None
) -> list[ProvenEntry]:
    """All tries of the artefact with that id or content digest, oldest first."""
    return [
        entry
        for entry in entries
        if (key and entry.digest == key) or (entry.artefact == key and _is_of(entry, created_at))
    ]


def _tells_more(unknown: ProvenEntry, counts: ProvenEntry) -> bool:
    """Whether a try that could not tell replaces the one that counts; it never replaces a failure."""
    if counts.outcome is Outcome.UNKNOWN:
        return True
    is_other = bool(unknown.digest) and unknown.digest != counts.digest
    return counts.is_proven and is_other


def remember(
    log: ProvenLog,
    *,
    source: str,
    artefact: str,
    listing: Iterable[JSON],
    outcome: Outcome,
    coverage: float | None = None,
    created_at: str | None = None,
    bytes: int | None = None,
    recovery_s: float | None = None,
    run: str | None = None,
) -> ProvenEntry:
    """Note how a try ended, now. `listing`: the artefact's files (`manifest.files_of`), [] for none."""
    files = list(listing)
    entry = ProvenEntry(
        source=source,
        artefact=artefact,
        digest=content_digest(files) if files else "",
        outcome=outcome,
        proven_at=utc_now(),
        coverage=coverage,
        created_at=created_at,
        bytes=sum(file["bytes"] for file in files) if bytes is None and files else bytes,
        recovery_s=recovery_s,
        run=run,
    )
    log.add(entry)
    return entry


def _is_same(one: ProvenEntry, other: ProvenEntry) -> bool:
    return one.artefact == other.artefact and _is_of(one, other.created_at)


def _is_of(entry: ProvenEntry, created_at: str | None) -> bool:
    if created_at is None or entry.created_at is None:
        return True
    return abs(parse_time(created_at) - parse_time(entry.created_at)) < SAME_TIME


def _entry(line: JSON) -> ProvenEntry | None:
    """The entry of a line; fields of later releases are left out. None for a line of another kind."""
    try:
        fields: dict[str, Any] = {key: line.get(key) for key in ProvenEntry.__dataclass_fields__}
        parse_time(fields["proven_at"], require_zone=True)
        if fields["created_at"] is not None:
            parse_time(fields["created_at"])
        texts = (fields["source"], fields["artefact"], fields["digest"])
        numbers = (fields["coverage"], fields["bytes"], fields["recovery_s"])
        if not all(isinstance(text, str) for text in texts):
            return None
        if not all(n is None or isinstance(n, (int, float)) for n in numbers):
            return None
        return ProvenEntry(**{**fields, "outcome": Outcome(fields["outcome"])})
    except (ValueError, TypeError, AttributeError):
        return None
