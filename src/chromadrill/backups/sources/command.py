"""A source that a command of the user's knows: `list` names the backups, `fetch {id} {into}` gets one.

`list` prints a line for each: `ID TIME [BYTES]`, or a JSON object {"id", "time", "bytes"}.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chromadrill.backups.sources.contents import locate
from chromadrill.backups.sources.outside_command import run
from chromadrill.backups.sources.source import newest_first
from chromadrill.core.clock import parse_time, time_text
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.model import JSON, Artefact
from chromadrill.core.redaction import mask_output

# an id becomes a word of a command, and may stand within `sh -c '...'`: nothing in it means anything
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@%+=,/-]*")
_SECONDS = re.compile(r"\d{9,11}(\.\d+)?")


@dataclass(frozen=True, slots=True)
class CommandSource:
    """`list_command` and `fetch_command` as drill.toml has them."""

    name: str
    list_command: str
    fetch_command: str
    timeout_s: float

    @property
    def where(self) -> str:
        return f"the command source {self.name}"

    def artefacts(self) -> list[Artefact]:
        """Newest first. Raises Unavailable where the command fails, or prints something else."""
        output = self._run("list", self.list_command)
        lines = [(n, line.strip()) for n, line in enumerate(output.splitlines(), 1) if line.strip()]
        artefacts = [self._artefact(number, line) for number, line in lines]
        ids = [artefact.id for artefact in artefacts]
        if doubled := sorted({name for name in ids if ids.count(name) > 1}):
            raise Unavailable(f"[backups.{self.name}] list: two backups are called {doubled[0]}.")
        return newest_first(artefacts)

    def size_of(self, artefact: Artefact) -> int | None:
        """What `list` says of it."""
        return artefact.bytes

    def fetch(self, artefact: Artefact, into: Path) -> Path:
        """Run `fetch`. Raises Unavailable also for a file that is smaller than `list` says."""
        self._run("fetch", self.fetch_command, into=into, id=artefact.id)
        path = locate(into, f"[backups.{self.name}] fetch {artefact.id}")
        size = path.stat().st_size
        if path.is_file() and size < (artefact.bytes or 0):
            raise Unavailable(
                f"[backups.{self.name}] fetch {artefact.id}: only a part of it came, {size:,} of"
                f" {artefact.bytes:,} bytes.",
                next_step="Is it still being uploaded, or was the download cut?",
            )
        return path

    def _run(self, key: str, command: str, *, into: Path | None = None, **values: str) -> str:
        name = f"[backups.{self.name}] {key}"
        try:
            arguments = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"{name}: {error}.") from error
        # split first: a value with a blank in it stays one word
        filled = [argument.format(**values, into=into) for argument in arguments]
        if not filled:
            raise UsageError(f"{name} is empty.")
        return run(filled, name=name, limit_s=self.timeout_s, into=into)

    def _artefact(self, number: int, line: str) -> Artefact:
        try:
            fields = _json_fields(line) if line.startswith("{") else _fields(line)
            artefact_id, time, size = fields
            return Artefact(artefact_id, _time(time), _bytes(size), "command")
        except (KeyError, ValueError, TypeError) as error:
            raise Unavailable(
                f"[backups.{self.name}] list, line {number}: {error}. Printed was:"
                f" {mask_output(line[:200])!r}.",
                next_step='Print ID TIME [BYTES], or {"id": ..., "time": ..., "bytes": ...}, a line.',
            ) from error


def _fields(line: str) -> tuple[str, str, str | None]:
    fields = line.split()
    if not 2 <= len(fields) <= 3:
        raise ValueError(f"two or three words are wanted, got {len(fields)}")
    return _require_plain(fields[0]), fields[1], fields[2] if len(fields) == 3 else None


def _json_fields(line: str) -> tuple[str, object, object]:
    row: JSON = json.loads(line)
    for key in ("id", "time"):
        if key not in row:
            raise ValueError(f"it has no {key!r}")
    return _require_plain(str(row["id"])), row["time"], row.get("bytes")


def _require_plain(artefact_id: str) -> str:
    if not _ID.fullmatch(artefact_id) or ".." in artefact_id.split("/"):
        raise ValueError(
            f"the id {mask_output(artefact_id[:80])!r} has more in it than letters, digits and"
            " _ . : @ % + = , / -"
        )
    return artefact_id


def _time(value: object) -> str:
    """ISO 8601, or seconds since 1970 as tools of platforms print them."""
    text = str(value)
    if _SECONDS.fullmatch(text):
        return time_text(datetime.fromtimestamp(float(text), UTC))
    return time_text(parse_time(text))


def _bytes(value: object) -> int | None:
    if value is None:
        return None
    size = int(str(value))
    if size < 0:
        raise ValueError(f"{size} bytes")
    return size
