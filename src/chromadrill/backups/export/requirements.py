"""What a target must allow to take an export back: a request as large as its largest record, and names.

Chroma takes requests of 40 MiB unless its configuration says otherwise, nginx of 1 MiB. Databases that
were created past the API may have names that the API creates no database by.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import orjson

from chromadrill.backups.export.staging import SHORTEST_TENANT, is_name
from chromadrill.backups.export.types import Reader
from chromadrill.core.model import JSON, CollectionInfo, Fingerprint, Page

CHROMA_BYTES = 40 << 20  # of one request, by default (measured, 1.5.9)
NGINX_BYTES = 1 << 20  # client_max_body_size, by default
_FRAME = len(b'{"ids":[],"embeddings":[""],"documents":[],"metadatas":[],"uris":[]}')


@dataclass(frozen=True, slots=True)
class LargestRecord:
    """The record of a collection whose request alone is the largest, and the bytes of that request."""

    id: str
    request_bytes: int


class LargestRecords:
    """The largest record of each collection, by TENANT/DATABASE/NAME."""

    def __init__(self) -> None:
        self.by_collection: dict[str, LargestRecord] = {}

    def add(self, collection: str, page: Page) -> None:
        """Look at the records of a page."""
        vector_bytes = 4 * -(-4 * page.vectors.shape[1] // 3)  # base64
        largest = self.by_collection.get(collection, LargestRecord("", 0))
        columns = zip(page.ids, page.documents, page.metadatas, page.uris, strict=True)
        for record, *texts in columns:
            request_bytes = len(_json([record, *texts])) + vector_bytes + _FRAME
            if request_bytes > largest.request_bytes:
                largest = LargestRecord(record, request_bytes)
        if largest.id:
            self.by_collection[collection] = largest

    @classmethod
    def of(cls, export: Reader) -> Self:
        """Return what the export says of itself; one that does not say it rightly is read for it."""
        records = cls()
        try:
            stated = export.about["requires"]["largest_records"]
            for key, one in stated.items():
                largest = LargestRecord(str(one["id"]), int(one["request_bytes"]))
                records.by_collection[key] = largest
        except (KeyError, TypeError, AttributeError, ValueError):  # a file of an older version
            for key in export.fingerprint.collections:
                for page in export.pages(key):
                    records.add(key, page)
        return records

    def largest(self, collections: Iterable[str]) -> tuple[str, LargestRecord] | None:
        """Return the largest of these collections with its key; None where they hold no record."""
        known = [(key, self.by_collection[key]) for key in collections if key in self.by_collection]
        return max(known, key=lambda one: one[1].request_bytes, default=None)


def _json(columns: Any) -> bytes:
    try:
        return orjson.dumps(columns)
    except (
        TypeError
    ):  # an integer beyond 64 bits or a lone surrogate: the writer refuses it by its name
        return b""


def requirements(fingerprint: Fingerprint, records: LargestRecords) -> JSON:
    """Return what the file keeps, and what `backup --json` prints."""
    infos = [one.info for one in fingerprint.collections.values()]
    return {
        "largest_records": {
            key: dataclasses.asdict(one) for key, one in sorted(records.by_collection.items())
        },
        "tenants": sorted({info.tenant for info in infos}),
        "databases": sorted({str(info.scope) for info in infos}),
        "refused_names": refused_names(infos),
    }


def refused_names(infos: Iterable[CollectionInfo]) -> list[JSON]:
    """Return the tenants, databases and collections that Chroma's API creates under no such name."""
    refused: dict[tuple[str, str], None] = {}
    for info in infos:
        if len(info.tenant) < SHORTEST_TENANT:
            refused["tenant", info.tenant] = None
        if not is_name(info.database):
            refused["database", str(info.scope)] = None
        if not is_name(info.name):
            refused["collection", info.key] = None
    return [{"kind": kind, "name": name} for kind, name in refused]


def notes(requires: JSON) -> list[str]:
    """Return a sentence for each thing that not every target allows."""
    sentences = []
    records = requires["largest_records"]
    key = max(records, key=lambda one: records[one]["request_bytes"], default=None)
    request_bytes = records[key]["request_bytes"] if key else 0
    if request_bytes > NGINX_BYTES:
        allowed = "Chroma takes 40 MiB" if request_bytes > CHROMA_BYTES else "nginx takes 1 MiB"
        sentences.append(
            f"a restore needs a target that takes a request of {request_bytes:,} bytes (record"
            f" '{records[key]['id']}' of {key}); {allowed} by default"
        )
    sentences += [
        f"{name['kind']} '{name['name']}' cannot return under its name, since Chroma's API creates none:"
        f" {elsewhere(name['kind'], name['name'])}"
        for name in requires["refused_names"]
    ]
    return sentences


def elsewhere(kind: str, name: str) -> str:
    """Return the option that restores something under another name."""
    if kind == "collection":
        return "restore it by --into NAME"
    scope = name if kind == "database" else f"{name}/DATABASE"
    return f"restore it by --scope '{scope}=TENANT/DATABASE'"
