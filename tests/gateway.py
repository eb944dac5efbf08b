"""A gateway in front of real servers that misbehaves as a test says, to the byte."""

import contextlib
import http.client
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from chromadrill.core.loopback_server import LoopbackServer

HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}
DROPPED = b""  # the connection is closed without a word


def answer(status, body=b"<html>gateway</html>", *headers):
    """The bytes of a whole answer; `headers`: lines such as "Retry-After: 1"."""
    lines = [f"HTTP/1.1 {status} X", "Content-Type: text/html", f"Content-Length: {len(body)}",
             "Connection: close", *headers]  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Gateway:
    """`refuse(number, path)`: bytes to answer instead of the server, None to let the call through.

    `alter(number, path, status, body)`: bytes to answer in place of the server's own answer.
    `routes`: what paths begin with -> the URL of the server behind it. `headers`: of the last call,
    their names in small letters.
    """

    url: str = ""
    routes: dict = field(default_factory=dict)
    refuse: object = lambda number, path: None
    alter: object = lambda number, path, status, body: None
    calls: list = field(default_factory=list)
    headers: dict = field(default_factory=dict)

    def reset(self):
        """Let everything through again."""
        self.refuse = lambda number, path: None
        self.alter = lambda number, path, status, body: None
        self.calls.clear()


@contextlib.contextmanager
def gateway(**routes):
    """A gateway on a free port: `gateway(staging=URL)` serves /staging; `_=URL` serves all the rest."""
    front = Gateway(routes={f"/{k}" if k != "_" else "": urlsplit(v) for k, v in routes.items()})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def forward(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            front.calls.append(f"{self.command} {self.path}")
            front.headers = {name.lower(): value for name, value in self.headers.items()}
            number = len(front.calls)
            raw = front.refuse(number, self.path)
            if raw is None:
                status, content = self.pass_on(body)
                raw = front.alter(number, self.path, status, content)
                if raw is None:
                    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(content)}\r\n"
                    kind = "Content-Type: application/json\r\n\r\n"
                    self.wfile.write((head + kind).encode() + content)
                    return
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.wfile.write(raw)

        def pass_on(self, body):
            prefix = max(
                (p for p in front.routes if self.path.startswith(f"{p}/")), key=len, default=None
            )
            if prefix is None:
                return 404, b"<html>no such place</html>"
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
            server = front.routes[prefix]
            upstream = http.client.HTTPConnection(server.hostname, server.port, timeout=60)
            with contextlib.closing(upstream):
                upstream.request(self.command, self.path[len(prefix) :], body or None, headers)
                response = upstream.getresponse()
                return response.status, response.read()

        do_GET = do_POST = do_PUT = do_DELETE = forward

        def log_message(self, *_):
            pass

    server = LoopbackServer(Handler)
    front.url = server.url
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield front
    finally:
        server.shutdown()
        server.server_close()
