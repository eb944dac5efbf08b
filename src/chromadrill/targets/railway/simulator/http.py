"""The HTTP side: tokens, limits, and answers that get lost on their way."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler
from typing import Any

import orjson

from chromadrill.core.clock import now
from chromadrill.core.loopback_server import LoopbackServer
from chromadrill.targets.railway.simulator.api import Answers
from chromadrill.targets.railway.simulator.platform import Platform

PATH = "/graphql/v2"
A_SECOND = 50  # requests, as on plan Pro
RETRY_AFTER_S = 1
LOSABLE = ("Create", "Restore")  # operations that the fault lost-request swallows


class Tokens:
    """One of each kind; nobody else gets in."""

    def __init__(self) -> None:
        self.project, self.account = secrets.token_urlsafe(24), secrets.token_urlsafe(24)

    def kind(self, headers: Any) -> str | None:
        """Which of the two a request shows; None where it shows neither."""
        project = headers.get("Project-Access-Token")
        if project is not None:
            return "project" if secrets.compare_digest(project, self.project) else None
        bearer = headers.get("Authorization", "")
        return "account" if secrets.compare_digest(bearer, f"Bearer {self.account}") else None


class RateLimit:
    """More than fifty requests a second are too many; with the fault every third one is."""

    def __init__(self, *, every_third: bool) -> None:
        self._every_third, self._count = every_third, 0
        self._times: deque[float] = deque(maxlen=A_SECOND)
        self._lock = threading.Lock()

    def is_exceeded(self) -> bool:
        """Count a request, and say whether it is one too many."""
        with self._lock:
            self._count += 1
            full = len(self._times) == A_SECOND and now() - self._times[0] < 1
            self._times.append(now())
            return full or (self._every_third and self._count % 3 == 0)


class _RailwayServer(LoopbackServer):
    """`lost`: operations whose first answer was lost already."""

    def __init__(self, platform: Platform, tokens: Tokens, port: int) -> None:
        super().__init__(RailwayHandler, port)
        self.platform, self.tokens, self.answers = platform, tokens, Answers(platform)
        self.limit = RateLimit(every_third=platform.fault == "rate-limit")
        self.lost: set[str] = set()


class RailwayHandler(BaseHTTPRequestHandler):
    """Answers as Railway does, or loses what the platform's fault says."""

    server: _RailwayServer
    protocol_version = "HTTP/1.1"
    # else each answer waits 40 ms for the acknowledgement of its headers
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        request = _parse(self.rfile.read(int(self.headers.get("content-length", 0))))
        name = str(request.get("operationName"))
        self.server.platform.calls.append(name)
        if self.path != PATH:
            return self._send(404, {"errors": [{"message": "Not Found"}]})
        if self.server.limit.is_exceeded():
            return self._send(429, {"errors": [{"message": "Too Many Requests"}]})
        kind = self.server.tokens.kind(self.headers)
        if kind is None:
            is_project = "Project-Access-Token" in self.headers
            message = "Project Token not found" if is_project else "Not Authorized"
            return self._send(200, {"errors": [{"message": message}], "data": None})
        if not request:
            return self._send(400, {"errors": [{"message": "Bad Request"}]})
        return self._execute(request, name, kind)

    def _execute(self, request: dict[str, Any], name: str, kind: str) -> None:
        fault, lost = self.server.platform.fault, self.server.lost
        if fault == "lost-request" and name in LOSABLE:
            return self._hang_up()
        answer = self.server.answers.execute(request, kind).formatted
        changes = str(request.get("query")).startswith("mutation")
        if fault == "lost-response" and changes and name not in lost:
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
            self.send_header("retry-after", str(RETRY_AFTER_S))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing: a log of headers would hold tokens."""


def serve(platform: Platform, tokens: Tokens, port: int) -> LoopbackServer:
    """A server on 127.0.0.1, not running yet. Raises OSError where the port is taken."""
    return _RailwayServer(platform, tokens, port)


def _parse(body: bytes) -> dict[str, Any]:
    """The request; empty where it is no JSON object."""
    try:
        return dict(orjson.loads(body))
    except (orjson.JSONDecodeError, TypeError, ValueError):
        return {}
