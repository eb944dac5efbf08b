"""A proxy between clients and a server that makes it slow or wrong, to see who notices."""

from __future__ import annotations

import contextlib
import http.client
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from chromadrill.core.loopback_server import LoopbackServer

# of one connection alone, and made anew for the other
HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
DROPPED = 0  # instead of a status


@dataclass
class FaultyProxy:
    """What the proxy does; all of it may be changed while it runs.

    `delay_ms` is added to requests whose path ends in one of `path_ends`. `alter` changes the body
    of their answers. Requests whose path ends in one of `swallowed_ends` are acknowledged and not
    passed on. `requests`: method and last part of the path of every request.
    `refuse`: given the number of a request (from 1) and its path, the status that a gateway answers
    instead of the server, DROPPED to close the connection, None to let it through.
    `largest_body`: bytes of the largest request that is let through, larger ones are answered 413.
    `authorization`: the header without which every request is answered 401; "" asks for none.
    """

    url: str = ""
    path_ends: tuple[str, ...] = ("/query",)
    delay_ms: float = 0.0
    alter: Callable[[bytes], bytes] = bytes
    swallowed_ends: tuple[str, ...] = ()
    requests: list[str] = field(default_factory=list)
    refuse: Callable[[int, str], int | None] = lambda number, path: None
    authorization: str = ""
    largest_body: float = math.inf

    def refusal(self, path: str, authorization: str | None, size: int) -> int | None:
        """The status that the next request is answered instead of the server's; None: it passes."""
        refused = self.refuse(len(self.requests), path)
        if size > self.largest_body:
            return 413
        if self.authorization and authorization != self.authorization:
            return 401
        return refused


class _ProxyServer(LoopbackServer):
    """`over`: set at the end, so that no answer is held back any more."""

    def __init__(self, upstream: str) -> None:
        super().__init__(FaultyHandler)
        self.upstream, self.over = urlsplit(upstream), threading.Event()
        self.proxy = FaultyProxy(self.url)


class FaultyHandler(BaseHTTPRequestHandler):
    """One connection of a client, and its own one to the server behind."""

    server: _ProxyServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        address = self.server.upstream
        host = address.hostname or "127.0.0.1"
        self.upstream = http.client.HTTPConnection(host, address.port, timeout=60)

    def finish(self) -> None:
        super().finish()
        self.upstream.close()

    def forward(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        proxy.requests.append(f"{self.command} {self.path.rpartition('/')[2]}")
        status = proxy.refusal(self.path, self.headers.get("Authorization"), len(body))
        if status is not None:
            self._refuse(status)
        elif proxy.swallowed_ends and self.path.endswith(proxy.swallowed_ends):
            self._answer(201, "application/json", b"")
        else:
            self._pass_on(body)

    def _refuse(self, status: int) -> None:
        self.close_connection = True
        if status != DROPPED:
            self._answer(status, "text/html", b"<html>gateway</html>")

    def _pass_on(self, body: bytes) -> None:
        proxy = self.server.proxy
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
        try:
            self.upstream.request(self.command, self.path, body or None, headers)
            answer = self.upstream.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self.upstream.close()
            self.close_connection = True
            return
        if self.path.endswith(proxy.path_ends):
            content = proxy.alter(content)
            self.server.over.wait(proxy.delay_ms / 1000)
        self._answer(answer.status, answer.headers.get("Content-Type", ""), content)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:  # else the client would send its next request into it
            self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = forward

    def log_message(self, format: str, *args: Any) -> None:
        """The proxy is not what is watched."""


@contextlib.contextmanager
def faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """A proxy before `upstream`, a plain http URL, on a free port of 127.0.0.1.

    A server that is gone is gone through it, too: the connection is closed without an answer.
    """
    server = _ProxyServer(upstream)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.proxy
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
