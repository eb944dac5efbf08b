"""Files: how large they are, and how they are replaced whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; one that goes meanwhile counts nothing."""
    if path.is_file():
        return path.stat().st_size
    total = 0
    for folder, _, names in os.walk(path):  # `rglob` fails where a folder goes meanwhile
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # a journal comes and goes
                total += (Path(folder) / name).stat().st_size
    return total


def remove_tree(folder: Path) -> None:
    """Remove a folder of ours with all that is in it, read-only folders too; errors are left alone.

    restic and tar give restored folders the modes of the original, which need not let us delete in them.
    """
    for parent, names, _ in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            if not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def forget_cached(path: Path) -> None:
    """Drop what the kernel has cached of these files: the next to read them waits for the disk.

    A restore that is timed after its files were checked would be faster than that of on-call. Where
    the system knows no such call, nothing is done.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    for file in [path] if path.is_file() else path.rglob("*"):
        with contextlib.suppress(OSError):
            if file.is_file():
                handle = os.open(file, os.O_RDONLY)
                try:
                    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(handle)


def write_atomic(path: Path, content: str | bytes) -> None:
    """Give `path` this content, whole or not at all: somebody may read it at any time."""
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def atomic_file(path: Path, *, private: bool = False, new: bool = False) -> Iterator[IO[bytes]]:
    """A new file beside `path`, which takes its place when all went well and is removed otherwise.

    `private`: for its owner alone, and on the disk before it takes the name. `new`: raises
    FileExistsError where the name was taken by then, also by another process.
    """
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            if private:
                file.flush()
                os.fsync(file.fileno())
        if (
            new
        ):  # the name first, by a call that one process alone can win; not every disk has links
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
