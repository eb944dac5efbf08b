"""The formats of an export: the suffix of its name says which, a name without a suffix is a folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from chromadrill.backups import manifest
from chromadrill.backups.export.json_layout import DOCUMENT
from chromadrill.backups.export.jsonl_reader import JsonlReader
from chromadrill.backups.export.jsonl_writer import JsonlWriter
from chromadrill.backups.export.parquet_folder import METHOD, FolderReader, FolderWriter
from chromadrill.backups.export.parquet_reader import ParquetReader
from chromadrill.backups.export.parquet_writer import ParquetWriter
from chromadrill.backups.export.types import ExportWriter, Reader
from chromadrill.core.errors import Unavailable, UsageError

_FORMATS: dict[str, tuple[Callable[..., ExportWriter], Callable[[Path], Reader]]] = {
    ".json": (partial(JsonlWriter, layout=DOCUMENT), partial(JsonlReader, layout=DOCUMENT)),
    ".jsonl": (JsonlWriter, JsonlReader),
    ".jsonl.zst": (partial(JsonlWriter, zst=True), partial(JsonlReader, zst=True)),
    ".parquet": (ParquetWriter, ParquetReader),
    "": (FolderWriter, FolderReader),
}
SUFFIXES = tuple(suffix for suffix in _FORMATS if suffix)


def suffix_of(name: str) -> str:
    """Return the format that a name asks for: one of SUFFIXES, "" for a folder.

    Raises UsageError for any other suffix.
    """
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            return suffix
    if not Path(name).suffix:
        return ""
    raise UsageError(
        f"{name}: its suffix names no format of an export. Known: {', '.join(SUFFIXES)};"
        " a name without a suffix is a folder."
    )


def writer(suffix: str) -> Callable[..., ExportWriter]:
    """Return what makes a Writer of (path, fingerprint, about=...)."""
    return _FORMATS[suffix][0]


def reader(suffix: str) -> Callable[[Path], Reader]:
    """Return what makes a Reader of a path."""
    return _FORMATS[suffix][1]


def is_export(path: Path) -> bool:
    """Whether `path` looks like an export of ours: by its suffix, or by the manifest of a folder."""
    if path.is_dir():
        return manifest.is_there(path) and manifest.read(path).get("method") == METHOD
    return path.name.lower().endswith(SUFFIXES)


def open_export(path: Path) -> Reader:
    """Return a reader of an export, verified as a whole.

    Raises ExportRefused for a damaged one, Unavailable for a missing file, UsageError for no export.
    """
    if not path.exists():
        raise Unavailable(f"{path}: no such file.", next_step="Name the file of an export.")
    if path.is_dir():
        return FolderReader(path)
    suffix = suffix_of(path.name)
    if not suffix or not path.is_file():
        raise UsageError(f"{path} is no export: a folder, or a file in {', '.join(SUFFIXES)}.")
    return _FORMATS[suffix][1](path)
