"""The fingerprint of what is healthy: a running server, or a directory that holds its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chromadrill.chroma.fingerprint import at_rest, live
from chromadrill.core.model import Fingerprint, Scope
from chromadrill.drill.connection import connect


def take_fingerprint(source: str | Path, scopes: Sequence[Scope]) -> Fingerprint:
    """The fingerprint of a healthy server (the scopes) or of a sound directory (all of it)."""
    if isinstance(source, Path):
        return at_rest.fingerprint(data_directory(source))
    with connect(source) as chroma:
        return live.fingerprint(chroma, scopes or (Scope(),))


def data_directory(path: Path) -> Path:
    """`path`, or the `data` folder in it where `path` is one of our backups."""
    if (path / "manifest.json").is_file() and (path / "data").is_dir():
        return path / "data"
    return path
