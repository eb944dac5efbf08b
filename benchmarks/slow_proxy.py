"""python -m benchmarks.slow_proxy --upstream URL: a Chroma server made worse, to see who notices.

Queries are delayed, or answered fast and wrongly; everything else is passed on. Prints its own URL.
"""

from __future__ import annotations

import argparse
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import orjson


def emptied(answer: dict) -> dict:
    """No neighbours at all."""
    return {**answer, "ids": [[]], "documents": [[]], "distances": [[]]}


def swapped(answer: dict) -> dict:
    """The right documents under each other's ids."""
    return {**answer, "ids": [list(reversed(ids)) for ids in answer["ids"]]}


WRONG = {"empty": emptied, "swapped": swapped}


def proxy(
    upstream: str, *, delay_ms: float = 0.0, wrong: str | None = None, switch: Path | None = None
) -> ThreadingHTTPServer:
    """A server on a loopback port of its own; the caller serves and shuts it down.

    `switch`: made worse only while this file exists, so that a run's look-ups see a healthy source.
    """
    http = httpx.Client(base_url=upstream, timeout=60, limits=httpx.Limits(max_connections=500))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            worse = self.path.endswith("/query") and (switch is None or switch.exists())
            if worse:
                time.sleep(delay_ms / 1000)
            answer = http.request(
                self.command, self.path, content=body, headers={"content-type": "application/json"}
            )
            content = answer.content
            if worse and wrong:
                content = orjson.dumps(WRONG[wrong](orjson.loads(content)))
            self.send_response(answer.status_code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = pass_on

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 500

    return Server(("127.0.0.1", 0), Handler)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow_proxy", description=__doc__)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--delay-ms", type=float, default=0.0, help="added to every query")
    parser.add_argument("--wrong", choices=sorted(WRONG), help="answer queries fast and wrongly")
    parser.add_argument("--switch", type=Path, help="only while this file exists")
    asked = parser.parse_args()
    server = proxy(asked.upstream, delay_ms=asked.delay_ms, wrong=asked.wrong, switch=asked.switch)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
