"""A thin client of Chroma's v2 HTTP API: exact status codes, and a deadline on every call.

It is not chromadb's own client, which hides status codes and retries: a verifier has to see both.
"""

from __future__ import annotations

import urllib.parse
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from chromadrill.chroma import api_values, ids_json
from chromadrill.chroma.api_values import collection_info, to_page
from chromadrill.chroma.call_failed import CallFailed
from chromadrill.chroma.row_requests import encode, joined
from chromadrill.chroma.wire import Wire
from chromadrill.core.memory import tidied
from chromadrill.core.model import JSON, CollectionInfo, Page, Scope

__all__ = ["ALL_COLUMNS", "CallFailed", "Chroma", "quote", "scope_path"]

ALL_COLUMNS = ("documents", "metadatas", "uris", "embeddings")
FEWEST, MOST = 1000, 2000  # records of a page
PAGE_BYTES = 10_000_000  # of JSON, in a page of more than the fewest
NUMBER_BYTES = 11  # of a float of a vector, in JSON


class Chroma(Wire):
    """One Chroma server, as `Wire` says: its calls by their names.

    Every call raises CallFailed for every status but 2xx and for every transport error, and Refused
    where this process may not make it (`permissions`).
    """

    # ---- the server -----------------------------------------------------------------------------
    def heartbeat(self) -> int:
        """Return nanoseconds since 1970. The server does not touch storage: no evidence of data."""
        return self.read(api_values.heartbeat, "GET", "/api/v2/heartbeat")

    def healthcheck(self) -> JSON:
        """Return what the server says of its health. It does not touch storage either."""
        return self.read(api_values.json_object, "GET", "/api/v2/healthcheck")

    def versions(self) -> dict[str, str]:
        """Return the version of the API, and the keys of the server's pre-flight checks.

        All 1.x releases say "1.0.0" (measured): the pre-flight keys tell more of them apart.
        """
        preflight = self.read(api_values.json_object, "GET", "/api/v2/pre-flight-checks")
        return {
            "api": str(self.call("GET", "/api/v2/version")),
            "preflight": ",".join(sorted(preflight)),
        }

    # ---- tenants, databases, collections --------------------------------------------------------
    def tenant_exists(self, tenant: str) -> bool:
        """Whether the server knows the tenant; tenants cannot be listed."""
        try:
            self.call("GET", f"/api/v2/tenants/{quote(tenant)}")
        except CallFailed as error:
            if error.is_missing:
                return False
            raise
        return True

    def create_tenant(self, tenant: str) -> None:
        """Create a tenant without databases."""
        self.call("POST", "/api/v2/tenants", {"name": tenant})

    def databases(self, tenant: str) -> list[str]:
        """Return the names of the tenant's databases, sorted."""
        path = f"/api/v2/tenants/{quote(tenant)}/databases"
        return sorted(self.read(api_values.names, "GET", path))

    def create_database(self, scope: Scope) -> None:
        """Create a database in a tenant that is there: in a missing one it is answered 200 too."""
        path = f"/api/v2/tenants/{quote(scope.tenant)}/databases"
        self.call("POST", path, {"name": scope.database})

    def collections(self, scope: Scope) -> list[CollectionInfo]:
        """Return the collections of a database, sorted by key; empty for a missing database."""
        infos = self.read(api_values.collection_infos, "GET", f"{scope_path(scope)}/collections")
        return sorted(infos, key=lambda info: info.key)

    def collection(self, scope: Scope, name: str) -> CollectionInfo:
        """Return the collection `name`; CallFailed with status 404 where there is none."""
        path = f"{scope_path(scope)}/collections/{quote(name)}"
        return self.read(collection_info, "GET", path)

    def create_collection(
        self,
        scope: Scope,
        name: str,
        *,
        hnsw: Mapping[str, Any] | None = None,
        embedding_function: JSON | None = None,
        metadata: JSON | None = None,
    ) -> CollectionInfo:
        """Create an empty collection; `hnsw` are settings of its index, among them the metric."""
        body: JSON = {"name": name}
        if metadata:
            body["metadata"] = metadata
        if hnsw or embedding_function:
            body["configuration"] = {"hnsw": dict(hnsw or {})}
        if embedding_function:
            body["configuration"]["embedding_function"] = embedding_function
        return self.read(collection_info, "POST", f"{scope_path(scope)}/collections", body)

    def rename_collection(self, collection: CollectionInfo, name: str) -> None:
        """Change the name and nothing else. A name that is taken is answered 500 (measured)."""
        self.call("PUT", self._path(collection), {"new_name": name})

    def delete_collection(self, scope: Scope, name: str) -> None:
        """Delete a collection with all its records."""
        self.call("DELETE", f"{scope_path(scope)}/collections/{quote(name)}")

    # ---- records --------------------------------------------------------------------------------
    def count(self, collection: CollectionInfo) -> int:
        """Return the number of records."""
        return self.read(api_values.count, "GET", f"{self._path(collection)}/count")

    def upsert(
        self,
        collection: CollectionInfo,
        *,
        ids: Sequence[str],
        vectors: np.ndarray | Sequence[str],
        documents: Sequence[str | None] | None = None,
        metadatas: Sequence[JSON | None] | None = None,
        uris: Sequence[str | None] | None = None,
    ) -> None:
        """Write n records. Metadata of a record that is there already is merged, not replaced.

        `vectors`: (n, dimension), or each row of float32 in base64 where the server's pre-flight says
        that it takes those.
        """
        body: JSON = {
            "ids": list(ids),
            "embeddings": vectors,
            "documents": documents,
            "metadatas": metadatas,
            "uris": uris,
        }
        self.write_rows(f"{self._path(collection)}/upsert", body, *body)

    def update_metadata(
        self, collection: CollectionInfo, ids: Sequence[str], metadatas: Sequence[JSON]
    ) -> None:
        """Merge metadata into records that are there. A key whose value is None is removed."""
        body: JSON = {"ids": list(ids), "metadatas": list(metadatas)}
        self.write_rows(f"{self._path(collection)}/update", body, *body)

    def delete(self, collection: CollectionInfo, ids: Sequence[str]) -> None:
        """Delete the records `ids`; an id that is not there is no error."""
        self.write_rows(f"{self._path(collection)}/delete", {"ids": list(ids)}, "ids")

    def get(
        self,
        collection: CollectionInfo,
        *,
        ids: Sequence[str] | None = None,
        where: JSON | None = None,
        where_document: JSON | None = None,
        include: Sequence[str] = (),
        limit: int | None = None,
        offset: int | None = None,
    ) -> JSON:
        """Return the raw answer: columns of equal length, None for those not in `include`."""
        body = {
            "ids": list(ids) if ids is not None else None,
            "where": where,
            "where_document": where_document,
            "include": list(include),
            "limit": limit,
            "offset": offset,
        }
        body = {key: value for key, value in body.items() if value is not None}
        path = f"{self._path(collection)}/get"
        if ids is None or limit is not None or offset is not None:
            return self.read(api_values.records, "POST", path, body)
        answers = self.post_rows(path, body, "ids")
        return joined(
            [self.require_form(api_values.records, f"POST {path}", part) for part in answers]
        )

    def matching_ids(
        self,
        collection: CollectionInfo,
        *,
        where: JSON | None = None,
        where_document: JSON | None = None,
    ) -> memoryview:
        """Return the ids of the records that pass, as the JSON text of a list: see `ids_json`."""
        body: JSON = {"where": where, "where_document": where_document, "include": []}
        body = {key: value for key, value in body.items() if value is not None}
        path = f"{self._path(collection)}/get"
        value = self.send("POST", path, body, encode(body), ids_json.loads)
        return self.require_form(ids_json.ids_text, f"POST {path}", value)

    def query(
        self,
        collection: CollectionInfo,
        vectors: np.ndarray,
        *,
        n_results: int = 10,
        where: JSON | None = None,
        where_document: JSON | None = None,
        ids: Sequence[str] | None = None,
        include: Sequence[str] = ("distances",),
    ) -> JSON:
        """Return the nearest neighbours of each row of `vectors` (n, dimension).

        `ids` and `distances` of the answer hold one list for each row. With `where`, `where_document`
        or `ids` only those records are searched.
        """
        body: JSON = {
            "query_embeddings": vectors,
            "n_results": n_results,
            "include": list(include),
        }
        if where:
            body["where"] = where
        if where_document:
            body["where_document"] = where_document
        if ids is not None:
            body["ids"] = list(ids)
        path = f"{self._path(collection)}/query"
        parts = self.post_rows(path, body, "query_embeddings")
        whole = joined(
            [self.require_form(api_values.neighbours, f"POST {path}", part) for part in parts]
        )
        return self.require_form(
            lambda raw: api_values.of_rows(raw, len(vectors)), f"POST {path}", whole
        )

    def page(self, collection: CollectionInfo, *, limit: int, offset: int) -> Page:
        """Return up to `limit` records from number `offset` on, with all their columns."""
        from chromadrill.chroma import page_json  # brings pyarrow: few commands read pages

        body = {"include": list(ALL_COLUMNS), "limit": limit, "offset": offset}
        path = f"{self._path(collection)}/get"
        raw = self.send("POST", path, body, encode(body), page_json.loads)
        return to_page(
            self.require_form(api_values.records, f"POST {path}", raw), collection.dimension or 0
        )

    def pages(self, collection: CollectionInfo, *, size: int | None = None) -> Iterator[Page]:
        """Yield every record, `size` to a page, two pages in flight while the caller digests one.

        A server walks past all records before a page: pages of 2,000 instead of 1,000 take it 303
        seconds of processor time instead of 443, for a million x 384. So a page is as large as 10 MB
        allow, by the first one of the collection.

        Paging is not a snapshot: under a writer, records may come twice or not at all.
        """
        return tidied(self._pages(collection, size))

    def _pages(self, collection: CollectionInfo, size: int | None) -> Iterator[Page]:
        offset, flights = 0, deque[tuple[int, Future[Page]]]()
        with ThreadPoolExecutor(max_workers=2) as pool:

            def fetch(limit: int) -> None:
                nonlocal offset
                call = pool.submit(self.page, collection, limit=limit, offset=offset)
                flights.append((limit, call))
                offset += limit

            fetch(size or FEWEST)
            fetch(size or FEWEST)
            while flights:
                limit, flight = flights.popleft()
                page = flight.result()
                is_last = len(page.ids) < limit
                if is_last:
                    for _, later in flights:
                        later.cancel()
                    flights.clear()
                else:
                    size = size or _fitting(page)
                    fetch(size)
                if page.ids:
                    yield page

    def _path(self, collection: CollectionInfo) -> str:
        return f"{scope_path(collection.scope)}/collections/{collection.id}"


def _fitting(page: Page) -> int:
    """How many records like those of `page` make a page of PAGE_BYTES."""
    texts = sum(len(text) for text in page.documents if text)
    record_bytes = NUMBER_BYTES * int(page.vectors.shape[1]) + texts // len(page.ids)
    return max(FEWEST, min(MOST, PAGE_BYTES // max(record_bytes, 1)))


def quote(name: str) -> str:
    """Return a name as one segment of a path."""
    return urllib.parse.quote(name, safe="")


def scope_path(scope: Scope) -> str:
    """Return the path of a database in the API."""
    return f"/api/v2/tenants/{quote(scope.tenant)}/databases/{quote(scope.database)}"
