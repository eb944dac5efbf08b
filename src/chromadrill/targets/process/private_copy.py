"""Serve a private copy of a data directory: the original is never opened by a server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chromadrill.backups.files import require_room
from chromadrill.chroma.at_rest.database import names_a_file
from chromadrill.core import process_tags
from chromadrill.core.files import forget_cached, size_of
from chromadrill.core.model import Scope
from chromadrill.core.stopwatch import Stopwatch, timed
from chromadrill.targets.process.target import ProcessTarget

STARTUP_S = 30.0
# a server reads a whole index before it answers: 3 GB took 15 s beside sixteen other processes
LOADED_BYTES_PER_S = 20e6
PREFIX = "chromadrill-served-"
COPIED = "copied"


@contextmanager
def private_copy(
    data: Path, scopes: Sequence[Scope], clock: Stopwatch | None = None
) -> Iterator[ProcessTarget]:
    """A stopped `process` target on a copy of `data`; removed afterwards.

    `clock`: times the copying, as phase "copied". Raises Refused when there is no room for the copy.
    """
    with scratch_target(scopes, room_for=size_of(data)) as target:
        if clock is not None:
            forget_cached(data)
        with timed(clock, COPIED):
            _copy(data, target.data, ())
        yield target


@contextmanager
def scratch_target(
    scopes: Sequence[Scope], *, room_for: int, request_bytes: int | None = None
) -> Iterator[ProcessTarget]:
    """A stopped `process` target on an empty volume; removed afterwards. See there: `request_bytes`.

    Raises Refused unless there is room for so many bytes.
    """
    process_tags.sweep_folders(PREFIX)
    scratch = process_tags.new_folder(PREFIX)
    try:
        require_room(scratch, room_for)
        target = ProcessTarget(
            scratch / "home",
            name="copy",
            owner=os.getpid(),
            startup_s=STARTUP_S + room_for / LOADED_BYTES_PER_S,
            scopes=scopes,
            request_bytes=request_bytes,
        )
        try:
            yield target
        finally:
            target.kill()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _copy(source: Path, into: Path, above: tuple[Path, ...]) -> None:
    """Files and folders, links followed but not in circles.

    Special files (pipes, sockets, devices) are left out: opening one may wait for ever. So is a journal
    that names another file: a server on the copy would remove that.
    """
    real = source.resolve()
    if real in above:
        return
    into.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_dir():
            _copy(path, into / path.name, (*above, real))
        elif path.is_file() and not (path.name.endswith("-journal") and names_a_file(path)):
            shutil.copyfile(path, into / path.name)
