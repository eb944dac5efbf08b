"""`evidence.jsonl`: one line an event, written as it happens, never changed."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import orjson

from chromadrill.core.clock import now, utc_now
from chromadrill.core.files import write_atomic
from chromadrill.core.model import JSON
from chromadrill.core.redaction import redact, secrets_of
from chromadrill.core.renamed import LEDGER_EVENTS


class Ledger:
    """Appends events; each has `event`, `at` (UTC), `t` (monotonic seconds) and its own fields.

    What was a secret once is masked from then on, also when its variable is gone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._secrets = set(secrets_of())
        self._lock = threading.Lock()

    def write(self, event: str, **fields: Any) -> None:
        line = _line({"event": event, "at": utc_now(), "t": round(now(), 6), **fields})
        with self._lock, self.path.open("ab") as file:
            self._secrets.update(secrets_of())  # a target's become known when it opens
            file.write(redact(line, self._secrets) + b"\n")

    def mask_late_secrets(self) -> None:
        """Mask in what is written already what became known as a secret since."""
        with self._lock:
            self._secrets.update(secrets_of())
            before = self.path.read_bytes()
            after = redact(before, self._secrets)
            if after != before:
                write_atomic(self.path, after)


def _line(event: JSON) -> bytes:
    option = orjson.OPT_SERIALIZE_NUMPY
    try:
        return orjson.dumps(event, option=option, default=str)
    except TypeError:  # a path that is no UTF-8, which no JSON can hold
        return orjson.dumps(_printable(event), option=option, default=lambda v: _printable(str(v)))


def _printable(value: Any) -> Any:
    """The same with every byte that is no UTF-8 written out, as `\\udcfc`."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_printable(key): _printable(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(below) for below in value]
    return value


def read(path: Path) -> list[JSON]:
    """All whole events of a ledger, by their names of today; a line cut by a crash is left out."""
    events = []
    for line in path.read_bytes().splitlines():
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError:
            break
        if not (isinstance(event, dict) and isinstance(event.get("event"), str)):
            break  # nobody of ours wrote it: what follows proves nothing
        events.append({**event, "event": LEDGER_EVENTS.get(event["event"], event["event"])})
    return events
