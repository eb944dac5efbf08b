"""The HTTP side: tokens, limits, and answers that get lost on their way."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from chromadrill.core.clock import now
from chromadrill.targets.railway.simulator.api import Answers
from chromadrill.targets.railway.simulator.platform import Platform

PATH = "/graphql/v2"
A_SECOND = 50  # requests, as on plan Pro
LOSABLE = ("Create", "Restore")  # operations that the fault lost-request swallows


class Tokens:
    """One of each kind; nobody else gets in."""

    def __init__(self) -> None:
        self.project, self.account = secrets.token_urlsafe(24), secrets.token_urlsafe(24)

    def kind(self, headers: Any) -> str | None:
        project = headers.get("Project-Access-Token")
        if project is not None:
            return "project" if secrets.compare_digest(project, self.project) else None
        bearer = headers.get("Authorization", "")
        return "account" if secrets.compare_digest(bearer, f"Bearer {self.account}") else None


class Limits:
    """Answers 429 to more than fifty requests a second; with the fault to every third."""

    def __init__(self, *, every_third: bool) -> None:
        self._every_third, self._count = every_third, 0
        self._times: deque[float] = deque(maxlen=A_SECOND)
        self._lock = threading.Lock()

    def is_exceeded(self) -> bool:
        with self._lock:
            self._count += 1
            full = len(self._times) == A_SECOND and now() - self._times[0] < 1
            self._times.append(now())
            return full or (self._every_third and self._count % 3 == 0)


def serve(platform: Platform, tokens: Tokens, port: int) -> ThreadingHTTPServer:
    """A server on 127.0.0.1, not running yet. Raises OSError where the port is taken."""
    answers, lost = Answers(platform), set[str]()
    limits = Limits(every_third=platform.fault == "rate-limit")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            platform.calls += 1
            if self.path != PATH:
                return self._send(404, {"errors": [{"message": "Not Found"}]})
            if limits.is_exceeded():
                return self._send(429, {"errors": [{"message": "Too Many Requests"}]})
            kind = tokens.kind(self.headers)
            if kind is None:
                named = "Project-Access-Token" in self.headers
                said = "Project Token not found" if named else "Not Authorized"
                return self._send(200, {"errors": [{"message": said}], "data": None})
            try:
                asked = dict(orjson.loads(body))
            except (orjson.JSONDecodeError, TypeError, ValueError):
                return self._send(400, {"errors": [{"message": "Bad Request"}]})
            name = str(asked.get("operationName"))
            changes = str(asked.get("query")).startswith("mutation")
            if platform.fault == "lost-request" and name in LOSABLE:
                return self._hang_up()
            answer = answers.execute(asked, kind).formatted
            if platform.fault == "lost-response" and changes and name not in lost:
                lost.add(name)
                return self._hang_up()
            return self._send(200, answer)

        def _hang_up(self) -> None:
            self.close_connection = True

        def _send(self, status: int, answer: Any) -> None:
            content = orjson.dumps(answer)
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.send_header("x-ratelimit-limit", str(A_SECOND))
            if status == 429:
                self.send_header("retry-after", "1")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Nothing: a log of headers would hold tokens."""

    made = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    made.daemon_threads = True
    return made
