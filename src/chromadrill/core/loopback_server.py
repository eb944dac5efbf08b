"""The HTTP servers of ours: on 127.0.0.1 alone."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackServer(ThreadingHTTPServer):
    """Serves on a port of 127.0.0.1, a thread to a connection; none of them outlives the process."""

    daemon_threads = True
    # on a busy machine a short queue makes clients wait for seconds
    request_queue_size = 500

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        """Port 0: one that is free. Raises OSError where the port is taken."""
        super().__init__(("127.0.0.1", port), handler)

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that the other side ended: that is no error of the server."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
