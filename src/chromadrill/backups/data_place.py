"""Whether a path is a data directory, and which one nearby was meant where it is none."""

from __future__ import annotations

import contextlib
import difflib
import os
import shlex
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from chromadrill.backups import manifest
from chromadrill.backups.export.formats import SUFFIXES
from chromadrill.core.errors import Unavailable

DATABASE = "chroma.sqlite3"
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2")
_MOST = 1000  # entries of a folder that are looked at
_DEEPEST = 4  # folders between a folder and a store in it


def data_directory(path: Path) -> Path:
    """`path`, or the `data` folder in it where `path` is one of our backups."""
    if manifest.is_there(path) and (path / "data").is_dir():
        return path / "data"
    return path


def require_store(path: Path) -> None:
    """Raise Unavailable, with the nearest directory that is one, unless `path` holds a database."""
    if (reason := why_no_store(path)) is not None:
        raise Unavailable(f"{path} {reason}", next_step=nearest(path))


def why_no_store(path: Path) -> str | None:
    """What is wrong with `path` as a data directory; None where it is one."""
    if (data_directory(path) / DATABASE).exists():
        return None
    if not path.exists():
        return "does not exist."
    if not path.is_dir():
        return "is a file; --path names a data directory."
    return f"is no data directory of Chroma: it holds no {DATABASE}."


def is_packed(path: Path) -> bool:
    """Whether `path` is an archive or an export. Nothing was read of it, so nothing of it is missing."""
    return path.is_file() and path.name.lower().endswith((*SUFFIXES, *ARCHIVES, ".zip"))


def nearest(path: Path) -> str:
    """The next step after a path that is no data directory, "" where nothing is near."""
    if path.is_file() and path.name.lower().endswith(".zip"):
        return "Unpack it, and name the folder in it."
    if is_packed(path) or manifest.is_there(path):
        return f"To prove a backup: chromadrill prove {shlex.quote(str(path))}"
    if (place := _nearest(path)) is None:
        return ""
    return f"Did you mean {place if place.is_absolute() else f'./{place}'}?"


def _nearest(path: Path) -> Path | None:
    """The folder of a file, else a data directory in `path`, else one beside it."""
    if path.is_file() and (path.parent / DATABASE).is_file():
        return path.parent
    if (inside := next(_stores_below(path), None)) is not None:
        return inside
    beside = {place.name: place for place in _stores_in(path.parent)}
    close = difflib.get_close_matches(path.name, beside, n=1)
    if close:
        return beside[close[0]]
    return next(iter(beside.values())) if len(beside) == 1 else None


def _stores_in(folder: Path) -> Iterator[Path]:
    """Data directories right below `folder`; none where it cannot be listed."""
    try:
        entries = sorted(islice(folder.iterdir(), _MOST))
    except OSError:
        return
    for entry in entries:
        with contextlib.suppress(OSError):  # a folder that this user may not look into
            if (data_directory(entry) / DATABASE).is_file():
                yield entry


def _stores_below(folder: Path) -> Iterator[Path]:
    """Data directories below `folder`, the nearest first: a copy of a path has several folders above."""
    level = [folder]
    for _ in range(_DEEPEST):
        for parent in level:
            yield from _stores_in(parent)
        level = [entry for parent in level for entry in _folders_in(parent)][:_MOST]


def _folders_in(folder: Path) -> list[Path]:
    try:
        entries = list(islice(os.scandir(folder), _MOST))
    except OSError:
        return []
    return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
