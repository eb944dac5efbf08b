"""One request: no redirects (load must not leave this machine), no retries, one deadline."""

from __future__ import annotations

import base64
from urllib.parse import SplitResult, unquote, urlsplit

import gevent
import orjson
from geventhttpclient import HTTPClient

from chromadrill.chroma.permissions import access_to
from chromadrill.core.clock import now
from chromadrill.workload.load.requests import LoadRequest

LOOK_UP_S = 1.0  # at most one look-up of a collection in that time
HEADERS = {"content-type": "application/json", "accept": "application/json"}


class Caller:
    """`connections`: at once; an arrival never waits for another one's."""

    def __init__(self, host: str, *, timeout_s: float, connections: int) -> None:
        self._timeout_s = timeout_s
        parts = urlsplit(host)
        self._below = parts.path.rstrip("/")  # of the server, where a gateway tells several by it
        self._headers = {**HEADERS, **_basic(parts), **access_to(host).headers()}
        self._ids: dict[str, str] = {}  # of collections that have another one since the run began
        self._looked_up = -LOOK_UP_S
        self._http = HTTPClient.from_url(
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            concurrency=connections,
            connection_timeout=timeout_s,
            network_timeout=timeout_s,
        )

    def ask(self, request: LoadRequest) -> tuple[int | None, bytes]:
        """Status and body; status 0: the connection failed, None: no answer in time."""
        try:
            with gevent.Timeout(self._timeout_s):
                new_id = self._ids.get(request.collection_path)
                path = request.path_with(new_id) if new_id else request.path
                answer = self._http.post(
                    self._below + path, body=request.body, headers=self._headers
                )
                return answer.status_code, bytes(answer.read())
        except (gevent.Timeout, TimeoutError):
            return None, b""
        except Exception as error:  # whatever it was, the client got no answer
            return 0, f"{type(error).__name__}: {error}".encode()

    def look_up(self, request: LoadRequest) -> None:
        """A restored collection may have another id: later requests go to the one it has now."""
        if not request.collection_path or now() - self._looked_up < LOOK_UP_S:
            return
        self._looked_up = now()
        try:
            with gevent.Timeout(self._timeout_s):
                answer = self._http.get(
                    self._below + request.collection_path, headers=self._headers
                )
                content = bytes(answer.read())
                if answer.status_code == 200:
                    self._ids[request.collection_path] = str(orjson.loads(content)["id"])
        except (gevent.Timeout, Exception):  # noqa: S110 - the next arrival says what is wrong
            pass

    def close(self) -> None:
        self._http.close()


def _basic(parts: SplitResult) -> dict[str, str]:
    """The header that user and password of a URL become."""
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
