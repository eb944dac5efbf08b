"""A proxy between a client and a server that holds every search back: slow, and otherwise right."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import httpx

HOP = {"connection", "content-length", "host", "transfer-encoding", "keep-alive"}


class SlowSearches:
    """Listens on 127.0.0.1 while it is entered. `delay_s`: of each search, changeable at any time."""

    def __init__(self, url: str, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self._over = threading.Event()
        client = httpx.Client(base_url=url, timeout=60)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path.endswith("/query"):
                    proxy._over.wait(proxy.delay_s)
                sent = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
                try:
                    answer = client.request(self.command, self.path, content=body, headers=sent)
                except httpx.HTTPError:
                    self.close_connection = True  # as a server that is gone
                    return
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("content-type", "text/plain"))
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = do_PUT = do_DELETE = _pass

            def log_message(self, format: str, *args: Any) -> None:
                """The proxy is not what is watched."""

        self._http, self._client = ThreadingHTTPServer(("127.0.0.1", 0), Handler), client
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._http.shutdown()
        self._http.server_close()
        self._client.close()
