"""A home: the directory of a server that chromadrill runs. A marker in it says that it is ours."""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from chromadrill.core.errors import Refused

MARKER = "chromadrill-home.json"


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
        for each in folders:
            (home / each).mkdir(parents=True, exist_ok=True)
        if not marker.is_file():
            content = {"port": free_port(), "created": time.time(), "id": uuid.uuid4().hex[:12]}
            marker.write_text(json.dumps(content))
    except OSError as error:
        raise Refused(f"{home}: {error.strerror}.") from error


def port_of(home: Path) -> int:
    """Chosen once for a home, so that the URL outlives a restart."""
    return int(json.loads((home / MARKER).read_text())["port"])


def id_of(home: Path) -> str:
    """What the things outside of the home (container, volume) are called by."""
    return str(json.loads((home / MARKER).read_text())["id"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
