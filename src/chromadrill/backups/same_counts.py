"""The counts after a snapshot, where a platform shows no files: did anybody write meanwhile?"""

from __future__ import annotations

from chromadrill.chroma.client import CallFailed
from chromadrill.chroma.connection import connect
from chromadrill.core.model import Fingerprint


def count_difference(url: str, before: Fingerprint) -> str:
    """The first collection that counts otherwise than in the fingerprint `before`; "" for none.

    Counts are blind to updates in place: a volume copy is read at rest instead. Raises CallFailed.
    """
    with connect(url) as chroma:
        for key, collection in before.collections.items():
            try:
                count = chroma.count(collection.info)
            except CallFailed as error:
                if not error.is_missing:
                    raise
                return f"{key} was dropped meanwhile"
            if count != collection.count:
                return f"{key} had {collection.count} records, and {count} after the snapshot"
    return ""
