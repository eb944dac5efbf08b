"""What this process may do on a server, and the headers it sends there: the last check before the wire.

A server is known by its origin and path (`urls.server_key`), so that a credential goes to no other
server, and so that no code which makes a client of its own gets past a rule. A server of which
nothing was declared is ours: scratch, loopback.
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

from chromadrill.chroma.run_names import is_run_name
from chromadrill.core.errors import Forbidden
from chromadrill.core.redaction import hide_secret
from chromadrill.core.urls import server_key

# the tenant of the monitor's one record, which is written with --write only
MONITOR = "chromadrill-monitor"
READS = ("get", "query", "search", "count")
REPEATABLE = ("upsert", "update", "delete")
WRITES = ("add", "upsert", "update", "delete")
# the whole path, one name a segment: none that climbs, is escaped, or ends in a question
_COLLECTION = re.compile(
    r"/api/v2/tenants/(?P<tenant>[^/?#]+)/databases/[^/?#]+/collections"
    r"(/(?P<which>[A-Za-z0-9._-]+)(/(?P<action>[a-z_]+))?)?"
)
_NAME = re.compile(r"[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*")  # no step upwards
# of drills, and of imports, which have another name until they are proven
OURS = ("drill-", "chromadrill-import-")

# for the commands that a drill types: the file of their `notes`
NOTES_VARIABLE = "DRILL_CREATED_IDS"


def _notes() -> Path | None:
    path = os.environ.get(NOTES_VARIABLE)
    return Path(path) if path else None


class ReadOnly(Forbidden):
    """A write on a server that is read-only."""


class Permission(StrEnum):
    """READ: no write. OWNED: only in collections called drill-..., which this process created."""

    ANYTHING = "anything"
    OWNED = "owned"
    READ = "read"


@dataclass(slots=True)
class Access:
    """The access of this process to one server.

    `secrets`: headers by name, sent with every call. `why`: the reason of a refusal, for its message.
    `per_second`: calls at most, of all clients of this process together; None: no limit. After a
    pause `burst` of them may come at once, so that a round of a monitor is not held up in its middle.
    `notes`: a file that gets the id of each collection that is created there, one a line. By these
    ids alone a later run knows what a drill and the commands it types created.
    """

    permission: Permission = Permission.ANYTHING
    secrets: Mapping[str, SecretStr] = field(default_factory=dict)
    per_second: float | None = None
    burst: int = 0
    why: str = ""
    # what this process created: id -> its path by name, since a DELETE has no id
    created: dict[str, str] = field(default_factory=dict)
    notes: Path | None = field(default_factory=_notes)
    _next: float = 0.0
    _ahead: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def headers(self) -> dict[str, str]:
        """Return the headers of every call, secrets in clear text."""
        return {name: secret.get_secret_value() for name, secret in self.secrets.items()}

    def require_allowed(self, method: str, path: str, body: Any) -> None:
        """Raise Refused for a call that is not allowed, before it is sent."""
        if self.permission is Permission.ANYTHING or is_read(method, path):
            return
        if self.permission is Permission.READ:
            why = self.why or "this server is only read"
            raise ReadOnly(f"{why}; not sent: {method} {path}.")
        self._require_ours(method, path, body)

    def take_turn(self) -> None:
        """Wait for the turn of a call, unless `take_turn_ahead` has taken it already."""
        with self._lock:
            if self._ahead:
                self._ahead -= 1
                return
        self._wait()

    def take_turn_ahead(self) -> None:
        """Take the next call's turn now, so that a clock around the call does not count the wait."""
        self._wait()
        if self.per_second:
            with self._lock:
                self._ahead += 1

    def record(self, method: str, path: str, body: Any, answer: Any) -> None:
        """Note what a call that succeeded created, renamed or deleted.

        What was created under our name is ours from then on, also when we have renamed it.
        """
        parent, _, which = path.rpartition("/")
        if method == "PUT" and which in self.created and (body or {}).get("new_name"):
            self.created[which] = f"{parent}/{body['new_name']}"
        if method == "DELETE":
            self.created = {
                id_: by_name for id_, by_name in self.created.items() if by_name != path
            }
        if method != "POST" or not path.endswith("/collections") or not isinstance(answer, dict):
            return
        if str(answer.get("name", "")).startswith(OURS):
            self.created[str(answer.get("id"))] = f"{path}/{answer['name']}"
        if self.notes:
            with self.notes.open("a", encoding="utf-8") as file:
                file.write(f"{answer.get('id')}\n")

    def _wait(self) -> None:
        if not self.per_second:
            return
        with self._lock:
            now = time.monotonic()
            mine = max(now, self._next - self.burst / self.per_second)
            self._next = max(now, self._next) + 1 / self.per_second
        time.sleep(mine - now)

    def _require_ours(self, method: str, path: str, body: Any) -> None:
        match = _COLLECTION.fullmatch(path)
        which, action = (match["which"], match["action"]) if match else (None, None)
        content = body or {}
        if not match:
            tenant = path == "/api/v2/tenants" and content.get("name") == MONITOR
            ours = method == "POST" and (tenant or path == f"/api/v2/tenants/{MONITOR}/databases")
        elif match["tenant"] == MONITOR:
            ours = method == "POST" and (which is None or action in WRITES)
        elif which is None:
            new = _is_ours(content.get("name")) and not content.get("get_or_create")
            ours = method == "POST" and new
        elif method == "DELETE":
            # another's is not ours for being called drill-...
            known = path in self.created.values() or is_run_name(str(which))
            ours = action is None and known
        elif method == "PUT":
            name = content.get("new_name")
            ours = action is None and which in self.created and (name is None or _is_ours(name))
        else:
            ours = which in self.created and action in WRITES
        if not ours:
            raise Forbidden(
                f"{method} {path}: only collections called drill-<run>-... may be created, written and"
                f" removed here{': ' + self.why if self.why else ''}."
            )


_DECLARATIONS: dict[str, Access] = {}


def declare(url: str, access: Access) -> None:
    """Bind all later clients of the server at `url` to `access`; the latest declaration counts.

    The values of its headers are masked from then on: a gateway may quote them in an answer.
    """
    for secret in access.secrets.values():
        hide_secret(secret.get_secret_value())
    _DECLARATIONS[server_key(url)] = access


def declarations() -> dict[str, Access]:
    """Return what is declared now: a server's key -> the access to it."""
    return dict(_DECLARATIONS)


def forget() -> None:
    """Drop every declaration, as a new process has none."""
    _DECLARATIONS.clear()


def access_to(url: str) -> Access:
    """Return what is declared of the server at `url`; an unrestricted Access where nothing is."""
    return _DECLARATIONS.get(server_key(url)) or Access()


def is_read(method: str, path: str) -> bool:
    """Whether a call changes nothing on the server: it may be sent twice."""
    if method in ("GET", "HEAD"):
        return True
    match = _COLLECTION.fullmatch(path)
    return method == "POST" and match is not None and match["action"] in READS


def is_repeatable(method: str, path: str) -> bool:
    """Whether a call sent twice leaves the same as one sent once: reads, and writes of named records."""
    if is_read(method, path):
        return True
    match = _COLLECTION.fullmatch(path)
    return method == "POST" and match is not None and match["action"] in REPEATABLE


def _is_ours(name: Any) -> bool:
    return isinstance(name, str) and name.startswith(OURS) and bool(_NAME.fullmatch(name))
