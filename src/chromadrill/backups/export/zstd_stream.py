"""The file of an export as a stream of bytes, plain or zstd: created private, read in bounded memory."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ZstdError = zstd.ZstdError

_OPTIONS: Mapping[int, int] = {
    zstd.CompressionParameter.compression_level: 3,
    zstd.CompressionParameter.checksum_flag: 1,
}


def create(path: Path) -> BinaryIO:
    """Open for writing; a new file is readable by its owner alone."""
    return path.open("wb") if path.exists() else os.fdopen(_private(path), "wb")


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def compressor(file: BinaryIO) -> BinaryIO:
    """Return a stream that packs what is written to it into `file`; closing it leaves `file` open."""
    return cast(BinaryIO, zstd.ZstdFile(file, "w", options=_OPTIONS))


def reopen(path: Path, *, zst: bool, start: int = 0) -> BinaryIO:
    """Open for reading from byte `start` of the plain stream.

    Reads of a zstd file raise EOFError where its last frame is cut, ZstdError where it is damaged.
    """
    file = cast(BinaryIO, zstd.open(path)) if zst else path.open("rb")
    file.seek(start)
    return file
