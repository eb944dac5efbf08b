"""The manifest beside a backup: every file with its size and checksums, compared before it is opened.

SHA-256 is the evidence: what a proof compares, and what names an artefact. A restore compares XXH3
(128 bits), which finds damage as surely in a seventh of the time: somebody waits for the database. Who
could forge XXH3 could write the manifest, too.

Never compare a directory that a server has opened: a first start rewrites files without harm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson
import xxhash

from chromadrill.core.errors import Unavailable
from chromadrill.core.model import JSON, Difference, Verdict

SCHEMA = "chromadrill/backup/1"
NAME = "manifest.json"
_OURS = b"chromadrill/backup/"  # how every schema of ours begins
_HEAD = 200  # bytes in which the schema stands: it is the first key
SHA256, XXH3 = "sha256", "xxh3_128"
CHUNK = 256 * 1024


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    return _checksums(path, [SHA256])[SHA256]


def files_of(folder: Path, checksums: Sequence[str] = (SHA256,)) -> list[JSON]:
    """Return path, bytes and checksums of each file below `folder` (or of that file), by path."""
    return [
        {
            "path": path.relative_to(folder).as_posix(),
            "bytes": path.stat().st_size,
            **_checksums(path, checksums),
        }
        for path in (sorted(folder.rglob("*")) if folder.is_dir() else [folder])
        if path.is_file()
    ]


def _checksums(path: Path, kinds: Sequence[str]) -> dict[str, str]:
    """All of one reading: a disk that answers twice may answer differently."""
    hashers = {kind: xxhash.xxh3_128() if kind == XXH3 else hashlib.new(kind) for kind in kinds}
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            for hasher in hashers.values():
                hasher.update(chunk)
    return {kind: hasher.hexdigest() for kind, hasher in hashers.items()}


def write(folder: Path, content: JSON) -> None:
    """Write the manifest of a backup folder."""
    (folder / NAME).write_bytes(
        orjson.dumps({"schema": SCHEMA, **content}, option=orjson.OPT_INDENT_2)
    )


def is_there(folder: Path) -> bool:
    """Whether `folder` has a manifest of ours: web applications and images have files of that name, too.

    One that is damaged is known by what lies beside it.
    """
    path = folder / NAME
    if not path.is_file():
        return False
    with suppress(OSError), path.open("rb") as file:  # it may be of another user
        if _OURS in file.read(_HEAD):
            return True
    return (folder / "data").is_dir() and (folder / "fingerprint").is_file()


def read(folder: Path) -> JSON:
    """Return the manifest of a backup folder. Raises Unavailable where it is missing or not ours."""
    path = folder / NAME
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise Unavailable(f"{folder} is not a backup of ours: it has no {NAME}.") from error
    except orjson.JSONDecodeError as error:
        raise Unavailable(f"{path} is not JSON: {error}.") from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise Unavailable(f"{path} is not a manifest of ours: its schema is not {SCHEMA}.")
    return content


def compare_files(folder: Path, manifest: JSON, checksum: str = SHA256) -> Verdict:
    """Return whether the files below `folder`/data are, byte for byte, those of the manifest alone.

    `checksum`: which one of the manifest's; SHA-256 where a file has none of that kind, as manifests
    of older releases have not.
    """
    try:
        wanted = {file["path"]: file for file in manifest["files"]}
        kind = checksum if all(checksum in file for file in wanted.values()) else SHA256
        sums = {path: (file["bytes"], file[kind]) for path, file in wanted.items()}
    except (KeyError, TypeError) as error:
        return Verdict.failed("files", f"the manifest's list of files cannot be read: {error!r}")
    actual = {
        file["path"]: (file["bytes"], file[kind]) for file in files_of(folder / "data", [kind])
    }
    differences = [Difference(p, "file", "missing") for p in sorted(sums.keys() - actual.keys())]
    differences += [Difference(p, "file", "extra") for p in sorted(actual.keys() - sums.keys())]
    differences += [
        Difference(p, "file", "changed", before=sums[p][1], after=actual[p][1])
        for p in sorted(sums.keys() & actual.keys())
        if sums[p] != actual[p]
    ]
    if differences:
        message = "; ".join(f"{d.collection} {d.kind}" for d in differences[:10])
        return Verdict.failed("files", message, differences=tuple(differences))
    return Verdict.passed(
        "files", f"{len(sums)} files as in the manifest", actual=float(len(sums)), unit="files"
    )


def compare_original(folder: Path, before: list[JSON]) -> Verdict:
    """Return whether every file below `folder` is still what `files_of` listed in `before`."""
    if files_of(folder) == before:
        return Verdict.passed("original", f"{len(before)} files of the original are unchanged")
    return Verdict.failed("original", f"files of {folder} changed while it was proven")
