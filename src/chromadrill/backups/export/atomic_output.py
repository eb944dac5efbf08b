"""An output that appears whole or not at all: written beside, flushed, renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chromadrill.backups.files import flush_folder
from chromadrill.core import process_tags
from chromadrill.core.errors import Refused, UsageError


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; it becomes `path` when all went well, else it is removed.

    Leftovers of runs that were killed are removed first: their process is gone.
    """
    for old in path.parent.glob(f".{path.name}.*.partial"):
        if process_tags.is_dead(old.name):
            _remove(old)
    partial = path.with_name(f".{path.name}.{process_tags.tag(os.getpid())}.partial")
    _remove(partial)
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        _remove(partial)
        raise
    flush_folder(path.parent)


def followed(path: Path) -> Path:
    """Return where a link leads to: it is never replaced. Raises UsageError for a loop of links."""
    try:
        return path.resolve() if path.is_symlink() else path
    except RuntimeError as error:
        raise UsageError(f"{path} is a loop of links. Name a file.") from error


def require_free(path: Path, suffix: str) -> None:
    """Raise before any work is done: a folder (`suffix` "") must be new, a file a regular one."""
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: no such folder.")
    if suffix and path.exists() and not path.is_file():
        raise Refused(f"{path} is not a regular file. Nothing was written.")
    if not suffix and path.exists():
        raise Refused(f"{path} exists already. It was not touched.", next_step="Name a new folder.")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
