"""A thin client of Chroma's v2 HTTP API: exact status codes, and a deadline on every call.

It is not chromadb's own client, which hides status codes and retries: a verifier has to see both.
"""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

import httpx
import numpy as np
import orjson

from chromadrill.chroma import access_errors, api_values, ids_json, page_json
from chromadrill.chroma.api_values import collection_info, to_page
from chromadrill.chroma.call_failed import CLOSED, CallFailed
from chromadrill.chroma.permissions import access_to, is_repeatable
from chromadrill.chroma.row_requests import RowRequests, encode, joined
from chromadrill.core.http import http_client, proxy_variable
from chromadrill.core.model import JSON, CollectionInfo, Page, Scope
from chromadrill.core.redaction import mask_secrets
from chromadrill.core.urls import without_password

T = TypeVar("T")
Loads = Callable[[bytes], Any]
PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0  # before a read is sent again; as long as a server may ask for
__all__ = ["ALL_COLUMNS", "CallFailed", "Chroma", "quote", "scope_path"]

ALL_COLUMNS = ("documents", "metadatas", "uris", "embeddings")


class Chroma:
    """One Chroma server. `timeout_s` bounds each call: a slow answer is a failed call.

    `behind_gateway`: whether something that is not ours may stand in front of it. Then failed calls
    are told apart (`access_errors`), and what may be sent twice is sent once more where the first try
    did not get through. A server that this process started is asked once, and answers for everything
    itself. Rows that are too many for one request (413) are sent in parts.
    `longest_pause_s`: how long a second try may wait, whatever is asked for (Retry-After).

    The attribute `url` has no password in it, since it goes into messages, exports and reports.
    Every call raises CallFailed for every status but 2xx and for every transport error, and Refused
    where this process may not make it (`permissions`).
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 30.0,
        headers: Mapping[str, str] | None = None,
        behind_gateway: bool = False,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self.url = without_password(url.rstrip("/"))
        self.behind_gateway, self.calls = behind_gateway, 0
        self._rows = RowRequests()
        self._timeout_s, self._longest_pause_s = timeout_s, longest_pause_s
        self._access = access_to(url)
        self._http = http_client(
            url,
            base_url=True,
            timeout_s=timeout_s,
            headers={**self._access.headers(), **(headers or {})},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the server."""
        self._http.close()

    def call(self, method: str, path: str, body: JSON | None = None) -> Any:
        """Send one request; return the decoded JSON of the answer, None for an empty one."""
        return self._call(method, path, body, None if body is None else encode(body))

    def _call(
        self,
        method: str,
        path: str,
        body: JSON | None,
        content: bytes | None,
        loads: Loads = orjson.loads,
    ) -> Any:
        self._access.require_allowed(method, path, body)
        value = self._value(f"{method} {path}", self._answer(method, path, content), loads)
        self._access.record(method, path, body, value)
        return value

    def _post_rows(self, path: str, body: JSON, *columns: str) -> list[Any]:
        """POST a body of many rows, in parts where it is too large; return the answers.

        `columns`: the keys of `body` with a value for each row.
        """

        def name_row(one: JSON) -> str:
            return f"record '{one['ids'][0]}'" if "ids" in columns else "one vector"

        return self._rows.send(
            lambda part, content: self._call("POST", path, part, content), body, columns, name_row
        )

    def _answer(self, method: str, path: str, content: bytes | None) -> httpx.Response:
        """The answer; behind a gateway that of a second try, where the first did not get through."""
        if not (self.behind_gateway and is_repeatable(method, path)):
            return self._send(method, path, content)
        try:
            answer = self._send(method, path, content)
        except CallFailed as error:
            if not error.is_access:
                raise
            return self._send(method, path, content)  # on a connection of its own
        if answer.status_code not in access_errors.TEMPORARY:
            return answer
        pause_s = access_errors.retry_after_s(answer.headers.get("retry-after", ""))
        time.sleep(min(PAUSE_S if pause_s is None else pause_s, self._longest_pause_s))
        return self._send(method, path, content)

    def _send(self, method: str, path: str, content: bytes | None) -> httpx.Response:
        """Send one request; raise CallFailed where no answer came."""
        name = f"{method} {path}"
        self._access.take_turn()
        self.calls += 1
        try:
            return self._http.request(
                method, path, content=content, headers={"content-type": "application/json"}
            )
        except httpx.TimeoutException as error:
            raise CallFailed(name, 0, f"no answer within {self._timeout_s:g} s") from error
        except access_errors.DROPPED as error:
            message = f"{CLOSED} ({type(error).__name__}: {error})"
            raise CallFailed(name, 0, message, is_access=self.behind_gateway) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            variable = proxy_variable(self.url) if isinstance(error, httpx.ConnectError) else ""
            through = f", asked through the proxy that {variable} names" if variable else ""
            raise CallFailed(name, 0, f"{type(error).__name__}: {error}{through}") from error

    def _value(self, name: str, answer: httpx.Response, loads: Loads) -> Any:
        """The JSON of a successful answer, None for an empty one; else raise CallFailed."""
        status = answer.status_code
        if not answer.is_success:
            problem = access_errors.access_problem(status, answer.content)
            # a gateway may quote a header
            text = mask_secrets(answer.text[:5000])[:300].replace("\n", " ")
            if problem and self.behind_gateway:
                problem += f", after {self.calls} calls"
                text = f"{problem}: {text}" if text else problem
                raise CallFailed(name, status, text, is_access=True)
            raise CallFailed(name, status, text)
        try:
            return loads(answer.content) if answer.content else None
        except orjson.JSONDecodeError as error:
            raise CallFailed(
                name, status, f"answer is not JSON: {error}", is_access=self.behind_gateway
            ) from error

    def read(
        self, shape: Callable[[Any], T], method: str, path: str, body: JSON | None = None
    ) -> T:
        """The answer to one request in the form that Chroma gives it; else raise CallFailed."""
        return self._shaped(shape, f"{method} {path}", self.call(method, path, body))

    def _shaped(self, shape: Callable[[Any], T], name: str, value: Any) -> T:
        try:
            return shape(value)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            is_access = self.behind_gateway and not access_errors.is_chroma_error(value)
            message = f"this is no answer of Chroma's: {error!r}"
            raise CallFailed(name, 200, message, is_access=is_access) from error

    def take_turn_ahead(self) -> None:
        """Wait now, and not within the next call, where this server is asked only so often."""
        self._access.take_turn_ahead()

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
        self._post_rows(f"{self._path(collection)}/upsert", body, *body)

    def update_metadata(
        self, collection: CollectionInfo, ids: Sequence[str], metadatas: Sequence[JSON]
    ) -> None:
        """Merge metadata into records that are there. A key whose value is None is removed."""
        body: JSON = {"ids": list(ids), "metadatas": list(metadatas)}
        self._post_rows(f"{self._path(collection)}/update", body, *body)

    def delete(self, collection: CollectionInfo, ids: Sequence[str]) -> None:
        """Delete the records `ids`; an id that is not there is no error."""
        self._post_rows(f"{self._path(collection)}/delete", {"ids": list(ids)}, "ids")

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
        answers = self._post_rows(path, body, "ids")
        return joined([self._shaped(api_values.records, f"POST {path}", part) for part in answers])

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
        value = self._call("POST", path, body, encode(body), ids_json.loads)
        return self._shaped(ids_json.ids_text, f"POST {path}", value)

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
        """Return the nearest neighbours of each row of `vectors` (n, dimension).

        `ids` and `distances` of the answer hold one list for each row. With `where` or `ids` only
        those records are searched.
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
        path = f"{self._path(collection)}/query"
        parts = self._post_rows(path, body, "query_embeddings")
        whole = joined(
            [self._shaped(api_values.neighbours, f"POST {path}", part) for part in parts]
        )
        return self._shaped(
            lambda raw: api_values.of_rows(raw, len(vectors)), f"POST {path}", whole
        )

    def page(self, collection: CollectionInfo, *, limit: int, offset: int) -> Page:
        """Return up to `limit` records from number `offset` on, with all their columns."""
        body = {"include": list(ALL_COLUMNS), "limit": limit, "offset": offset}
        path = f"{self._path(collection)}/get"
        raw = self._call("POST", path, body, encode(body), page_json.loads)
        return to_page(
            self._shaped(api_values.records, f"POST {path}", raw), collection.dimension or 0
        )

    def pages(self, collection: CollectionInfo, *, size: int = 1000) -> Iterator[Page]:
        """Yield every record, `size` to a page, two pages in flight while the caller digests one.

        Paging is not a snapshot: under a writer, records may come twice or not at all.
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

    def _path(self, collection: CollectionInfo) -> str:
        return f"{scope_path(collection.scope)}/collections/{collection.id}"


def quote(name: str) -> str:
    """Return a name as one segment of a path."""
    return urllib.parse.quote(name, safe="")


def scope_path(scope: Scope) -> str:
    """Return the path of a database in the API."""
    return f"/api/v2/tenants/{quote(scope.tenant)}/databases/{quote(scope.database)}"
