"""Who else has the directory: what somebody writes to cannot be salvaged."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from chromadrill.core.errors import Refused


def refuse_in_use(path: Path) -> None:
    """Raise Refused where another process of this machine has a file of the directory open."""
    for process in _users_of(path):
        raise Refused(
            f"{path} is in use: process {process.pid} ({process.info['name']}) has files of it open."
            " Nothing was read.",
            next_step="Stop the server, or salvage a copy of the directory.",
        )


def _users_of(path: Path) -> Iterator[psutil.Process]:
    folder = path.resolve()
    for process in psutil.process_iter(["name"]):
        if process.pid == os.getpid():
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if any(Path(file.path).is_relative_to(folder) for file in process.open_files()):
                yield process
