"""Telling others, against a real server on this machine: whatever it does, nothing is raised."""

import json
import logging
import re
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from chromadrill.core.errors import UsageError
from chromadrill.core.redaction import secrets_of
from chromadrill.core.settings import load
from chromadrill.evidence.notify import notify
from tests.evidence.plain_records import record, scenario, verdict

TOKEN = "T0P-SECRET-token-8f3a"
SEEN = verdict("disaster seen", "pass")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def listening(status=200, headers=(), release=None, drip=False):
    """A server that keeps what it was sent, and answers `status` once `release` is set."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            got.append((self.command, self.path, self.rfile.read(length)))
            if drip:
                while not release.wait(0.05):
                    self.wfile.write(b"H")
                    self.wfile.flush()
                return
            if release:
                release.wait(30)
                return
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request, client_address):
            pass  # the client gave up: that is what is tested

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/{TOKEN}", got
        finally:
            if release:
                release.set()
            server.shutdown()
            thread.join()


def tell(url, outcome="pass", *, both=True, timeout_s=5.0, **changes):
    failures = notify(
        record(outcome, [scenario(outcome, [SEEN, *changes.pop("verdicts", [])])], **changes),
        webhook=SecretStr(url) if both else None,
        heartbeat=SecretStr(url),
        root_sha256="ab" * 32,
        timeout_s=timeout_s,
    )
    assert TOKEN not in " ".join(failures)
    return failures


def test_proven_restore_posts_to_the_webhook_and_pings_the_heartbeat():
    with listening() as (url, got):
        assert tell(url) == []
    (post, path, body), ping = got
    assert (post, path) == ("POST", f"/{TOKEN}")
    assert json.loads(body)["text"].startswith("RESTORE PROVEN")
    assert ping == ("GET", f"/{TOKEN}", b"")


@pytest.mark.parametrize("outcome", ["fail", "unknown"])
def test_run_that_is_no_pass_pings_fail_below_the_heartbeat(outcome):
    with listening() as (url, got):
        assert tell(url, outcome, both=False) == []
        assert tell(url + "/", outcome, both=False) == []
    assert [path for _, path, _ in got] == [f"/{TOKEN}/fail"] * 2


def test_passing_run_without_a_restore_does_not_pretend_that_the_drill_was_run():
    with listening() as (url, got):
        gate = record("pass", [scenario("pass", [verdict("startup", "pass")])])
        failures = notify(gate, webhook=None, heartbeat=SecretStr(url))
    assert failures == ["The heartbeat was not pinged: this run proved no restore."]
    assert got == []


def test_server_error_becomes_a_sentence_for_each_of_the_two():
    with listening(500) as (url, _):
        assert tell(url) == [
            "The webhook at 127.0.0.1 answered 500; the verdict stands.",
            "The heartbeat at 127.0.0.1 answered 500; the verdict stands.",
        ]


def test_redirect_is_not_followed_and_its_place_is_not_told():
    with listening() as (other, reached):
        with listening(302, [("Location", other)]) as (url, _):
            failures = tell(url)
        assert reached == []
    assert "answered 302, a redirect, which is not followed" in failures[0]


@pytest.mark.slow
def test_server_that_hangs_is_given_up_after_the_timeout():
    with listening(release=threading.Event()) as (url, _):
        failures = tell(url, both=False, timeout_s=1)
    assert failures == ["The heartbeat at 127.0.0.1 did not answer within 1 s; the verdict stands."]


def test_server_that_sends_a_byte_now_and_then_is_given_up_too():
    with listening(release=threading.Event(), drip=True) as (url, _):
        failures = tell(url, both=False, timeout_s=0.2)
    # at 0.4 s in all; on a busy machine two bytes may be 0.2 s apart
    (failure,) = failures
    assert re.fullmatch(
        r"The heartbeat at 127\.0\.0\.1 did not answer within 0\.[24] s; the verdict stands\.",
        failure,
    )


def test_refused_connection_becomes_a_sentence():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    failures = tell(f"http://127.0.0.1:{port}/{TOKEN}", both=False)
    assert failures == [
        "The heartbeat at 127.0.0.1 could not be reached (ConnectError); the verdict stands."
    ]


@pytest.mark.parametrize(
    "url",
    [
        TOKEN,
        f"ftp://example.test/{TOKEN}",
        f"https://{TOKEN}",
        f"http://example.test:{TOKEN}/x",
        f"http://[{TOKEN}/",
        f"http://user:{TOKEN}@127.0.0.1:1/",
        f"http://127.0.0.1:1/\n{TOKEN}",
    ],
)
def test_malformed_url_is_told_without_quoting_it(url):
    failures = tell(url, "fail", timeout_s=1)
    assert len(failures) == 2
    assert all("verdict stands" in failure for failure in failures)


@pytest.mark.parametrize("nothing", [None, SecretStr(""), SecretStr("  ")])
def test_nobody_is_told_where_nothing_is_set(nothing):
    assert notify(record("pass"), webhook=nothing, heartbeat=nothing) == []


def test_url_is_not_logged_either(caplog):
    with caplog.at_level(logging.DEBUG), listening() as (url, _):
        tell(url)
    assert TOKEN not in caplog.text


def test_secret_of_the_environment_is_masked_in_the_message(monkeypatch):
    monkeypatch.setenv("CHROMA_TOKEN", "canary-secret-123")
    with listening() as (url, got):
        tell(url, "fail", not_covered=["RB-4: canary-secret-123 was refused"])
    assert b"canary-secret-123" not in got[0][2]
    assert b"was refused" in got[0][2]
    json.loads(got[0][2])


# ---- where the URLs come from -------------------------------------------------------------------
def test_urls_of_the_environment_are_in_no_ledger_and_in_no_message():
    url = f"https://hooks.test/{TOKEN}"
    settings = load(environ={"DRILL_NOTIFY__WEBHOOK": url, "DRILL_NOTIFY__HEARTBEAT": ""})
    assert settings.notify.webhook.get_secret_value() == url
    assert TOKEN not in json.dumps(settings.public()) + repr(settings)
    assert secrets_of([("DRILL_NOTIFY__WEBHOOK", url)]) == [url.encode()]


def test_misspelt_key_of_the_table_is_told():
    with pytest.raises(UsageError, match="Did you mean 'webhook'"):
        load(environ={"DRILL_NOTIFY__WEBHOK": "x"})
