"""Damage to a few bytes of a file, in place."""

from __future__ import annotations

from pathlib import Path


def patch(path: Path, offset: int, data: bytes) -> None:
    """Overwrite a few bytes of a file in place."""
    with path.open("r+b") as handle:
        handle.seek(offset)
        handle.write(data)


def flip_bit(path: Path, offset: int, bit: int = 0) -> None:
    """Flip one bit of a file in place."""
    with path.open("r+b") as handle:
        handle.seek(offset)
        byte = handle.read(1)
        handle.seek(offset)
        handle.write(bytes([byte[0] ^ (1 << bit)]))


def cut(path: Path, size: int) -> None:
    """Cut a file to `size` bytes."""
    with path.open("r+b") as handle:
        handle.truncate(size)


def swap_files(one: Path, two: Path) -> None:
    """Exchange the content of two files."""
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
