"""The checksum of a whole Parquet file, kept inside it.

Parquet readers want the footer last, so nothing can follow it. The footer's JSON value under the
key `chromadrill` ends in "sha256":"<64 digits>"; the digits are those of the file's SHA-256 with 64
zeros in their place. Nothing after it in the footer holds users' text, so the last such text in
the footer is the one: names and statistics, which might hold the same, come before (the fields of
a Parquet footer are written in order: schema, row groups, key-values, creator).
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

KEY = "chromadrill"
UNSEALED = "0" * 64
_MAGIC = b"PAR1"
_LONGEST = 256 << 20  # bytes of a footer: it is read at once
_MARK = b'"sha256":"'


def patch(path: Path) -> None:
    """Put the checksum of an unsealed file into its place, and flush it to disk."""
    with path.open("r+b") as file:
        at = _place(file)
        sha256 = _sum_without(file, at)
        file.seek(at)
        file.write(sha256.encode())
        file.flush()
        os.fsync(file.fileno())


def verify(path: Path) -> str:
    """The checksum of a sealed file.

    Raises EOFError for a file without its end, ValueError for a foreign or altered one.
    """
    with path.open("rb") as file:
        at = _place(file)
        file.seek(at)
        said = file.read(len(UNSEALED)).decode("ascii", "replace")
        got = _sum_without(file, at)
    if said != got:
        raise ValueError(f"its checksum does not match: sealed {said}, got {got}")
    return got


def _place(file: BinaryIO) -> int:
    """The byte at which the digits of the checksum begin."""
    if file.read(4) != _MAGIC:
        raise ValueError("it is not a chromadrill export: it does not begin as Parquet")
    size = file.seek(0, os.SEEK_END)
    file.seek(max(4, size - 8))
    tail = file.read()
    if len(tail) < 8 or tail[4:] != _MAGIC:
        raise EOFError("it does not end as Parquet")
    start = size - 8 - int.from_bytes(tail[:4], "little")
    if start < 4 or size - start > _LONGEST:
        raise ValueError("it was altered: its footer is longer than the file, or than any of ours")
    file.seek(start)
    found = file.read(size - 8 - start).rfind(_MARK)
    if found < 0:
        raise ValueError("it is not a chromadrill export: Parquet, but without our seal")
    return start + found + len(_MARK)


def _sum_without(file: BinaryIO, at: int) -> str:
    """SHA-256 of the file as if the 64 digits from byte `at` were zeros."""
    hasher = hashlib.sha256()
    file.seek(0)
    left = at
    while left and (chunk := file.read(min(left, 1 << 20))):
        hasher.update(chunk)
        left -= len(chunk)
    file.seek(at + len(UNSEALED))
    hasher.update(UNSEALED.encode())
    while chunk := file.read(1 << 20):
        hasher.update(chunk)
    return hasher.hexdigest()
