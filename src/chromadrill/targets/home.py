"""A home: the directory of a target's files. A marker in it says that it is ours."""

from __future__ import annotations

import json
import random
import re
import socket
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.protocols import Target

MARKER = "chromadrill-home.json"
_PORTS = range(20_000, 32_768)
HOMES = Path(".chromadrill")
SAFETY_FOLDER = "rails"  # of the safety rules; homes of older versions have it under this name


def claim(home: Path, folders: Sequence[str]) -> None:
    """Make `home` ours, with `folders` in it; raises Refused where anything foreign lies in it."""
    marker = home / MARKER
    if home.exists() and not marker.is_file():
        if not home.is_dir():
            raise Refused(f"{home} is not a directory.")
        if any(home.iterdir()):
            raise Refused(
                f"{home} is not empty and not a chromadrill home; nothing was touched.",
                next_step=f"Name an empty directory, or one with {MARKER} in it.",
            )
    try:
        for folder in folders:
            (home / folder).mkdir(parents=True, exist_ok=True)
        if not marker.is_file():
            content = {"port": free_port(), "created": time.time(), "id": uuid.uuid4().hex[:12]}
            marker.write_text(json.dumps(content))
    except OSError as error:
        raise Refused(f"{home}: {error.strerror}.") from error


def home_of(target: Target) -> Path:
    """Where the safety rules keep what they know of a target, on this machine; created if missing.

    Raises Refused for a directory that is somebody else's.
    """
    is_our_class = type(target).__module__.startswith("chromadrill.")
    home = getattr(target, "home", None) if is_our_class else None
    if not isinstance(home, Path):
        home = HOMES / re.sub(r"[^A-Za-z0-9._-]+", "-", target.name)
    claim(home, (SAFETY_FOLDER,))
    return home


def port_of(home: Path) -> int:
    """Chosen once for a home, so that the URL outlives a restart."""
    return int(json.loads((home / MARKER).read_text())["port"])


def id_of(home: Path) -> str:
    """What the things outside of the home (container, volume) are called by."""
    return str(json.loads((home / MARKER).read_text())["id"])


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now.

    Not one of those that the kernel gives to calls of its own accord (from 32768, as a rule): while the
    server is stopped, some client's connection could have it.
    """
    for port in [*random.sample(_PORTS, 100), 0]:
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return int(listener.getsockname()[1])
    raise Unavailable("No port of 127.0.0.1 is free.")
