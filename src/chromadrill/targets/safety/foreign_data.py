"""What others hold on a server, and whether they wrote since: collections, counts, every record.

Chroma's log position would say it in one number, but a single node shows 0 for it whatever was
written (measured, 1.5.9). A count misses an update in place. So every record is digested.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from chromadrill.chroma.client import Chroma
from chromadrill.core.clock import utc_now
from chromadrill.core.errors import Unavailable
from chromadrill.core.files import write_atomic
from chromadrill.core.model import CollectionInfo, Scope
from chromadrill.targets.safety.owned_data import is_from_drill, list_all_collections


@dataclass(frozen=True, slots=True)
class ForeignCollection:
    """One collection of somebody else's: the server's id, its count, a digest of all its records."""

    id: str
    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class ForeignData:
    """All such collections at one time, by TENANT/DATABASE/NAME.

    `deployment`: the one that ran then, as the platform calls it.
    """

    taken_at: str
    collections: Mapping[str, ForeignCollection]
    deployment: str | None = None


def collect(chroma: Chroma, scopes: Sequence[Scope], created_ids: Collection[str]) -> ForeignData:
    """Read every collection that no drill created; `created_ids`: ids of those that one did.

    Tenants cannot be listed: those of `scopes` and the default one are read.
    """
    return ForeignData(
        utc_now(),
        {
            collection.key: _digest(chroma, collection)
            for collection in list_all_collections(chroma, scopes)
            if not is_from_drill(collection, created_ids)
        },
    )


def _digest(chroma: Chroma, collection: CollectionInfo) -> ForeignCollection:
    total, count = 0, 0  # a sum: whatever the order of the pages
    for page in chroma.pages(collection):
        for row in zip(page.ids, page.documents, page.metadatas, page.uris, page.vectors,
                       strict=True):  # fmt: skip
            total += _hash(row)
            count += 1
    total += _hash([collection.metadata, collection.configuration])
    return ForeignCollection(collection.id, count, f"{total % 2**128:032x}")


def _hash(value: object) -> int:
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)
    return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")


def who_wrote(then: ForeignData | None, now: ForeignData | None) -> list[str]:
    """What others did between the two, a sentence each. What was not read counts as written."""
    if then is None:
        return ["nobody noted what was there when it was made (it was not made by chromadrill ops)"]
    if now is None:
        return [
            "the server was not stopped by chromadrill ops, so what was last written is unknown"
        ]
    writes = []
    for key in sorted({*then.collections, *now.collections}):
        before, after = then.collections.get(key), now.collections.get(key)
        if before is None and after is not None:
            writes.append(f"{key} was made ({after.count} records)")
        elif before is not None and after is None:
            writes.append(f"{key} was removed ({before.count} records)")
        elif before is not None and after is not None and before.id != after.id:
            writes.append(f"{key} was removed and made again")
        elif before is not None and after is not None and before.count != after.count:
            writes.append(f"{key} had {before.count} records and has {after.count}")
        elif before != after:
            writes.append(f"{key} was changed in place, its count is the same")
    return writes


def save(data: ForeignData, path: Path) -> None:
    """Write the note; it appears whole or not at all."""
    write_atomic(path, json.dumps(asdict(data)))


def load(path: Path) -> ForeignData | None:
    """The note that `save` wrote; None where there is none. Raises Unavailable for a damaged file."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        collections = {
            key: ForeignCollection(**fields) for key, fields in content["collections"].items()
        }
        return ForeignData(content["taken_at"], collections, content.get("deployment"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable(
            f"{path} is damaged: {error!r}.", next_step="Take another snapshot."
        ) from error
