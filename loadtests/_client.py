"""One request: no redirects (load must not leave this machine), no retries, one deadline."""

from __future__ import annotations

import gevent
import orjson
from geventhttpclient import HTTPClient

from chromadrill.core.clock import now
from chromadrill.workload.load.requests import Operation

LOOK_UP_S = 1.0  # at most one look-up of a collection in that time
HEADERS = {"content-type": "application/json", "accept": "application/json"}


class Caller:
    """`most`: connections at once; an arrival never waits for another one's."""

    def __init__(self, host: str, *, timeout_s: float, most: int) -> None:
        self._timeout_s = timeout_s
        self._ids: dict[str, str] = {}  # of collections that have another one since the run began
        self._looked_up = -LOOK_UP_S
        self._http = HTTPClient.from_url(
            host, concurrency=most, connection_timeout=timeout_s, network_timeout=timeout_s
        )

    def ask(self, operation: Operation) -> tuple[int | None, bytes]:
        """Status and body; status 0: the connection failed, None: no answer in time."""
        try:
            with gevent.Timeout(self._timeout_s):
                found = self._ids.get(operation.named)
                path = operation.path_of(found) if found else operation.path
                answer = self._http.post(path, body=operation.body, headers=HEADERS)
                return answer.status_code, bytes(answer.read())
        except (gevent.Timeout, TimeoutError):
            return None, b""
        except Exception as error:  # whatever it was, the client got no answer
            return 0, f"{type(error).__name__}: {error}".encode()

    def look_up(self, operation: Operation) -> None:
        """A restored collection may have another id: later requests go to the one it has now."""
        if not operation.named or now() - self._looked_up < LOOK_UP_S:
            return
        self._looked_up = now()
        try:
            with gevent.Timeout(self._timeout_s):
                answer = self._http.get(operation.named, headers=HEADERS)
                content = bytes(answer.read())
                if answer.status_code == 200:
                    self._ids[operation.named] = str(orjson.loads(content)["id"])
        except (gevent.Timeout, Exception):  # noqa: S110 - the next arrival says what is wrong
            pass

    def close(self) -> None:
        self._http.close()
