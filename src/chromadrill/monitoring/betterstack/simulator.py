"""A simulator of Better Stack's APIs over HTTP, made from its documents, never from the real thing.

JSON:API answers, pages of at most 50, 409 for what is acknowledged or resolved already, 422 for
values that do not exist, 429 on demand, heartbeats that stay `pending` (and silent) until their
first ping. Monitors are stored and not run; a heartbeat opens and resolves incidents.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from chromadrill.core.clock import utc_now
from chromadrill.core.loopback_server import LoopbackServer

JSON = dict[str, Any]
PER_PAGE = 50
TYPES = {
    "status", "expected_status_code", "keyword", "keyword_absence", "ping", "tcp", "udp", "smtp",
    "pop", "imap", "dns", "playwright",
}  # fmt: skip
# what may be created over the API: path -> required attributes
KINDS = {
    "/api/v2/monitors": ("monitor", ("url", "monitor_type")),
    "/api/v2/heartbeats": ("heartbeat", ("name", "period")),
    "/api/v3/policies": ("policy", ("name", "steps")),
    "/api/v3/incidents": ("incident", ("summary", "requester_email")),
    "/api/v2/sources": ("source", ("name", "platform")),
    "/api/v2/explorations": ("exploration", ("name",)),
}
ALERTS = re.compile(r"/api/v2/explorations/(\d+)/alerts")
TELEMETRY = re.compile(r"/api/v2/(sources|explorations)")
DEFAULTS: dict[str, JSON] = {
    "monitor": {
        "check_frequency": 180, "request_timeout": 30, "confirmation_period": 0,
        "recovery_period": 180, "paused": False, "status": "pending", "http_method": "GET",
        "policy_id": None, "expected_status_codes": [], "required_keyword": None,
    },
    "heartbeat": {"grace": 0, "paused": False, "status": "pending", "policy_id": None},
    "alert": {"paused": False, "on_missing_data": "treat_as_zero", "confirmation_period": 0},
}  # fmt: skip


@dataclass
class SimulatedAccount:
    """What an account holds. `scale` shortens the periods of heartbeats."""

    uptime_token: str
    telemetry_token: str
    ingest_token: str
    scale: float = 1.0
    rows: dict[str, dict[str, JSON]] = field(default_factory=dict)  # path -> id -> attributes
    pings: dict[str, float] = field(default_factory=dict)  # heartbeat id -> when
    received: list[JSON] = field(default_factory=list)
    refuse: int = 0  # so many requests are answered 429 first
    _next: int = 1000

    def add(self, path: str, kind: str, attributes: JSON) -> tuple[str, JSON]:
        self._next += 1
        row = {**DEFAULTS.get(kind, {}), "created_at": utc_now(), **attributes}
        self.rows.setdefault(path, {})[str(self._next)] = row
        return str(self._next), row

    def of(self, path: str) -> dict[str, JSON]:
        return self.rows.setdefault(path, {})

    # ---- heartbeats and incidents ---------------------------------------------------------------
    def ping(self, token: str, ending: str) -> bool:
        """A ping: nothing or `0` is good, `fail` or another exit code is not."""
        for key, heartbeat in self.of("/api/v2/heartbeats").items():
            if heartbeat["_token"] == token:
                self.pings[key] = time.monotonic()
                good = ending in ("", "0")
                heartbeat["status"] = "up" if good else "down"
                if good:
                    self.resolve(key)
                elif not heartbeat["paused"]:
                    self.open(key, heartbeat, f"heartbeat reported {ending}")
                return True
        return False

    def tick(self) -> None:
        """Heartbeats that are overdue; one that was never pinged is not."""
        for key, heartbeat in self.of("/api/v2/heartbeats").items():
            last = self.pings.get(key)
            late_s = (heartbeat["period"] + heartbeat["grace"]) * self.scale
            is_due = heartbeat["status"] == "up" and not heartbeat["paused"]
            if is_due and last is not None and time.monotonic() - last > late_s:
                heartbeat["status"] = "down"
                self.open(key, heartbeat, "heartbeat missed")

    def open(self, key: str, heartbeat: JSON, cause: str) -> None:
        incidents = self.of("/api/v3/incidents").values()
        if any(row["_heartbeat"] == key and not row["resolved_at"] for row in incidents):
            return
        self.add("/api/v3/incidents", "incident", incident(heartbeat["name"], cause, key))

    def resolve(self, key: str) -> None:
        for row in self.of("/api/v3/incidents").values():
            if row["_heartbeat"] == key and not row["resolved_at"]:
                row.update(resolved_at=utc_now(), status="Resolved")


def incident(name: str, cause: str, heartbeat: str | None) -> JSON:
    return {
        "name": name, "cause": cause, "started_at": utc_now(), "acknowledged_at": None,
        "resolved_at": None, "status": "Started", "_heartbeat": heartbeat,
    }  # fmt: skip


class Reply(Exception):
    """The answer to a request: status and body."""

    def __init__(self, status: int, body: Any = None, **headers: str) -> None:
        self.status, self.body, self.headers = status, body, headers


def answer(
    account: SimulatedAccount, method: str, url: str, token: str, body: bytes, base: str
) -> Reply:
    """One request, without the wire."""
    parsed = urlsplit(url)
    path = parsed.path.rstrip("/")
    beat = re.fullmatch(r"/api/v1/heartbeat/([^/]+)(?:/([^/]+))?", path)
    if beat:
        known = account.ping(beat[1], beat[2] or "")
        return Reply(200 if known else 404, "OK" if known else "Heartbeat not found")
    if method == "POST" and path in ("", "/ingest"):
        return _ingest(account, token, body)
    if account.refuse:
        account.refuse -= 1
        return Reply(429, {"errors": "Too many requests"}, **{"Retry-After": "0"})
    right = account.telemetry_token if TELEMETRY.match(path) else account.uptime_token
    if token != right:
        return Reply(
            401, {"errors": "Invalid Team API token. How to find your Team API token: ..."}
        )
    try:
        attributes = json.loads(body) if body else {}
    except json.JSONDecodeError:
        return Reply(400, {"errors": "not JSON"})
    return _rest(account, method, path, parse_qs(parsed.query), attributes, base)


def _ingest(account: SimulatedAccount, token: str, body: bytes) -> Reply:
    if token != account.ingest_token:
        return Reply(403, "Unauthorized")
    try:
        events = json.loads(body)
    except json.JSONDecodeError:
        return Reply(406, "Couldn't parse the content")
    account.received += events if isinstance(events, list) else [events]
    return Reply(202)


def _rest(account: SimulatedAccount, method: str, path: str, query: dict[str, list[str]], sent: JSON,
          base: str) -> Reply:  # fmt: skip
    alerts = ALERTS.match(path)
    collection = next((kind for kind in KINDS if path == kind or path.startswith(kind + "/")), "")
    kind, required = KINDS.get(collection, ("", ()))
    if alerts:
        collection, kind, required = alerts[0], "alert", ("name", "alert_type", "operator")
    if not kind:
        return Reply(404, {"errors": "Not found"})
    rest = path.removeprefix(collection).strip("/").split("/")
    if rest == [""]:
        if method == "GET":
            return _page(account, collection, kind, query, base)
        return _create(account, collection, kind, required, sent, base)
    row = account.of(collection).get(rest[0])
    if row is None:
        return Reply(404, {"errors": f"Resource type {kind} with id = {rest[0]} was not found"})
    if rest[1:]:
        return _act(row, rest[1], kind, rest[0])
    if method == "DELETE":
        del account.of(collection)[rest[0]]
        return Reply(204)
    if method == "PATCH":
        wrong = _wrong(kind, {**row, **sent})
        if wrong:
            return Reply(422, {"errors": wrong})
        row.update(sent)
    return Reply(200, {"data": _view_of(kind, rest[0], row)})


def _create(account: SimulatedAccount, collection: str, kind: str, required: tuple[str, ...], sent: JSON,
            base: str) -> Reply:  # fmt: skip
    wrong = {name: ["can't be blank"] for name in required if not sent.get(name)}
    wrong |= _wrong(kind, sent)
    if wrong:
        return Reply(422, {"errors": wrong})
    if kind == "heartbeat":
        token = secrets.token_urlsafe(12)
        sent = {**sent, "_token": token, "url": f"{base}/api/v1/heartbeat/{token}"}
    if kind == "incident":
        sent = incident(sent["summary"], sent["summary"], None)
    key, row = account.add(collection, kind, sent)
    return Reply(201, {"data": _view_of(kind, key, row)})


def _wrong(kind: str, sent: JSON) -> JSON:
    wrong: JSON = {}
    if kind == "monitor":
        if sent.get("monitor_type", "status") not in TYPES:
            wrong["monitor_type"] = ["is not included in the list"]
        if sent.get("request_timeout", 30) not in (2, 3, 5, 10, 15, 30, 45, 60):
            wrong["request_timeout"] = ["is not included in the list"]
    if kind == "heartbeat" and sent.get("period", 30) < 30:
        wrong["period"] = ["must be greater than or equal to 30"]
    return wrong


def _act(row: JSON, verb: str, kind: str, key: str) -> Reply:
    stamp = {"acknowledge": "acknowledged_at", "resolve": "resolved_at"}.get(verb)
    if kind != "incident" or stamp is None:
        return Reply(404, {"errors": "Not found"})
    if row[stamp]:
        return Reply(409, {"errors": f"This incident was already {stamp.removesuffix('_at')}"})
    row[stamp] = utc_now()
    row["status"] = "Acknowledged" if verb == "acknowledge" else "Resolved"
    return Reply(200, {"data": _view_of(kind, key, row)})


def _page(
    account: SimulatedAccount, path: str, kind: str, query: dict[str, list[str]], base: str
) -> Reply:
    rows = list(account.of(path).items())
    for name in ("url", "pronounceable_name"):
        if name in query:
            rows = [row for row in rows if row[1].get(name) == query[name][0]]
    page = int(query.get("page", ["1"])[0])
    size = min(PER_PAGE, int(query.get("per_page", ["50"])[0]))
    last = max(1, -(-len(rows) // size))

    def link(number: int) -> str | None:
        return f"{base}{path}?page={number}&per_page={size}" if 1 <= number <= last else None

    on_page = rows[(page - 1) * size : page * size]
    pages = {"first": link(1), "last": link(last), "prev": link(page - 1), "next": link(page + 1)}
    return Reply(
        200, {"data": [_view_of(kind, key, row) for key, row in on_page], "pagination": pages}
    )


def _view_of(kind: str, key: str, row: JSON) -> JSON:
    attributes = {name: value for name, value in row.items() if not name.startswith("_")}
    return {"id": key, "type": kind, "attributes": attributes}


class BetterStackSimulator:
    """Serves an account on a port of 127.0.0.1, inside a `with` block."""

    def __init__(self, account: SimulatedAccount, port: int = 0) -> None:
        self.account = account
        handler = type("Handler", (_BetterStackHandler,), {"simulator": self})
        self._http = LoopbackServer(handler, port)
        self.url = self._http.url
        self.lock = threading.Lock()
        self._over = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._http.shutdown()
        self._http.server_close()

    def _tick(self) -> None:
        while not self._over.wait(0.1):
            with self.lock:
                self.account.tick()


class _BetterStackHandler(BaseHTTPRequestHandler):
    simulator: BetterStackSimulator
    protocol_version = "HTTP/1.1"
    # else each answer waits 40 ms for the acknowledgement of its headers
    disable_nagle_algorithm = True

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        body, base = self.rfile.read(length), self.simulator.url
        with self.simulator.lock:
            response = answer(self.simulator.account, self.command, self.path, token, body, base)
        content = b"" if response.body is None else json.dumps(response.body).encode()
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PATCH = do_DELETE = _do

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: paths of heartbeats are secrets."""
