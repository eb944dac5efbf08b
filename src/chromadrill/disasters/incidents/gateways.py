"""A gateway in front of a healthy server: an answer of the gateway says nothing of the data."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from chromadrill.core.loopback_server import LoopbackServer
from chromadrill.core.model import Outcome
from chromadrill.disasters.faulty_proxy import DROPPED, FaultyProxy, faulty_proxy
from chromadrill.disasters.incidents.incident import LIVE_BESIDE, Incidents, Places, Recipe
from chromadrill.disasters.incidents.lab import Lab, fill

GATEWAYS = Incidents("A gateway in front of a healthy server")


def behind(misbehave: Callable[[FaultyProxy], None]) -> Recipe:
    """A recipe: a healthy database, its fingerprint, and then it is asked through this gateway."""

    def recipe(lab: Lab) -> Iterator[Places]:
        with lab.database() as (chroma, scope), faulty_proxy(chroma.url) as proxy:
            fill(chroma, scope, "docs", 120)
            before = lab.fingerprint(chroma.url, scope)
            misbehave(proxy)
            yield {
                "url": proxy.url,
                "scope": str(scope),
                "before": before,
                "file": lab.folder / "export.jsonl",
            }

    return recipe


def refuse(rule: Callable[[int, str], int | None]) -> Recipe:
    """Behind a gateway that refuses by the number of the request and its path."""

    def misbehave(proxy: FaultyProxy) -> None:
        proxy.refuse = rule

    return behind(misbehave)


GATEWAYS.enter(
    "token expires half-way",
    "cockroachdb/cockroach#43005",
    "The credential of a long job ended in the middle of its work.",
    "401 from the ninth request on.",
    refuse(lambda number, path: 401 if number > 8 else None),
    command=LIVE_BESIDE,
    outcome=Outcome.UNKNOWN,
    message="401",
    since="0.2.0",
)
GATEWAYS.enter(
    "token expires during a backup",
    "cockroachdb/cockroach#43005",
    "The same while an export ran.",
    "401 from the ninth request on, and an export.",
    refuse(lambda number, path: 401 if number > 8 else None),
    command="backup --all --url {url} --scope {scope} --output-file {file}",
    outcome=Outcome.UNKNOWN,
    message="401",
    since="0.2.0",
)
GATEWAYS.enter(
    "ready before the data",
    "neo4j/helm-charts#337",
    "The service was ready, and for a while answered nothing but 503.",
    "503 from the fifth request to the last.",
    refuse(lambda number, path: 503 if number > 4 else None),
    command=LIVE_BESIDE,
    outcome=Outcome.UNKNOWN,
    message="503",
    since="0.2.0",
)
GATEWAYS.enter(
    "kept connections closed",
    "open-webui/terminals#24 chroma-core/chroma#1523 langchain-ai/langchain#2144",
    "Now and then a call failed, and the next one was fine.",
    "Each ninth connection is closed without an answer.",
    refuse(lambda number, path: DROPPED if number % 9 == 0 else None),
    command=LIVE_BESIDE,
    outcome=Outcome.PASS,
    since="0.2.0",
)


GATEWAYS.enter(
    "rate limit told as an outage",
    "kubernetes/ingress-nginx#2824",
    "Requests above the rate limit were answered 503, where 429 was meant.",
    "Each ninth request is answered 503.",
    refuse(lambda number, path: 503 if number % 9 == 0 else None),
    command=LIVE_BESIDE,
    outcome=Outcome.PASS,
    since="0.2.0",
)


def _answer_pages(proxy: FaultyProxy) -> None:
    proxy.path_ends = ("/get", "/query", "/count")
    proxy.alter = lambda body: b"<html><title>Sign in</title></html>"


GATEWAYS.enter(
    "a page instead of an answer",
    "exa-labs/exa-py#233",
    "A proxy answered with a page of its own; the client could not read it as JSON.",
    "Every answer about records is an HTML page with status 200.",
    behind(_answer_pages),
    command=LIVE_BESIDE,
    outcome=Outcome.UNKNOWN,
    since="0.2.0",
)


GATEWAYS.enter(
    "nothing behind the proxy",
    "chroma-core/chroma#1953",
    "Could not connect to tenant: a proxy answered 502 in the server's place.",
    "502 for every request.",
    refuse(lambda number, path: 502),
    command=LIVE_BESIDE,
    outcome=Outcome.UNKNOWN,
    message="502",
    since="0.2.0",
)


GATEWAYS.enter(
    "watched through a closed door",
    "cockroachdb/cockroach#43005 chroma-core/chroma#1953",
    "An alarm said that the data was wrong: the watcher's own access had ended.",
    "403 for every request of a monitor.",
    refuse(lambda number, path: 403),
    command="monitor --target {url} --scope {scope} --no-write --for 2s --time-scale 0.01",
    check="access",
    outcome=Outcome.UNKNOWN,
    since="0.2.0",
)


def _hang(proxy: FaultyProxy) -> None:
    proxy.delay_ms = 60_000


GATEWAYS.enter(
    "searches hang",
    "rocketride-org/rocketride-server#2214",
    "The server took the connection, and never answered a search; everything else was fine.",
    "No search is answered within a minute.",
    behind(_hang),
    command="monitor --target {url} --scope {scope} --no-write --for 1s --time-scale 0.01",
    check="wrong answers",
    outcome=Outcome.UNKNOWN,
    message="no answer within 10 s",
)


@GATEWAYS.add(
    "too large for the gateway",
    "chroma-core/chroma#5192 chroma-core/chroma#1458",
    "413 for a batch that the server itself would have taken.",
    command="restore --url {url} --input-file {file}",
    outcome=Outcome.PASS,
    since="0.2.0",
)
def too_large(lab: Lab) -> Iterator[Places]:
    """A restore through a gateway that takes 20 kB a request: in smaller parts."""
    file = lab.folder / "export.jsonl"
    with lab.database() as (chroma, scope), faulty_proxy(chroma.url) as proxy:
        fill(chroma, scope, "docs", 300, dimension=64)
        where = ("--url", chroma.url, "--scope", str(scope))
        lab.must_run("backup", "--all", *where, "--output-file", file)
        chroma.delete_collection(scope, "docs")
        proxy.largest_body = 20_000
        yield {"url": proxy.url, "file": file}


@contextmanager
def canned_server(answers: Mapping[str, bytes]) -> Iterator[str]:
    """The URL of a server that answers these paths, and 404 for the others."""

    class CannedHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path, b'{"detail":"Not Found"}')
            self.send_response(200 if self.path in answers else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = LoopbackServer(CannedHandler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()


@GATEWAYS.add(
    "newer client, older server",
    "chroma-core/chroma#3410 chroma-core/chroma#1308 chroma-core/chroma#2524",
    "After an upgrade of the client: could not connect to tenant default_tenant, 404.",
    command="triage --target {url}",
    check="access",
    outcome=Outcome.UNKNOWN,
    message="release 0.4.24",
    since="0.2.0",
)
def older_server(lab: Lab) -> Iterator[Places]:
    """A server that answers as 0.4.24 does, under /api/v1 alone."""
    answers = {
        "/api/v1/heartbeat": b'{"nanosecond heartbeat":1795979146159100372}',
        "/api/v1/version": b'"0.4.24"',
    }
    with canned_server(answers) as url:
        yield {"url": url}
