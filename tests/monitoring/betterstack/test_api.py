"""Better Stack's API: every page is read, and no token is ever shown."""

import threading
from http.server import BaseHTTPRequestHandler

import pytest

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.loopback_server import LoopbackServer
from chromadrill.core.settings import load
from chromadrill.monitoring.betterstack.fetch import fetch_account
from chromadrill.monitoring.betterstack.ship import shipper
from tests.monitoring.betterstack.account import TELEMETRY, UPTIME, URL, ping, uptime


def test_every_page_is_read(simulator):
    with uptime(simulator) as api:
        for number in range(120):
            body = {"url": f"https://x{number}.test", "monitor_type": "status"}
            api.call("POST", "/api/v2/monitors", body)
        assert len({row["id"] for row in api.all("/api/v2/monitors")}) == 120


def test_rate_limit_is_waited_for_and_given_up_at_last(simulator):
    simulator.account.refuse = 2
    with uptime(simulator) as api:
        assert api.all("/api/v2/monitors") == []
        simulator.account.refuse = 100
        with pytest.raises(Unavailable, match="429"):
            api.all("/api/v2/monitors")


def test_acknowledging_twice_is_a_conflict(simulator):
    with uptime(simulator) as api:
        body = {"summary": "s", "requester_email": "a@example.test"}
        incident = api.call("POST", "/api/v3/incidents", body)["data"]
        for verb in ("acknowledge", "resolve"):
            path = f"/api/v3/incidents/{incident['id']}/{verb}"
            api.call("POST", path)
            with pytest.raises(Unavailable, match="409"):
                api.call("POST", path)


def test_token_of_the_other_product_is_refused_and_not_shown(simulator):
    with uptime(simulator, TELEMETRY) as api, pytest.raises(Unavailable) as refused:
        api.all("/api/v2/monitors")
    assert "401" in str(refused.value)
    assert "BETTERSTACK_UPTIME_TOKEN" in str(refused.value)
    assert TELEMETRY not in str(refused.value)


class EchoingProxy:
    """Answers every request alike; `{token}` in its body is what it was sent."""

    def __init__(self, status, body):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer = body.replace("{token}", self.headers["Authorization"]).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass

        self.http = LoopbackServer(Handler)
        self.url = self.http.url

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


@pytest.mark.parametrize("before", [0, 175])  # the cut of a long text leaves no part of it either
@pytest.mark.parametrize("status", [200, 403])
def test_token_that_a_proxy_echoes_is_not_repeated(status, before):
    body = "x" * before + " refused: {token}"
    with (
        EchoingProxy(status, body) as proxy,
        uptime(proxy) as api,
        pytest.raises(Unavailable, match="refused") as refused,
    ):
        api.all("/api/v2/monitors")
    assert UPTIME[:5] not in str(refused.value)


@pytest.mark.parametrize(
    "body",
    ["<html>sign in</html>", "[]", "{}", "null", '"x"', '{"data": {}}', '{"data": [1]}',
     '{"data": [{"id": "1"}]}'],
)  # fmt: skip
def test_answer_of_another_form_is_a_sentence(body):
    with (
        EchoingProxy(200, body) as proxy,
        uptime(proxy) as api,
        pytest.raises(Unavailable) as refused,
    ):
        api.all("/api/v2/monitors")
    assert "GET /api/v2/monitors" in str(refused.value)


@pytest.mark.parametrize("token", ["tökén-77", "two words", "line\nline"])
def test_token_that_cannot_be_one_is_refused_and_not_shown(token, environ, simulator):
    with pytest.raises(UsageError, match="BETTERSTACK_UPTIME_TOKEN holds no token") as refused:
        uptime(simulator, token)
    assert token not in str(refused.value)
    environ["BETTERSTACK_INGEST_TOKEN"] = token
    with pytest.raises(UsageError, match="BETTERSTACK_INGEST_TOKEN holds no token"):
        shipper(load(environ=environ), "lab")


def test_value_that_does_not_exist_there_is_refused(simulator):
    body = {"url": URL, "monitor_type": "status", "request_timeout": 7}
    with uptime(simulator) as api, pytest.raises(Unavailable, match="422"):
        api.call("POST", "/api/v2/monitors", body)


def test_missing_token_is_named(environ):
    del environ["BETTERSTACK_UPTIME_TOKEN"]
    with pytest.raises(UsageError, match="BETTERSTACK_UPTIME_TOKEN"):
        fetch_account(load(environ=environ).betterstack)


def test_unreachable_service_is_a_sentence(environ):
    environ["DRILL_BETTERSTACK__UPTIME_URL"] = "http://127.0.0.1:9"
    with pytest.raises(Unavailable, match="ConnectError"):
        fetch_account(load(environ=environ).betterstack)


def test_heartbeat_pending_for_ever_stays_silent_and_one_that_was_pinged_does_not(simulator):
    with uptime(simulator) as api:
        heartbeat = api.call("POST", "/api/v2/heartbeats", {"name": "b", "period": 30, "grace": 0})
        url = heartbeat["data"]["attributes"]["url"]
        simulator.account.tick()
        assert api.all("/api/v3/incidents") == []
        ping(url)
        wait_until(lambda: api.all("/api/v3/incidents"), within_s=5, name="an incident")
