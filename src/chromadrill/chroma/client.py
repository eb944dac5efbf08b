"""A thin client of Chroma's v2 HTTP API: exact status codes, and a deadline on every call.

Not chromadb's own client: that one hides status codes and retries; a verifier needs both to show.
"""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import httpx
import numpy as np
import orjson

from chromadrill.chroma.permissions import access_to
from chromadrill.core.errors import DrillError, Unavailable, UsageError
from chromadrill.core.model import JSON, CollectionInfo, Page, Scope
from chromadrill.core.urls import without_password

EVERYTHING = ("documents", "metadatas", "uris", "embeddings")


class CallFailed(DrillError):
    """A call that did not succeed. `status` is the HTTP status, 0 for none at all."""

    def __init__(self, call: str, status: int, said: str) -> None:
        self.call, self.status, self.said = call, status, said
        super().__init__(f"{call}: {status or 'no answer'}: {said}")

    @property
    def timed_out(self) -> bool:
        return self.status == 0 and self.said.startswith("no answer within")


class Chroma:
    """One Chroma server. `timeout_s` bounds each call; a slow answer is a failed call.

    `url` as it is kept has no password in it: it goes into messages, exports and reports.

    Raises CallFailed for every status but 2xx and for every transport error.
    """

    def __init__(
        self, url: str, *, timeout_s: float = 30.0, headers: Mapping[str, str] | None = None
    ) -> None:
        self.url = without_password(url.rstrip("/"))
        self._timeout_s = timeout_s
        self._access = access_to(url)
        try:
            self._http = httpx.Client(
                base_url=url.rstrip("/"),
                timeout=timeout_s,
                headers={**self._access.headers(), **(headers or {})},
            )
        except httpx.InvalidURL as error:
            raise UsageError(f"{self.url} is no URL: {error}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: JSON | None = None) -> Any:
        """One request; returns the decoded JSON answer."""
        name = f"{method} {path}"
        self._access.ask(method, path, body)
        content = (
            orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY) if body is not None else None
        )
        try:
            answer = self._http.request(
                method, path, content=content, headers={"content-type": "application/json"}
            )
        except httpx.TimeoutException as error:
            raise CallFailed(name, 0, f"no answer within {self._timeout_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CallFailed(name, 0, f"{type(error).__name__}: {error}") from error
        if not answer.is_success:
            raise CallFailed(name, answer.status_code, answer.text[:300].replace("\n", " "))
        try:
            said = orjson.loads(answer.content) if answer.content else None
        except orjson.JSONDecodeError as error:
            raise CallFailed(name, answer.status_code, f"answer is not JSON: {error}") from error
        self._access.note(method, path, body, said)
        return said

    def wait_turn(self) -> None:
        """Wait now, where this server is asked only so often, and not within the next call."""
        self._access.wait_turn()

    # ---- the server -----------------------------------------------------------------------------
    def heartbeat(self) -> int:
        """Nanoseconds since 1970. Does not touch storage: never evidence of data."""
        return int(self.call("GET", "/api/v2/heartbeat")["nanosecond heartbeat"])

    def healthcheck(self) -> JSON:
        return dict(self.call("GET", "/api/v2/healthcheck"))

    def versions(self) -> dict[str, str]:
        """What the server says of itself. All 1.x releases say "1.0.0" (measured), so the API's
        pre-flight keys are kept beside it."""
        preflight = self.call("GET", "/api/v2/pre-flight-checks")
        return {
            "api": str(self.call("GET", "/api/v2/version")),
            "preflight": ",".join(sorted(preflight)),
        }

    # ---- tenants, databases, collections --------------------------------------------------------
    def tenant_exists(self, tenant: str) -> bool:
        try:
            self.call("GET", f"/api/v2/tenants/{quote(tenant)}")
        except CallFailed as error:
            if error.status == 404:
                return False
            raise
        return True

    def create_tenant(self, tenant: str) -> None:
        self.call("POST", "/api/v2/tenants", {"name": tenant})

    def databases(self, tenant: str) -> list[str]:
        found = self.call("GET", f"/api/v2/tenants/{quote(tenant)}/databases")
        return sorted(each["name"] for each in found)

    def create_database(self, scope: Scope) -> None:
        path = f"/api/v2/tenants/{quote(scope.tenant)}/databases"
        self.call("POST", path, {"name": scope.database})

    def collections(self, scope: Scope) -> list[CollectionInfo]:
        found = self.call("GET", f"{base(scope)}/collections")
        return sorted((collection_info(each) for each in found), key=lambda c: c.key)

    def collection(self, scope: Scope, name: str) -> CollectionInfo:
        return collection_info(self.call("GET", f"{base(scope)}/collections/{quote(name)}"))

    def create_collection(
        self,
        scope: Scope,
        name: str,
        *,
        hnsw: Mapping[str, Any] | None = None,
        embedding_function: JSON | None = None,
        metadata: JSON | None = None,
    ) -> CollectionInfo:
        body: JSON = {"name": name}
        if metadata:
            body["metadata"] = metadata
        if hnsw or embedding_function:
            body["configuration"] = {"hnsw": dict(hnsw or {})}
        if embedding_function:
            body["configuration"]["embedding_function"] = embedding_function
        return collection_info(self.call("POST", f"{base(scope)}/collections", body))

    def rename_collection(self, collection: CollectionInfo, name: str) -> None:
        """Everything else stays as it is. A name that is taken is answered 500 (measured)."""
        self.call("PUT", self._at(collection), {"new_name": name})

    def delete_collection(self, scope: Scope, name: str) -> None:
        self.call("DELETE", f"{base(scope)}/collections/{quote(name)}")

    # ---- records --------------------------------------------------------------------------------
    def count(self, collection: CollectionInfo) -> int:
        return int(self.call("GET", f"{self._at(collection)}/count"))

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
        """Write records; `vectors` (n, dimension), or base64 of float32 rows where the server's
        pre-flight says so. Metadata of a record that is there already is merged, not replaced."""
        body: JSON = {
            "ids": list(ids),
            "embeddings": vectors,
            "documents": documents,
            "metadatas": metadatas,
            "uris": uris,
        }
        self.call("POST", f"{self._at(collection)}/upsert", body)

    def update_metadata(
        self, collection: CollectionInfo, ids: Sequence[str], metadatas: Sequence[JSON]
    ) -> None:
        """Merge metadata into records that are there; a key whose value is None is removed."""
        body: JSON = {"ids": list(ids), "metadatas": list(metadatas)}
        self.call("POST", f"{self._at(collection)}/update", body)

    def delete(self, collection: CollectionInfo, ids: Sequence[str]) -> None:
        self.call("POST", f"{self._at(collection)}/delete", {"ids": list(ids)})

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
        """The raw answer; absent columns are None."""
        body = {
            "ids": list(ids) if ids is not None else None,
            "where": where,
            "where_document": where_document,
            "include": list(include),
            "limit": limit,
            "offset": offset,
        }
        body = {key: value for key, value in body.items() if value is not None}
        return dict(self.call("POST", f"{self._at(collection)}/get", body))

    def query(
        self,
        collection: CollectionInfo,
        vectors: np.ndarray,
        *,
        n_results: int = 10,
        where: JSON | None = None,
        ids: Sequence[str] | None = None,
        include: Sequence[str] = ("distances",),
    ) -> JSON:
        """Nearest neighbours of each row of `vectors`; `ids` and `distances` are lists of lists.

        `where`, `ids`: among those records only.
        """
        body: JSON = {
            "query_embeddings": vectors,
            "n_results": n_results,
            "include": list(include),
        }
        if where:
            body["where"] = where
        if ids is not None:
            body["ids"] = list(ids)
        return dict(self.call("POST", f"{self._at(collection)}/query", body))

    def page(self, collection: CollectionInfo, *, limit: int, offset: int) -> Page:
        raw = self.get(collection, include=EVERYTHING, limit=limit, offset=offset)
        return to_page(raw, collection.dimension or 0)

    def pages(self, collection: CollectionInfo, *, size: int = 1000) -> Iterator[Page]:
        """Every record, page by page, two pages in flight while the caller digests one.

        Paging is not a snapshot: under a writer, records may be seen twice or not at all.
        """
        with ThreadPoolExecutor(max_workers=2) as pool:
            offsets = iter(range(0, 1 << 62, size))

            def fetch() -> Any:
                return pool.submit(self.page, collection, limit=size, offset=next(offsets))

            flights = [fetch(), fetch()]
            while True:
                page = flights.pop(0).result()
                if not page.ids:
                    for flight in flights:
                        flight.cancel()
                    return
                if len(page.ids) == size:
                    flights.append(fetch())
                yield page
                if len(page.ids) < size:
                    return

    def _at(self, collection: CollectionInfo) -> str:
        return f"{base(collection.scope)}/collections/{collection.id}"


def quote(name: str) -> str:
    """A name as one path segment."""
    return urllib.parse.quote(name, safe="")


def base(scope: Scope) -> str:
    return f"/api/v2/tenants/{quote(scope.tenant)}/databases/{quote(scope.database)}"


def collection_info(raw: JSON) -> CollectionInfo:
    """Read one element of GET collections."""
    metadata, configuration = raw.get("metadata"), raw.get("configuration_json")
    if "hnsw_configuration" in (configuration or {}):
        configuration = None  # up to 1.0 that is the bare defaults, whatever it uses (measured)
    listed = CollectionInfo(
        id=raw["id"],
        name=raw["name"],
        tenant=raw["tenant"],
        database=raw["database"],
        dimension=raw.get("dimension"),
        metadata=metadata,
        configuration=configuration,
        schema=raw.get("schema"),
        space=space_of(None, configuration),
    )
    if listed.listing_decides:
        return listed
    return dataclasses.replace(listed, space=space_of(metadata, configuration))


def space_of(metadata: JSON | None, configuration: JSON | None) -> str:
    """The metric that the metadata name, else the one that the configuration lists.

    A guess for a listing that does not decide: `metric.true_space` asks.
    """
    legacy = (metadata or {}).get("hnsw:space")
    if isinstance(legacy, str):
        return legacy
    for index in ("hnsw", "spann"):
        settings = (configuration or {}).get(index)
        if settings and settings.get("space"):
            return str(settings["space"])
    return "l2"


def to_page(raw: JSON, dimension: int) -> Page:
    """Turn an answer of `get` with everything included into columns."""
    ids = raw["ids"]
    blank: list[Any] = [None] * len(ids)
    rows = raw.get("embeddings") or blank
    without = tuple(at for at, row in enumerate(rows) if row is None)
    if without:
        width = dimension or next((len(row) for row in rows if row is not None), 0)
        rows = [row if row is not None else [0.0] * width for row in rows]
    width = len(rows[0]) if rows else dimension
    vectors = np.asarray(rows, dtype=np.float32).reshape(len(ids), width)
    return Page(
        ids=ids,
        documents=raw.get("documents") or blank,
        metadatas=raw.get("metadatas") or blank,
        uris=raw.get("uris") or blank,
        vectors=vectors,
        without_vector=without,
    )


def connect(
    url: str, *, timeout_s: float = 30.0, headers: Mapping[str, str] | None = None
) -> Chroma:
    """Return a client of a Chroma 1.x server, or raise Unavailable with what answered instead."""
    if "/api/" in url:
        raise Unavailable(
            f"{without_password(url)} names an API path; give the server's base URL.",
            next_step="Chroma 1.x answers 410 on /api/v1; this harness speaks /api/v2 itself.",
        )
    chroma = Chroma(url, timeout_s=timeout_s, headers=headers)
    try:
        chroma.heartbeat()
        chroma.healthcheck()
    except (CallFailed, KeyError, TypeError, ValueError) as error:
        chroma.close()
        raise Unavailable(*_what_answered(url, error)) from error
    return chroma


def _what_answered(address: str, error: Exception) -> tuple[str]:
    url = without_password(address)
    if isinstance(error, CallFailed) and error.status == 0:
        return (f"No answer from {url}: {error.said}. Is the server running, and the port right?",)
    try:
        old = httpx.get(f"{address.rstrip('/')}/api/v1/heartbeat", timeout=5)
        speaks_v1 = old.status_code == 200 and "nanosecond heartbeat" in old.text
    except httpx.HTTPError:
        speaks_v1 = False
    if speaks_v1:
        return (
            f"{url} is a Chroma server older than 1.0 (it answers /api/v1 and has no"
            " /api/v2/healthcheck). This harness needs Chroma 1.x: upgrade the server.",
        )
    return (f"{url} answers, but is not a Chroma 1.x server: {error}",)
