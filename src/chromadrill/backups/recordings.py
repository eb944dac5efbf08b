"""The folder of recordings: fingerprints of production from before and after each backup.

20261129T020000Z.fingerprint    one of 02:00 UTC, when its reading began; `-2` where two began then

Nothing else in the folder is touched. Fingerprints of other names there are used, and never removed.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chromadrill.chroma.fingerprint import fingerprint_file
from chromadrill.chroma.fingerprint.fingerprint_file import SUFFIX, FingerprintRefused
from chromadrill.core.clock import compact_time, parse_time
from chromadrill.core.model import Fingerprint

LEAST_KEPT = 2  # however old: the newest backup lies between them
PARTIAL = timedelta(days=1)  # a file whose writer was killed so long ago is of no use to anybody
_OURS = re.compile(r"\d{8}T\d{6}Z(-\d+)?" + re.escape(SUFFIX))
_PARTIAL = re.compile(r"\." + _OURS.pattern + r"\.[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of recordings: every record in it is from some time between the two, in UTC."""

    path: Path
    taken_at: datetime
    finished_at: datetime

    def load(self) -> Fingerprint:
        """Return the fingerprint with its records. Raises FingerprintRefused."""
        return fingerprint_file.load(self.path)


class Recordings:
    """The recordings of one source of backups, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[Recording]:
        """Return every recording, oldest first, by reading heads alone; what is none is left out."""
        recordings = [one for _, one in self._files() if one is not None]
        return sorted(recordings, key=lambda one: (one.taken_at, one.finished_at, one.path))

    def unreadable(self) -> list[Path]:
        """Return the files that are named as recordings and are none."""
        return [path for path, one in self._files() if one is None]

    def around(
        self, begun_at: datetime, ended_at: datetime | None = None
    ) -> tuple[Recording | None, Recording | None]:
        """Return the recordings on both sides of a backup, None where there is none on that side.

        The first had finished before the backup began, and the second began after it ended (default:
        the time that it began). A recording under way meanwhile is on neither side. A time of whole
        seconds stands for the whole second.
        """
        recordings = self.all()
        ended_at = ended_at or begun_at
        if not ended_at.microsecond:
            ended_at += timedelta(seconds=1)
        before = [one for one in recordings if one.finished_at <= begun_at]
        after = [one for one in recordings if one.taken_at >= ended_at]
        return (
            max(before, key=lambda one: one.finished_at, default=None),
            after[0] if after else None,
        )

    def keep(self, fingerprint: Fingerprint) -> Recording:
        """Write a fingerprint, whole or not at all, for its owner alone. Raises OSError."""
        start = compact_time(parse_time(fingerprint.taken_at))
        for number in itertools.count(1):
            path = self.folder / f"{start}{f'-{number}' if number > 1 else ''}{SUFFIX}"
            if path.exists():
                continue
            with contextlib.suppress(FileExistsError):  # another process took the name meanwhile
                fingerprint_file.save(fingerprint, path, new=True)
                return _recording(path, fingerprint)
        raise AssertionError("numbers do not end")

    def expire(self, days: float, now: datetime | None = None) -> list[Path]:
        """Remove the recordings that finished more than `days` ago; return their paths.

        The newest ones stay however old they are, and so does what no recording wrote.
        """
        now = now or datetime.now(UTC)
        limit = now - timedelta(days=days)
        ours = [one for one in self.all() if _OURS.fullmatch(one.path.name)]
        old = [one.path for one in ours[:-LEAST_KEPT] if one.finished_at < limit]
        for path in old:
            path.unlink(missing_ok=True)  # two may expire at once
        for path in self.folder.glob(f".*{SUFFIX}.*"):
            if _PARTIAL.fullmatch(path.name) and _changed_at(path) < now - PARTIAL:
                path.unlink(missing_ok=True)
        return old

    def _files(self) -> Iterator[tuple[Path, Recording | None]]:
        for path in sorted(self.folder.glob(f"[!.]*{SUFFIX}")):
            try:
                yield path, _recording(path, fingerprint_file.load_head(path))
            except (FingerprintRefused, ValueError):
                yield path, None


def _recording(path: Path, fingerprint: Fingerprint) -> Recording:
    """Raises ValueError for times that are none."""
    taken_at = parse_time(fingerprint.taken_at)
    finished_at = parse_time(fingerprint.finished_at) if fingerprint.finished_at else taken_at
    return Recording(path, taken_at, finished_at)


def _changed_at(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return datetime.now(UTC)
