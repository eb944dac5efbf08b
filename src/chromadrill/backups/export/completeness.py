"""What makes a whole, valid export less than a backup: records left out of it, or none in it at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from chromadrill.backups.export.damaged_records import Damage
from chromadrill.backups.export.types import Reader
from chromadrill.core.model import Scope, Verdict

CHECK = "export"


def shortcomings(
    export: Reader, counts: Mapping[str, int], scopes: Collection[Scope] | None = None
) -> list[Verdict]:
    """Return an UNKNOWN for each reason why the restore of an export is not that of everything.

    `counts`: records that were restored, by collection. `scopes`: databases of the export that were
    meant, by default all. What was left out of others is not told.
    """
    what = "the export is partial, left out as damaged"
    try:
        left_out = export.about.get("left_out", {})
        collections, records = (
            {key: why for key, why in left_out.get(name, {}).items() if _is_in(key, scopes)}
            for name in ("collections", "records")
        )
        verdicts = damaged(Damage(collections, records), what)
    except (AttributeError, TypeError, ValueError):  # a note that somebody wrote
        verdicts = [Verdict.unknown(CHECK, f"{what}: {export.about['left_out']}")]
    return [*verdicts, *empty(counts)]


def damaged(damage: Damage, what: str) -> list[Verdict]:
    """Return an UNKNOWN that names what was left out; none where nothing was."""
    return [Verdict.unknown(CHECK, f"{what}: {damage.sentence()}")] if damage else []


def empty(counts: Mapping[str, int]) -> list[Verdict]:
    """Return an UNKNOWN where no collection has a record: nothing is no backup."""
    if any(counts.values()):
        return []
    message = f"no record in any of {len(counts)} collections: only their settings are in it"
    return [Verdict.unknown(CHECK, message)]


def _is_in(key: str, scopes: Collection[Scope] | None) -> bool:
    return scopes is None or Scope.parse(key.rpartition("/")[0]) in scopes
