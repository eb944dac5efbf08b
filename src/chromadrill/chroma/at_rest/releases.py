"""The stores that a release of Chroma can open, by the migrations in the store, before a start.

A server that is given a newer store panics at its start, or worse (measured: 1.0.0 on a directory
of 1.5.9). A newer server migrates an older store at its first start, and there is no way back.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from chromadrill.chroma.at_rest.database import (
    DAMAGE,
    FILE_NAME,
    KNOWN_HEADS,
    StoreUnreadable,
    immutable_uri,
    whole_file,
)
from chromadrill.core.errors import Refused
from chromadrill.core.records.no_room import NoRoom

LOG = logging.getLogger(__name__)
# the newest migration of each set that a release knows: measured on stores made by it; 1.3.0 and
# 1.5.0, where a new one came, by the names in their servers
HEADS: Mapping[str, Mapping[str, int]] = {
    "0.6.3": {"sysdb": 9, "metadb": 4, "embeddings_queue": 2},
    "1.0.0": {"sysdb": 9, "metadb": 5, "embeddings_queue": 2},
    "1.3.0": {"sysdb": 10, "metadb": 5, "embeddings_queue": 2},
    "1.5.0": KNOWN_HEADS,
    "1.5.9": KNOWN_HEADS,
}
_OLDEST, _NEWEST = next(iter(HEADS)), list(HEADS)[-1]


def refuse_newer(data: Path, release: str | None) -> None:
    """Raise Refused where the store in `data` is newer than what `release` can open.

    A release that is not in HEADS counts as the newest below it, one before all of them as the oldest.
    Of an unknown release (None), or of one after all of HEADS, nobody knows: a warning says so, and
    the start of its server will show. A store without migrations is left to that start, too.
    """
    store_heads = heads(data)
    nearest = _nearest(release)
    numbers = numbers_of(release or "")
    known = HEADS[nearest]
    newer = sorted(name for name, head in store_heads.items() if head > known.get(name, 0))
    if not newer:
        return
    if not numbers or numbers > numbers_of(_NEWEST):
        LOG.warning(
            "Whether Chroma %s can open the store in %s is not known: it is newer than %s. If the"
            " server does not start, use a newer one, or restore a backup made by it.",
            release or "(of an unknown release)",
            data,
            nearest,
        )
        return
    actual = ", ".join(f"{name} {store_heads[name]}" for name in newer)
    wanted = ", ".join(f"{name} {known.get(name, 0)}" for name in newer)
    able = [
        other
        for other, its in HEADS.items()
        if all(head <= its.get(name, 0) for name, head in store_heads.items())
    ]
    raise Refused(
        f"The store in {data} is newer than Chroma {release}: it has {actual}, and that release knows"
        f" {wanted} at most{_note(release, nearest)}. Nothing was started, nothing was changed.",
        next_step=(f"Use Chroma {able[0]} or newer" if able else "Use a newer Chroma")
        + f", or restore a backup made by {release}.",
    )


def heads(data: Path) -> dict[str, int]:
    """Return the newest migration of each set in a store; empty where none can be read.

    It may be called on a running server's directory: nothing is locked, and migrations are old rows.
    Those of a store in WAL mode may be in its log alone: a private copy of it is read. Where that
    cannot be had, for want of room as a rule, those in the file itself are returned, and a warning
    says so.
    """
    file = data / FILE_NAME
    found = _heads_in(file)
    if file.with_name(f"{FILE_NAME}-wal").is_file():
        try:
            with whole_file(file) as whole:
                return _heads_in(whole) or found
        except (OSError, NoRoom, StoreUnreadable, *DAMAGE) as error:
            LOG.warning(
                "Migrations that are in the log beside %s alone are not known: %s", file, error
            )
    return found


def _heads_in(file: Path) -> dict[str, int]:
    try:
        with closing(sqlite3.connect(immutable_uri(file), uri=True)) as database:
            rows = database.execute("SELECT dir, max(version) FROM migrations GROUP BY dir")
            return {str(name): head for name, head in rows if isinstance(head, int)}
    except (OSError, *DAMAGE):
        return {}


def numbers_of(release: str) -> tuple[int, ...]:
    """Return (1, 5, 9) for 1.5.9, v1.5.9 and 1.5.9-debian, () for a name of no release (latest)."""
    match = re.match(r"v?(\d+(?:\.\d+)+)(?![\d.])", release)
    return tuple(map(int, match[1].split("."))) if match else ()


def _nearest(release: str | None) -> str:
    numbers = numbers_of(release or "")
    below = [known for known in HEADS if numbers_of(known) <= numbers]
    return max(below, key=numbers_of, default=_OLDEST)


def _note(release: str | None, nearest: str) -> str:
    same = numbers_of(release or "") == numbers_of(nearest)
    return "" if same else f" (taken for {nearest}, the nearest that was measured)"
