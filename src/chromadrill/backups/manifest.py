"""The manifest beside a backup: every file with its size and SHA-256, judged before it is opened.

Never judge a directory that a server has opened by it: a first start rewrites files without harm.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import JSON, Difference, Verdict

SCHEMA = "chromadrill/backup/1"
NAME = "manifest.json"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_of(folder: Path) -> list[JSON]:
    """Path, bytes and SHA-256 of every file below `folder` (or of that file), sorted by path."""
    return [
        {
            "path": path.relative_to(folder).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": sha256(path),
        }
        for path in (sorted(folder.rglob("*")) if folder.is_dir() else [folder])
        if path.is_file()
    ]


def write(folder: Path, content: JSON) -> None:
    (folder / NAME).write_bytes(
        orjson.dumps({"schema": SCHEMA, **content}, option=orjson.OPT_INDENT_2)
    )


def read(folder: Path) -> JSON:
    """The manifest of a backup folder; raises Unavailable when it is missing or foreign."""
    path = folder / NAME
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise Unavailable(f"{folder} is not a backup of ours: no {NAME} in it.") from error
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"{path} is not JSON: {error}.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise Unavailable(f"{path}: wanted schema {SCHEMA}.")
    return content


def same_files(folder: Path, manifest: JSON) -> Verdict:
    """Are the files under `folder`/data byte for byte those of the manifest, and no others?"""
    wanted = {each["path"]: each for each in manifest["files"]}
    found = {each["path"]: each for each in files_of(folder / "data")}
    differences = [Difference(p, "file", "missing") for p in sorted(wanted.keys() - found.keys())]
    differences += [Difference(p, "file", "extra") for p in sorted(found.keys() - wanted.keys())]
    differences += [
        Difference(p, "file", "changed", before=wanted[p]["sha256"], after=found[p]["sha256"])
        for p in sorted(wanted.keys() & found.keys())
        if wanted[p]["sha256"] != found[p]["sha256"]
    ]
    if differences:
        said = "; ".join(f"{d.collection} {d.kind}" for d in differences[:10])
        return Verdict.failed("files", said, differences=tuple(differences))
    return Verdict.passed(
        "files", f"{len(wanted)} files as in the manifest", actual=float(len(wanted)), unit="files"
    )


def untouched(folder: Path, before: list[JSON]) -> Verdict:
    """Is every file below `folder` still what `files_of` listed?"""
    if files_of(folder) == before:
        return Verdict.passed("original", f"{len(before)} files of the original are unchanged")
    return Verdict.failed("original", f"files of {folder} changed while it was proven")
