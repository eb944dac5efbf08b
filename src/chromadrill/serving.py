"""Serve a private copy of a data directory: the original is never opened by a server."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chromadrill.backups import volume_copy
from chromadrill.model import Scope
from chromadrill.targets.process import ProcessTarget

STARTUP_S = 30.0


@contextmanager
def private_copy(data: Path, scopes: Sequence[Scope]) -> Iterator[ProcessTarget]:
    """A stopped `process` target on a copy of `data`; removed afterwards.

    Raises Refused when there is no room for the copy.
    """
    scratch = Path(tempfile.mkdtemp(prefix="chromadrill-served-"))
    try:
        volume_copy.require_room(scratch, volume_copy.size_of(data))
        target = ProcessTarget(
            scratch / "home", name="copy", owner=os.getpid(), startup_s=STARTUP_S, scopes=scopes
        )
        # special files (pipes, sockets) are not copied: opening one may wait for ever
        for path in sorted(data.rglob("*")):
            into = target.data / path.relative_to(data)
            if path.is_dir():
                into.mkdir(parents=True, exist_ok=True)
            elif path.is_file():
                shutil.copyfile(path, into)
        try:
            yield target
        finally:
            target.kill()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
