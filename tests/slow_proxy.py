"""A small loopback proxy: makes a server slower or wrong, to see what judges it say so."""

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """`delay_ms` is added to requests whose path `ends` so, `alter` changes the body of their answers.

    All of it may be changed while it runs.
    """

    url: str = ""
    ends: tuple[str, ...] = ("/query",)
    delay_ms: float = 0.0
    alter: Callable[[bytes], bytes] = bytes
    swallow: tuple[str, ...] = ()  # requests whose path ends so are acknowledged, and not passed on
    seen: list[str] = field(default_factory=list)  # the last part of every path asked


@contextmanager
def proxied(upstream: str) -> Iterator[Proxy]:
    """A proxy before `upstream`, which is a loopback URL, on a free port of 127.0.0.1."""
    proxy = Proxy()
    address = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self):
            super().setup()
            self.upstream = http.client.HTTPConnection(address.hostname, address.port, timeout=60)

        def finish(self):
            super().finish()
            self.upstream.close()

        def forward(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            proxy.seen.append(f"{self.command} {self.path.rpartition('/')[2]}")
            kind = {"content-type": "application/json"}
            if proxy.swallow and self.path.endswith(proxy.swallow):
                self.send_response(201)
                self.send_header("content-length", "0")
                self.end_headers()
                return
            self.upstream.request(self.command, self.path, body or None, kind)
            answer = self.upstream.getresponse()
            data = answer.read()
            if self.path.endswith(proxy.ends):
                data = proxy.alter(data)
                time.sleep(proxy.delay_ms / 1000)
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers.get("content-type", ""))
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = forward

        def log_message(self, *_):
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
