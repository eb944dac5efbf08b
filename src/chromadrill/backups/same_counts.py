"""The counts after a snapshot, where a platform shows no files: did anybody write meanwhile?"""

from __future__ import annotations

from chromadrill.chroma.connection import connect
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Fingerprint


def require_same_counts(url: str, before: Fingerprint) -> None:
    """Raise Unavailable, naming the collection, unless each counts as in the fingerprint `before`.

    A write in between would be taken for damage later. Counts are blind to updates in place: a volume
    copy is read at rest instead.
    """
    with connect(url) as chroma:
        for key, collection in before.collections.items():
            count = chroma.count(collection.info)
            if count != collection.count:
                raise Unavailable(
                    f"{key} had {collection.count} records when its fingerprint was taken, and {count}"
                    " after the snapshot. The snapshot is there, but unproven.",
                    next_step="Stop the writers, then take another.",
                )
