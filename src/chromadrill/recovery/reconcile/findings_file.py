"""Every record that differs, a line of JSON each: written by `reconcile`, read by `rebuild`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import orjson

from chromadrill.checks.reconcile import OF_VECTORS, Finding
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.files import atomic_file


@contextmanager
def write_findings(path: Path | None) -> Iterator[Callable[[Finding], None]]:
    """What writes a finding as a line; the file has its name when all of them are in it.

    `path` None: nothing is written. Raises Unavailable where the file cannot be made.
    """
    if path is None:
        yield lambda finding: None
        return
    folder = path.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Unavailable(
            f"--output-file {path} cannot be written.",
            next_step="Name a file in a folder that is there, and yours.",
        )
    with atomic_file(path) as file:
        yield partial(_write, file)


def _write(file: IO[bytes], finding: Finding) -> None:
    line: dict[str, Any] = {"id": finding.id, "kinds": finding.kinds}
    if finding.owner is not None:
        line["vector_of"] = finding.owner
    if finding.cosine is not None:
        line["cosine"] = finding.cosine
    file.write(orjson.dumps(line) + b"\n")


def wrong_vectors(path: Path) -> Iterator[str]:
    """The ids of such a file whose vectors are wrong. Raises UsageError for a file that is another."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                finding = _read(line)
                if finding is None:
                    raise UsageError(
                        f"{path}:{number} is no line of `chromadrill reconcile --output-file FILE`."
                    )
                if set(finding["kinds"]) & set(OF_VECTORS):
                    yield finding["id"]
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        finding = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    is_ours = (
        isinstance(finding, dict)
        and isinstance(finding.get("id"), str)
        and isinstance(finding.get("kinds"), list)
        and all(isinstance(kind, str) for kind in finding["kinds"])
    )
    return finding if is_ours else None
