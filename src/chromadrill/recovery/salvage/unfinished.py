"""The folder that a new data directory grows in: it is one run's, and no other run removes it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chromadrill.core.errors import Refused

SUFFIX = ".unfinished"


def require_new(into: Path) -> Path:
    """Return the folder's name. Raises Refused where `into` exists, or what a run has begun of it."""
    unfinished = into.with_name(into.name + SUFFIX)
    if into.exists():
        raise Refused(f"{into} exists already. It was not touched.", next_step="Name a new one.")
    if unfinished.exists():
        raise _begun(unfinished)
    return unfinished


@contextmanager
def unfinished_folder(into: Path) -> Iterator[Path]:
    """Make the folder, empty, and those it lies in; what gets no other name is removed in the end.

    Killed, a run leaves its name, which says so. Raises Refused as `require_new` does.
    """
    unfinished = require_new(into)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    try:
        unfinished.mkdir()
    except FileExistsError as error:
        raise _begun(unfinished) from error
    own = unfinished.stat()
    try:
        yield unfinished
    finally:
        with suppress(OSError):
            if os.path.samestat(own, unfinished.stat()):
                shutil.rmtree(unfinished, ignore_errors=True)


def _begun(unfinished: Path) -> Refused:
    return Refused(
        f"{unfinished} exists: an earlier run was cut off, or another one has it. Nothing was touched.",
        next_step=f"If none runs, remove it: rm -r {unfinished}",
    )
