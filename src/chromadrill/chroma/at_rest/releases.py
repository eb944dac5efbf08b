"""Which stores a release of Chroma can open: told by the migrations in the store, before a start.

A server that is given a newer store panics at its start, or worse (measured: 1.0.0 on a directory
of 1.5.9). A newer server migrates an older store at its first start, and there is no way back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from chromadrill.chroma.at_rest.database import FILE_NAME, KNOWN_HEADS
from chromadrill.errors import Refused

# the newest migration of each set that a release knows: measured on stores made by it
HEADS: Mapping[str, Mapping[str, int]] = {
    "0.6.3": {"sysdb": 9, "metadb": 4, "embeddings_queue": 2},
    "1.0.0": {"sysdb": 9, "metadb": 5, "embeddings_queue": 2},
    "1.5.9": KNOWN_HEADS,
}


def refuse_newer(data: Path, release: str | None) -> None:
    """Raise Refused where the store in `data` is certainly newer than what `release` can open.

    A release that is not in HEADS is taken for the next one that is, a newer or unknown one
    (None) for able; where the store tells nothing, its server's start will.
    """
    known = _heads_of(release)
    found = heads(data)
    newer = sorted(name for name, head in found.items() if known and head > known.get(name, 0))
    if known is None or not newer:
        return
    got = ", ".join(f"{name} {found[name]}" for name in newer)
    wanted = ", ".join(f"{name} {known.get(name, 0)}" for name in newer)
    able = [
        each for each, its in HEADS.items() if all(h <= its.get(n, 0) for n, h in found.items())
    ]
    raise Refused(
        f"The store in {data} is newer than Chroma {release}: it has {got}, and that release knows"
        f" {wanted} at most. Nothing was started, nothing was changed.",
        next_step=(f"Use Chroma {able[0]} or newer" if able else "Use a newer Chroma")
        + f", or restore a backup made by {release}.",
    )


def heads(data: Path) -> dict[str, int]:
    """The newest migration of each set in a store; empty where there is none, or none to be read.

    Fit for a running server's directory, too: nothing is locked, and migrations are old rows.
    """
    uri = f"file:{quote(str((data / FILE_NAME).absolute()))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as database:
            rows = database.execute("SELECT dir, max(version) FROM migrations GROUP BY dir")
            return {str(name): head for name, head in rows if isinstance(head, int)}
    except (sqlite3.Error, UnicodeError, OverflowError):
        return {}


def _heads_of(release: str | None) -> Mapping[str, int] | None:
    wanted = _numbers(release or "")
    later = [each for each in HEADS if wanted and _numbers(each) >= wanted]
    return HEADS[min(later, key=_numbers)] if later else None


def _numbers(release: str) -> tuple[int, ...]:
    parts = release.split(".")
    return tuple(map(int, parts)) if all(each.isdigit() for each in parts) else ()
