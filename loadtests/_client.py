"""One request: no redirects (load must not leave this machine), no retries, one deadline."""

from __future__ import annotations

import gevent
from geventhttpclient import HTTPClient

from chromadrill.load.operations import Operation

HEADERS = {"content-type": "application/json", "accept": "application/json"}


class Caller:
    """`most`: connections at once; an arrival never waits for another one's."""

    def __init__(self, host: str, *, timeout_s: float, most: int) -> None:
        self._timeout_s = timeout_s
        self._http = HTTPClient.from_url(
            host, concurrency=most, connection_timeout=timeout_s, network_timeout=timeout_s
        )

    def ask(self, operation: Operation) -> tuple[int | None, bytes]:
        """Status and body; status 0: the connection failed, None: no answer in time."""
        try:
            with gevent.Timeout(self._timeout_s):
                answer = self._http.post(operation.path, body=operation.body, headers=HEADERS)
                return answer.status_code, bytes(answer.read())
        except (gevent.Timeout, TimeoutError):
            return None, b""
        except Exception as error:  # whatever it was, the client got no answer
            return 0, f"{type(error).__name__}: {error}".encode()

    def close(self) -> None:
        self._http.close()
