"""Did anybody write between fingerprint and snapshot? Where a platform shows no files, by counts."""

from __future__ import annotations

from chromadrill.chroma.client import connect
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Fingerprint


def require_same_counts(url: str, before: Fingerprint) -> None:
    """A write in between would be taken for damage later. Raises Unavailable, naming the collection.

    Blind to updates in place: a volume copy is read at rest instead.
    """
    with connect(url) as chroma:
        for key, each in before.collections.items():
            count = chroma.count(each.info)
            if count != each.count:
                raise Unavailable(
                    f"{key} had {each.count} records when its fingerprint was taken, and {count}"
                    " after the snapshot: the snapshot is there, and unproven.",
                    next_step="Stop the writers, then take another.",
                )
