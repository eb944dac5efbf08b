"""The checksum of a whole Parquet file, kept inside it.

Parquet readers want the footer last, so nothing can follow it. The footer's JSON value under the
key `chromadrill` ends in "sha256":"<64 digits>". The digits are the SHA-256 of the file with 64 zeros
in their place. The last such text in the footer is the one: nothing after it holds users' text. Names
and statistics, which might hold the same text, come before: the fields of a Parquet footer are written
in the order schema, row groups, key-values, creator.
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
    """Put the checksum of an unsealed file into its place, and flush the file to disk."""
    with path.open("r+b") as file:
        place = _place(file)
        sha256 = _sum_without(file, place)
        file.seek(place)
        file.write(sha256.encode())
        file.flush()
        os.fsync(file.fileno())


def verify(path: Path) -> str:
    """Return the checksum of a sealed file, in hex.

    Raises EOFError for a file without its end, ValueError for a foreign or altered one.
    """
    with path.open("rb") as file:
        place = _place(file)
        file.seek(place)
        sealed = file.read(len(UNSEALED)).decode("ascii", "replace")
        actual = _sum_without(file, place)
    if sealed != actual:
        raise ValueError(f"its checksum does not match: sealed {sealed}, got {actual}")
    return actual


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
    offset = file.read(size - 8 - start).rfind(_MARK)
    if offset < 0:
        raise ValueError("it is not a chromadrill export: Parquet, but without our seal")
    return start + offset + len(_MARK)


def _sum_without(file: BinaryIO, place: int) -> str:
    """SHA-256 of the file as if the 64 digits from byte `place` on were zeros."""
    hasher = hashlib.sha256()
    file.seek(0)
    remaining = place
    while remaining and (chunk := file.read(min(remaining, 1 << 20))):
        hasher.update(chunk)
        remaining -= len(chunk)
    file.seek(place + len(UNSEALED))
    hasher.update(UNSEALED.encode())
    while chunk := file.read(1 << 20):
        hasher.update(chunk)
    return hasher.hexdigest()
