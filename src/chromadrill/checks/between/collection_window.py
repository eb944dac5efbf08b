"""Which collection of a copy is which in the fingerprints before and after it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from chromadrill.core.model import CollectionPrint, Fingerprint
from chromadrill.core.model.window import BackupWindow


@dataclass(frozen=True, slots=True)
class CollectionWindow:
    """One collection: as it was before, in the copy, and after; None where it is not.

    `is_remade`: it was dropped and made anew under its name meanwhile, and what the copy holds may be
    of either.
    """

    before: CollectionPrint | None
    copy: CollectionPrint | None
    after: CollectionPrint | None
    is_remade: bool = False

    @property
    def key(self) -> str:
        """The collection's name in the copy, or else in a fingerprint."""
        present = self.copy or self.before or self.after
        return present.info.key if present else ""

    @property
    def recorded(self) -> int:
        """How many records it had before or after, whichever is more."""
        return max((len(side.records) for side in (self.before, self.after) if side), default=0)

    @property
    def is_lost(self) -> bool:
        """Whether it stands before and after, and the copy does not have it."""
        stands = self.before is not None and self.after is not None and not self.is_remade
        return stands and self.copy is None


def match(
    copy: Fingerprint, window: BackupWindow, *, imported: Collection[str] = ()
) -> list[CollectionWindow]:
    """Return every collection of the copy or of a fingerprint once.

    Files bring the ids of collections back, so they are matched by id: one may be renamed, or dropped
    and made anew under its name. `imported` ones have new ids, and are matched by name.
    """
    known = list(_of_fingerprints(window, by_name=bool(imported)))
    rest = dict(copy.collections)
    windows: list[CollectionWindow] = []
    for before, after, is_remade in known:
        names = [one.info.key for one in (after, before) if one is not None]
        ids = {one.info.id for one in (before, after) if one is not None}
        found = next(
            (
                key
                for key, one in rest.items()
                if (key in imported and key in names) or one.info.id in ids
            ),
            None,
        )
        windows.append(
            CollectionWindow(before, rest.pop(found) if found else None, after, is_remade)
        )
    windows += [CollectionWindow(None, collection, None) for collection in rest.values()]
    return sorted(windows, key=lambda one: one.key)


def _of_fingerprints(
    window: BackupWindow, *, by_name: bool
) -> Iterator[tuple[CollectionPrint | None, CollectionPrint | None, bool]]:
    """Every collection before and after; `by_name`: one made anew under its name is one."""
    rest = dict(window.after.collections) if window.after else {}
    of_id = {collection.info.id: key for key, collection in rest.items()}
    known_ids = {collection.info.id for collection in window.before.collections.values()}
    for key, before in window.before.collections.items():
        if before.info.id in of_id:
            yield before, rest.pop(of_id[before.info.id]), False
        elif by_name and key in rest and rest[key].info.id not in known_ids:
            yield before, rest.pop(key), True
        else:
            yield before, None, False
    for after in rest.values():
        yield None, after, False
