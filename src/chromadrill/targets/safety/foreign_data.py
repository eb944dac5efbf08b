"""What others hold on a server, and whether they wrote since: collections, counts, every record.

Chroma's log position would say it in one number, but a single node shows 0 for it whatever was
written (measured, 1.5.9), and a count misses an update in place: so every record is digested.
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
from chromadrill.core.model import Scope
from chromadrill.targets.safety.owned_data import is_from_drill, list_all_collections

PAGE = 1000


@dataclass(frozen=True, slots=True)
class ForeignCollection:
    """One collection of somebody else's: server's id, count, digest of all its records."""

    id: str
    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class ForeignData:
    """All of them at one time, by TENANT/DATABASE/NAME. `deployment`: the platform's, that ran."""

    taken_at: str
    collections: Mapping[str, ForeignCollection]
    deployment: str | None = None


def collect(chroma: Chroma, scopes: Sequence[Scope], made: Collection[str]) -> ForeignData:
    """Read every collection that no drill made (`made`: ids of those that one did).

    Tenants cannot be listed: those of `scopes` and the default one are looked at.
    """
    found = {}
    for each in list_all_collections(chroma, scopes):
        if is_from_drill(each, made):
            continue
        total, count = 0, 0
        for page in chroma.pages(each, size=PAGE):
            for row in zip(page.ids, page.documents, page.metadatas, page.uris, page.vectors,
                           strict=True):  # fmt: skip
                # a sum: whatever the order of the pages
                text = orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)
                total += int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")
                count += 1
        about = orjson.dumps([each.metadata, each.configuration], option=orjson.OPT_SORT_KEYS)
        total += int.from_bytes(hashlib.blake2b(about, digest_size=16).digest(), "big")
        found[each.key] = ForeignCollection(each.id, count, f"{total % 2**128:032x}")
    return ForeignData(utc_now(), found)


def who_wrote(then: ForeignData | None, now: ForeignData | None) -> list[str]:
    """What others did between the two, each in words; what was not looked at is said too."""
    if then is None:
        return ["nobody noted what was there when it was made (it was not made by chromadrill ops)"]
    if now is None:
        return [
            "the server was not stopped by chromadrill ops, so what was last written is unknown"
        ]
    said = []
    for key in sorted({*then.collections, *now.collections}):
        before, after = then.collections.get(key), now.collections.get(key)
        if before is None and after is not None:
            said.append(f"{key} was made ({after.count} records)")
        elif before is not None and after is None:
            said.append(f"{key} was removed ({before.count} records)")
        elif before is not None and after is not None and before.id != after.id:
            said.append(f"{key} was removed and made again")
        elif before is not None and after is not None and before.count != after.count:
            said.append(f"{key} had {before.count} records and has {after.count}")
        elif before != after:
            said.append(f"{key} was changed in place, its count is the same")
    return said


def save(seen: ForeignData, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(json.dumps(asdict(seen)), "utf-8")
    temporary.replace(path)


def load(path: Path) -> ForeignData | None:
    """None: nobody looked. Raises Unavailable for a file that is not what `save` writes."""
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
        seen = {key: ForeignCollection(**each) for key, each in found["collections"].items()}
        return ForeignData(found["taken_at"], seen, found.get("deployment"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable(
            f"{path} is damaged: {error!r}.", next_step="Take another snapshot."
        ) from error
