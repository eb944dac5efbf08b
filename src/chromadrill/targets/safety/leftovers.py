"""Names of what a run makes, and which of them a dead run left: found by the name alone.

    drill-<UTC time>-<host>-<pid>-<random>-<what>

Nothing else is on the server to tell, and a marker of its own could be lost with it.
"""

from __future__ import annotations

import os
import socket
import uuid
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.run_names import RUN_NAME
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.targets.safety.owned_data import everything

# no drill takes so long: what is older is of a run that is dead, on whatever machine it ran
LONGEST = timedelta(hours=24)


def new_run() -> str:
    """What comes between `drill-` and the last part of every name that this run makes."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}-{host()}-{os.getpid()}-{uuid.uuid4().hex[:4]}"


def host() -> str:
    """Four digits that say where a process id means this very process: of the machine's name (not
    the name itself, which others shall not read), its boot, and the container's own numbering.
    """
    where = (socket.gethostname(), _boot(), _numbering())
    return f"{zlib.crc32(' '.join(where).encode()) & 0xFFFF:04x}"


def _boot() -> str:
    """After a reboot a process id means another process. Empty where the kernel does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _numbering() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def dead(name: str, *, now: datetime, here: str, alive: Callable[[int], bool]) -> bool | None:
    """Whether the run that made a collection of this name is dead; None: not a run's name."""
    found = RUN_NAME.fullmatch(name)
    if found is None:
        return None
    try:
        made = datetime.strptime(found["time"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    if now - made > LONGEST:
        return True
    return found["host"] == here and not alive(int(found["pid"]))


def find(chroma: Chroma, scopes: Sequence[Scope]) -> list[CollectionInfo]:
    """Collections that dead runs left behind."""
    now, here = datetime.now(UTC), host()
    return [
        each
        for each in everything(chroma, scopes)
        if dead(each.name, now=now, here=here, alive=alive) is True
    ]


def sweep(chroma: Chroma, scopes: Sequence[Scope]) -> list[str]:
    """Remove them; returns their keys. Removed meanwhile by another sweep is fine."""
    gone = []
    for each in find(chroma, scopes):
        try:
            chroma.delete_collection(each.scope, each.name)
        except CallFailed as error:
            if error.status != 404:
                raise
        gone.append(each.key)
    return gone


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
