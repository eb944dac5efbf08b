"""A reference workload, timed between the rounds: how fast is this machine just now?

A process answers one loopback HTTP request at a time with the same work, whatever Chroma does. What
makes it slower (a neighbour on the machine, another clock rate) makes a search slower too, so the
quotient of the two stays. Run as a program this module is that server; it ends with its owner.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer

# Hashed once a request: about 2 ms. Not less: what is much shorter than a search is seldom
# interrupted by other work, and would not see the noise that a search sees.
WORK = b"chromadrill" * 360_000
ANSWER_S = 30.0


class ReferenceWorkload:
    """`with ReferenceWorkload() as work: work.measure()`. Raises OSError when it does not answer."""

    def __enter__(self) -> ReferenceWorkload:
        self._server = subprocess.Popen(
            [sys.executable, "-I", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._server.stdout is not None  # noqa: S101 - for the type checker
        port = int(self._server.stdout.readline() or b"0")
        self._http = HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
        return self

    def measure(self) -> float:
        """Milliseconds of one piece of work."""
        started = time.monotonic()
        self._http.request("POST", "/", b"x" * 4096)
        self._http.getresponse().read()
        return 1000 * (time.monotonic() - started)

    def __exit__(self, *_: object) -> None:
        self._http.close()
        # it ends when its standard input does
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._server.communicate(timeout=5)
        self._server.kill()
        self._server.wait()


class _ReferenceHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = hashlib.sha256(WORK).hexdigest().encode() * 64
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


def main() -> None:
    """Serve until standard input ends, however its owner does."""
    server = HTTPServer(("127.0.0.1", 0), _ReferenceHandler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
