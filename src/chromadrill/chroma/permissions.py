"""What this process may do on a server, and what it has to show there: the last rail before the wire.

Known by the server's origin, so that a credential goes to no other, and no code that makes a client
of its own gets past a rule. A server of which nothing was declared is ours: scratch, loopback.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from chromadrill.chroma.run_names import of_a_run
from chromadrill.core.errors import Refused
from chromadrill.core.urls import origin

MONITOR = (
    "chromadrill-monitor"  # the tenant of the monitor's one record, written with --write alone
)
READS = ("get", "query", "search", "count")
WRITES = ("add", "upsert", "update", "delete")
# the whole path, one word a step: none that climbs, is escaped, or ends in a question
_COLLECTION = re.compile(
    r"/api/v2/tenants/(?P<tenant>[^/?#]+)/databases/[^/?#]+/collections"
    r"(/(?P<which>[A-Za-z0-9._-]+)(/(?P<then>[a-z_]+))?)?"
)
_NAME = re.compile(r"[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*")  # no step upwards
# of drills, and of imports, which have another name until they are proven
OURS = ("drill-", "chromadrill-import-")


# for the commands that a drill types: where their `notes` go
NOTES_VARIABLE = "DRILL_MADE"


def _notes() -> Path | None:
    said = os.environ.get(NOTES_VARIABLE)
    return Path(said) if said else None


class ReadOnly(Refused):
    """A write on a server that is only read."""


class May(StrEnum):
    """READ: no write. OWNED: only in collections called drill-..., which this process made."""

    ANYTHING = "anything"
    OWNED = "owned"
    READ = "read"


@dataclass(slots=True)
class Access:
    """`notes`: a file that gets the id of each collection that is made there, a line each: what a
    drill and the commands it types made is known for theirs later, and by the id alone.

    `per_second`: calls at most, of all clients of this process together; None: no limit. After a
    pause `burst` of them may come at once: a look of a monitor is not held up in its middle."""

    may: May = May.ANYTHING
    secrets: Mapping[str, SecretStr] = field(default_factory=dict)
    per_second: float | None = None
    burst: int = 0
    why: str = ""
    # what this process made: id -> its path by name, since a DELETE has no id
    made: dict[str, str] = field(default_factory=dict)
    notes: Path | None = field(default_factory=_notes)
    _next: float = 0.0
    _ahead: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def headers(self) -> dict[str, str]:
        return {name: secret.get_secret_value() for name, secret in self.secrets.items()}

    def ask(self, method: str, path: str, body: Any) -> None:
        """Raise Refused for a call that is not allowed, before it is sent; wait for one's turn."""
        if self.may is not May.ANYTHING and not _reads(method, path):
            if self.may is May.READ:
                why = self.why or "this server is only read"
                raise ReadOnly(f"{why}; not sent: {method} {path}.")
            self._require_ours(method, path, body)
        with self._lock:
            if self._ahead:
                self._ahead -= 1
                return
        self._wait()

    def note(self, method: str, path: str, body: Any, said: Any) -> None:
        """What was made under our name is ours from now on, also when we have renamed it."""
        at, _, which = path.rpartition("/")
        if method == "PUT" and which in self.made and (body or {}).get("new_name"):
            self.made[which] = f"{at}/{body['new_name']}"
        if method == "DELETE":
            self.made = {id_: named for id_, named in self.made.items() if named != path}
        if method != "POST" or not path.endswith("/collections") or not isinstance(said, dict):
            return
        if str(said.get("name", "")).startswith(OURS):
            self.made[str(said.get("id"))] = f"{path}/{said['name']}"
        if self.notes:
            with self.notes.open("a", encoding="utf-8") as file:
                file.write(f"{said.get('id')}\n")

    def wait_turn(self) -> None:
        """Take the next call's turn now, so that a clock around it does not count the wait."""
        self._wait()
        if self.per_second:
            with self._lock:
                self._ahead += 1

    def _wait(self) -> None:
        if not self.per_second:
            return
        with self._lock:
            now = time.monotonic()
            mine = max(now, self._next - self.burst / self.per_second)
            self._next = max(now, self._next) + 1 / self.per_second
        time.sleep(mine - now)

    def _require_ours(self, method: str, path: str, body: Any) -> None:
        found = _COLLECTION.fullmatch(path)
        which, then = (found["which"], found["then"]) if found else (None, None)
        asked = body or {}
        if not found:
            tenant = path == "/api/v2/tenants" and asked.get("name") == MONITOR
            ours = method == "POST" and (tenant or path == f"/api/v2/tenants/{MONITOR}/databases")
        elif found["tenant"] == MONITOR:
            ours = method == "POST" and (which is None or then in WRITES)
        elif which is None:
            ours = (
                method == "POST" and _is_ours(asked.get("name")) and not asked.get("get_or_create")
            )
        elif method == "DELETE":
            # another's is not ours for being called drill-...
            ours = then is None and (path in self.made.values() or of_a_run(str(which)))
        elif method == "PUT":
            new = asked.get("new_name")
            ours = then is None and which in self.made and (new is None or _is_ours(new))
        else:
            ours = which in self.made and then in WRITES
        if not ours:
            raise Refused(
                f"{method} {path}: only collections called drill-<run>-... are made, written and"
                f" removed here{': ' + self.why if self.why else ''}."
            )


_DECLARATIONS: dict[str, Access] = {}


def declare(url: str, access: Access) -> None:
    """Bind all later clients of the server at `url` to `access`; the latest declaration counts."""
    _DECLARATIONS[origin(url)] = access


def declarations() -> dict[str, Access]:
    """Return what is declared now: a server's origin -> the access to it."""
    return dict(_DECLARATIONS)


def forget() -> None:
    """Drop every declaration, as a new process has none."""
    _DECLARATIONS.clear()


def access_to(url: str) -> Access:
    """Return what is declared of the server at `url`; an unrestricted Access where nothing is."""
    return _DECLARATIONS.get(origin(url)) or Access()


def _reads(method: str, path: str) -> bool:
    if method in ("GET", "HEAD"):
        return True
    found = _COLLECTION.fullmatch(path)
    return method == "POST" and found is not None and found["then"] in READS


def _is_ours(name: Any) -> bool:
    return isinstance(name, str) and name.startswith(OURS) and bool(_NAME.fullmatch(name))
