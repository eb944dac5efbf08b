"""A good export is not replaced by one that has lost what it holds.

The newest backup of a collection that was dropped and made again is a whole, valid export of nothing
(neo-agent-brain 270). Under the name of the good one it would be the end of it.
"""

from __future__ import annotations

from pathlib import Path

from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.types import ExportRefused
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.model import Fingerprint

NAMED = 5  # collections that a sentence names


def require_nothing_lost(path: Path, after: Fingerprint) -> None:
    """Raise Unavailable where the export at `path` has records of a collection that has none `after`.

    A file that is no whole export, and so could not be restored, may be replaced.
    """
    try:
        before = open_export(path).fingerprint if path.is_file() else None
    except (ExportRefused, UsageError):
        return
    lost = [
        _sentence(key, after, count=one.count, collection_id=one.info.id)
        for key, one in (before.collections.items() if before else ())
        if one.count and not (key in after.collections and after.collections[key].count)
    ]
    if not lost:
        return
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    raise Unavailable(
        f"{path} is a good export, and what would replace it has less: {'; '.join(lost[:NAMED])}{more}."
        " The file was kept.",
        next_step="Write to another file; or add --replace, where the records were deleted on purpose.",
    )


def _sentence(key: str, after: Fingerprint, *, count: int, collection_id: str) -> str:
    if key not in after.collections:
        return f"{key} had {count} records and is not in it"
    is_new = after.collections[key].info.id != collection_id
    return f"{key} had {count} records and has none" + (", under a new id" if is_new else "")
