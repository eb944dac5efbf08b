"""A file as a stream of bytes, plain or zstd: written private and durable, read in bounded memory."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import BinaryIO

import zstandard

# zstd packs up to 32,768:1, and a step is unpacked whole: 2 KiB can become 64 MiB, no more
_STEP = 2 << 10


def create(path: Path) -> BinaryIO:
    """Open for writing, readable by its owner alone when it is new."""
    return path.open("wb") if path.exists() else os.fdopen(_private(path), "wb")


def _private(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)


def packed(file: BinaryIO) -> BinaryIO:
    """A stream that packs what is written to it into `file`; closing it leaves `file` open."""
    packer = zstandard.ZstdCompressor(level=3, write_checksum=True)
    return io.BufferedWriter(packer.stream_writer(file, closefd=False), 1 << 20)  # type: ignore


def reopen(path: Path, *, zst: bool, at: int = 0) -> BinaryIO:
    """Open for reading from byte `at` of the unpacked stream."""
    if not zst:
        file = path.open("rb")
        file.seek(at)
        return file
    unpacked = io.BufferedReader(_Unpacked(path.open("rb")), 1 << 20)
    while at and (skipped := unpacked.read(min(at, 1 << 20))):
        at -= len(skipped)
    return unpacked


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a zstd file; raises EOFError where its last frame is cut.

    zstandard's own reader ends quietly both there and at garbage between frames.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        self._packed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            step = self._packed or self._file.read(_STEP)
            if not step:
                if self._begun and not self._frame.eof:
                    raise EOFError("its last zstd frame is cut")
                return 0
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._begun = True
            self._ready = memoryview(self._frame.decompress(step))
            self._packed = self._frame.unused_data if self._frame.eof else b""
        size = min(len(into), len(self._ready))
        into[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()
