"""Better Stack over HTTP, against the simulator of its API: read, judged, planned, shipped to."""

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from chromadrill.checks.betterstack import different_attributes, escalates, heartbeat_pinged
from chromadrill.commands import monitor
from chromadrill.commands.app import invoke
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.settings import load
from chromadrill.monitoring.alerts import Alerts
from chromadrill.monitoring.betterstack.client import BetterStackApi
from chromadrill.monitoring.betterstack.desired import members
from chromadrill.monitoring.betterstack.desired import monitor as desired_monitor
from chromadrill.monitoring.betterstack.diff import judge
from chromadrill.monitoring.betterstack.fetch import fetch_account
from chromadrill.monitoring.betterstack.plan import calls, plan_text, terraform
from chromadrill.monitoring.betterstack.ship import Pager, event_of, shipper
from chromadrill.monitoring.betterstack.simulator import SimulatedAccount, Simulator
from chromadrill.monitoring.rules import rules
from chromadrill.monitoring.samples import Sample

UPTIME, TELEMETRY, INGEST = "up-CANARY-9f2d1c", "tel-CANARY-77aa01", "ing-CANARY-55bb02"
TOKENS = (UPTIME, TELEMETRY, INGEST)
URL = "https://chroma.example.test"
CONTACTS = {
    "DRILL_CONTACTS__PRIMARY": "Platform, oncall@example.test",
    "DRILL_CONTACTS__SECONDARY": "Data, data@example.test",
    "DRILL_CONTACTS__PLATFORM": "Railway support",
    "DRILL_MONITORING__ESCALATION": "user:oncall@example.test,user:17,webhook:3",
}


@pytest.fixture
def simulator():
    with Simulator(SimulatedAccount(*TOKENS, scale=0.01)) as simulator:
        yield simulator


@pytest.fixture
def environ(simulator):
    return {
        "BETTERSTACK_UPTIME_TOKEN": UPTIME,
        "BETTERSTACK_TELEMETRY_TOKEN": TELEMETRY,
        "BETTERSTACK_INGEST_TOKEN": INGEST,
        "BETTERSTACK_INGEST_URL": f"{simulator.url}/ingest",
        "DRILL_BETTERSTACK__UPTIME_URL": simulator.url,
        "DRILL_BETTERSTACK__TELEMETRY_URL": simulator.url,
        "DRILL_MONITORING__URL": URL,
        **CONTACTS,
    }


@pytest.fixture
def settings(environ):
    return load(environ=environ)


def uptime(simulator, token=UPTIME):
    return BetterStackApi(simulator.url, SecretStr(token), variable="BETTERSTACK_UPTIME_TOKEN")


def diff_of(settings):
    return judge(fetch_account(settings.betterstack), settings, URL)


def outcomes(diff):
    return {verdict.check: str(verdict.outcome) for verdict in diff.verdicts}


def type_calls(diff, settings, environ):
    """The plan's API calls, typed into a shell one after the other, as a person would."""
    ids = {}
    for line in calls(diff, settings.betterstack):
        for name, value in ids.items():
            line = line.replace(name, value)
        done = subprocess.run(
            ["/bin/sh", "-c", line], env={**os.environ, **environ, "no_proxy": "*"},
            capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
        created = json.loads(done.stdout)["data"]
        kinds = {"policy": "POLICY_ID", "exploration": "EXPLORATION_ID"}
        if created["type"] in kinds:
            ids[kinds[created["type"]]] = created["id"]


@pytest.fixture
def mended(simulator, settings, environ):
    """An account in which the plan was carried out, and one backup has pinged."""
    type_calls(diff_of(settings), settings, environ)
    for heartbeat in simulator.account.of("/api/v2/heartbeats").values():
        httpx.get(heartbeat["url"]).raise_for_status()
    return simulator


def only(simulator, kind):
    return next(iter(simulator.account.of(f"/api/v2/{kind}").values()))


# ---- judged -------------------------------------------------------------------------------------
def test_empty_account_fails_everywhere_and_the_plan_mends_all_of_it(mended, settings):
    diff = diff_of(settings)
    assert set(outcomes(diff).values()) == {"pass"}, outcomes(diff)
    assert diff.changes == []
    assert plan_text(diff, settings.betterstack).startswith("# Nothing to create")


def test_empty_account_has_nothing_of_what_the_rules_want(settings):
    by_check = outcomes(diff_of(settings))
    assert by_check.pop("incidents") == "pass"
    assert set(by_check.values()) == {"fail"}


MONITOR_FIELDS = {
    "url": f"{URL}/api/v1/heartbeat",
    "monitor_type": "status",
    "expected_status_codes": [200, 410],
    "http_method": "HEAD",
    "check_frequency": 180,
    "request_timeout": 30,
    "confirmation_period": 0,
    "recovery_period": 0,
    "paused": True,
}


@pytest.mark.parametrize("field", MONITOR_FIELDS)
def test_each_broken_field_of_the_monitor_is_seen_planned_and_mended(
    field, mended, settings, environ
):
    only(mended, "monitors")[field] = MONITOR_FIELDS[field]
    diff = diff_of(settings)
    assert outcomes(diff)["monitor"] == "fail"
    (change,) = [c for c in diff.changes if c.desired.kind == "monitor"]
    if field == "url":
        assert change.id is None
        assert "/api/v1" in next(v.message for v in diff.verdicts if v.check == "monitor")
    else:
        assert set(change.attributes) == {field}
        assert "import {\n  to = betteruptime_monitor." in terraform(diff)
    type_calls(diff, settings, environ)
    assert outcomes(diff_of(settings))["monitor"] == "pass"


def test_monitor_on_another_server_is_not_ours(mended, settings):
    only(mended, "monitors")["url"] = "https://other.example.test/api/v2/heartbeat"
    assert outcomes(diff_of(settings))["monitor"] == "fail"


@pytest.mark.parametrize(
    ("field", "value"), [("grace", 0), ("period", 604_800), ("paused", True), ("name", "other")]
)
def test_each_broken_field_of_the_backup_heartbeat_is_seen(field, value, mended, settings):
    only(mended, "heartbeats")[field] = value
    assert outcomes(diff_of(settings))["heartbeat"] == "fail"


def test_heartbeat_that_nobody_ever_pinged_fails(mended, settings):
    only(mended, "heartbeats")["status"] = "pending"
    assert outcomes(diff_of(settings))["heartbeat pinged"] == "fail"
    only(mended, "heartbeats")["status"] = "down"
    assert outcomes(diff_of(settings))["heartbeat pinged"] == "fail"
    assert heartbeat_pinged("x", {"status": "paused"}).outcome == "unknown"
    assert heartbeat_pinged("x", None).outcome == "fail"


def test_contacts_in_another_order_are_seen_and_our_policy_is_changed(mended, settings, environ):
    policy = next(iter(mended.account.of("/api/v3/policies").values()))
    policy["steps"].reverse()
    escalations = {k: v for k, v in outcomes(diff_of(settings)).items() if k.endswith("escalation")}
    assert set(escalations.values()) == {"fail"}
    assert len(escalations) == 5
    diff = diff_of(settings)
    assert [(c.desired.kind, bool(c.id)) for c in diff.changes] == [("policy", True)]
    type_calls(diff, settings, environ)
    assert len(mended.account.of("/api/v3/policies")) == 1
    assert set(outcomes(diff_of(settings)).values()) == {"pass"}


def test_policy_may_call_others_between_our_contacts():
    us = [{"type": "user", "id": 1}, {"type": "user", "id": 2}]
    steps = [
        {"type": "escalation", "step_members": [{"type": "all_slack_integrations"}, us[0]]},
        {"type": "time_branching"},
        {"type": "escalation", "step_members": [{"type": "user", "id": "2", "team_id": None}]},
    ]
    assert escalates("x", {"steps": steps}, us, [], 2).outcome == "pass"
    assert escalates("x", {"steps": steps[::-1]}, us, [], 2).outcome == "fail"
    assert escalates("x", {"steps": steps}, us, ["platform"], 3).outcome == "unknown"
    assert escalates("x", {"steps": steps}, [], [], 0).outcome == "unknown"
    mailed = [{"type": "user", "email": "a@example.test"}]
    assert escalates("x", {"steps": steps}, mailed, [], 1).outcome == "unknown"
    assert escalates("x", {"steps": []}, mailed, [], 1).outcome == "fail"
    assert escalates("x", None, mailed, [], 1).outcome == "fail"


def test_method_in_small_letters_and_a_timeout_that_does_not_exist_there():
    assert different_attributes({"http_method": "get"}, {"http_method": "GET"}) == {}
    assert different_attributes({"name": "get it"}, {"name": "GET IT"}) != {}
    odd = load(environ={"DRILL_MONITORING__TIMEOUT_S": "7"}).monitoring
    assert desired_monitor(odd, URL).attributes["request_timeout"] == 10


def test_contact_is_called_by_its_address_there_or_is_named_as_missing(environ):
    settings = load(environ=environ)
    assert members(settings.contacts, settings.monitoring.escalation) == (
        [
            {"type": "user", "email": "oncall@example.test"},
            {"type": "user", "id": 17},
            {"type": "webhook", "id": 3},
        ],
        [],
    )
    reachable, unreachable = members(settings.contacts, ())
    emails = [member["email"] for member in reachable]
    assert emails == ["oncall@example.test", "data@example.test"]
    assert unreachable == ["platform"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("value", 9000), ("on_missing_data", "treat_as_zero"), ("paused", True), ("query_period", 60)],
)
def test_each_broken_field_of_a_telemetry_alert_is_seen(field, value, mended, settings):
    path = next(p for p in mended.account.rows if p.endswith("/alerts"))
    next(iter(mended.account.of(path).values()))[field] = value
    assert "fail" in {v for k, v in outcomes(diff_of(settings)).items() if k.startswith("alert")}


def test_alert_that_asks_something_else_is_seen_planned_and_mended(mended, settings, environ):
    only(mended, "explorations")["queries"][0]["sql_query"] = "SELECT 0 AS value"
    diff = diff_of(settings)
    failed = [k for k, v in outcomes(diff).items() if v == "fail"]
    assert failed == ["alert search latency"]
    assert [(c.desired.kind, bool(c.id)) for c in diff.changes] == [("exploration", True)]
    assert 'resource "logtail_exploration"' in terraform(diff)
    type_calls(diff, settings, environ)
    assert set(outcomes(diff_of(settings)).values()) == {"pass"}


@pytest.mark.parametrize("target", [None, "current_team", {"team_id": 5}, {"policy_id": 7}])
def test_alert_that_escalates_elsewhere_is_seen_planned_and_mended(
    target, mended, settings, environ
):
    path = next(p for p in mended.account.rows if p.endswith("/alerts"))
    next(iter(mended.account.of(path).values()))["escalation_target"] = target
    diff = diff_of(settings)
    failed = [k for k, v in outcomes(diff).items() if v == "fail"]
    assert failed == ["alert search latency escalation"]
    assert "escalation_target {\n    policy_id = " in terraform(diff)
    type_calls(diff, settings, environ)
    assert set(outcomes(diff_of(settings)).values()) == {"pass"}


def test_without_a_telemetry_token_its_alerts_are_unknown(environ):
    del environ["BETTERSTACK_TELEMETRY_TOKEN"]
    by_check = outcomes(diff_of(load(environ=environ)))
    assert {v for k, v in by_check.items() if k.startswith("alert")} == {"unknown"}


def test_open_incident_is_seen(mended, settings):
    httpx.get(only(mended, "heartbeats")["url"] + "/fail")
    assert outcomes(diff_of(settings))["incidents"] == "fail"
    httpx.get(only(mended, "heartbeats")["url"])
    assert outcomes(diff_of(settings))["incidents"] == "pass"


# ---- its API ------------------------------------------------------------------------------------
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

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

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
        httpx.get(url)
        wait_until(lambda: api.all("/api/v3/incidents"), within_s=5, name="an incident")


# ---- shipped ------------------------------------------------------------------------------------
def test_samples_arrive_with_their_names_and_units(simulator, settings):
    ship = shipper(settings, "lab")
    ship([Sample(0, "search", 12.5), Sample(0, "disk", 91.0), Sample(0, "memory", None)], [])
    (event,) = simulator.account.received
    assert (event["search_ms"], event["disk_percent"], event["target"]) == (12.5, 91.0, "lab")
    assert "memory_percent" not in event  # no value is not sent as zero
    assert re.fullmatch(r"\d{4}-.*Z", event["dt"])


def test_every_alert_looks_at_a_field_that_is_shipped(settings):
    from chromadrill.monitoring.betterstack import desired
    from chromadrill.monitoring.betterstack.ship import FIELDS

    columns = {alert.attributes["_field"] for alert in desired.alerts(settings.monitoring)}
    assert columns <= set(FIELDS.values())


def test_number_without_end_is_left_out():
    assert "backup_age_s" not in event_of("x", [Sample(0, "backup age", float("inf"))], [])


def test_refused_and_unreachable_shipping_is_printed_once_and_never_raises(
    environ, simulator, capsys
):
    environ["BETTERSTACK_INGEST_TOKEN"] = "wrong-token-1234"
    ship = shipper(load(environ=environ), "lab")
    for _ in range(3):
        ship([], [])
    assert capsys.readouterr().err == "Not shipped: 403, the token is refused.\n"
    environ["BETTERSTACK_INGEST_URL"] = "http://127.0.0.1:9"
    shipper(load(environ=environ), "lab")([], [])
    assert capsys.readouterr().err == "Not shipped: ConnectError.\n"


def test_shipping_without_a_place_is_refused_before_the_monitor_begins(environ):
    del environ["BETTERSTACK_INGEST_URL"]
    with pytest.raises(UsageError, match="BETTERSTACK_INGEST_URL"):
        shipper(load(environ=environ), "lab")


def test_pager_fails_the_heartbeat_once_and_is_silent_where_nobody_can_tell(simulator, settings):
    with uptime(simulator) as api:
        heartbeat = api.call("POST", "/api/v2/heartbeats", {"name": "m", "period": 60})
    url = SecretStr(heartbeat["data"]["attributes"]["url"])
    notify = settings.notify.model_copy(update={"monitor_heartbeat": url})
    (down,) = [rule for rule in rules(settings.monitoring) if rule.name == "service down"]
    alerts = Alerts([down], began=0, expected=["health"])
    pager = Pager(settings.model_copy(update={"notify": notify}), alerts, every_s=0)

    def look(at, value):
        events = alerts.take([Sample(at, "health", value)], at)
        pager([], events)
        return only(simulator, "heartbeats")["status"]

    assert [look(at, 1.0) for at in (0, 30)] == ["up", "up"]
    assert [look(at, 0.0) for at in (60, 90, 120, 150)] == ["up", "up", "down", "down"]
    assert len(simulator.account.of("/api/v3/incidents")) == 1
    for at in range(180, 480, 30):
        status = look(at, 1.0)
    assert status == "up"
    only(simulator, "heartbeats")["status"] = "untouched"
    assert look(2000, None) == "untouched"


def test_pager_pings_on_where_the_platform_never_tells_one_of_the_signals(simulator, settings):
    with uptime(simulator) as api:
        heartbeat = api.call("POST", "/api/v2/heartbeats", {"name": "m", "period": 60})
    url = SecretStr(heartbeat["data"]["attributes"]["url"])
    notify = settings.notify.model_copy(update={"monitor_heartbeat": url})
    alerts = Alerts(rules(settings.monitoring), began=0, expected=["health", "oom kills"])
    pager = Pager(settings.model_copy(update={"notify": notify}), alerts, every_s=0)
    for at in range(0, 1200, 30):
        samples = [Sample(at, "health", 1.0), Sample(at, "oom kills", None, unsupported=True)]
        only(simulator, "heartbeats")["status"] = "untouched"
        pager(samples, alerts.take(samples, at))
        assert only(simulator, "heartbeats")["status"] == "up"


# ---- commands -----------------------------------------------------------------------------------
def command(module, *words, environ, cwd):
    return subprocess.run(
        [sys.executable, "-m", "chromadrill", module, *words],
        env={**os.environ, **environ}, cwd=cwd, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_plan_is_printed_in_both_forms_with_no_token_in_it(environ, tmp_path):
    done = command("monitor", "--plan", environ=environ, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert '-H "Authorization: Bearer $BETTERSTACK_UPTIME_TOKEN"' in done.stdout
    assert 'resource "betteruptime_monitor"' in done.stdout
    assert "confirmation_period = 60" in done.stdout
    assert 'resource "logtail_exploration_alert"' in done.stdout
    assert not [token for token in TOKENS if token in done.stdout + done.stderr]


def test_command_without_a_token_says_which(tmp_path):
    done = command("monitor", "--betterstack", environ={"DRILL_MONITORING__URL": URL}, cwd=tmp_path)
    assert done.returncode == 64
    assert "BETTERSTACK_UPTIME_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


def test_monitor_of_a_dead_address_alerts_and_no_secret_is_in_any_file(
    simulator, environ, tmp_path
):
    with uptime(simulator) as api:
        heartbeat = api.call("POST", "/api/v2/heartbeats", {"name": "m", "period": 60})
    url = heartbeat["data"]["attributes"]["url"]
    environ["DRILL_NOTIFY__MONITOR_HEARTBEAT"] = url
    done = command(
        "monitor", "--target", "http://127.0.0.1:9", "--for", "4", "--time-scale", "0.02", "--ship",
        "--json", environ=environ, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    events = json.loads(done.stdout)["events"]
    assert [e["rule"] for e in events if e["kind"] == "fired"] == ["service down"]
    assert only(simulator, "heartbeats")["status"] == "down"
    assert simulator.account.received[-1]["health"] == 0.0
    written = done.stdout + done.stderr
    written += "".join(p.read_text("utf-8", "replace") for p in tmp_path.rglob("*") if p.is_file())
    assert not [secret for secret in (*TOKENS, url.rpartition("/")[2]) if secret in written]


def test_verified_backup_pings_its_heartbeat_and_a_failed_one_pings_fail(
    simulator, target, monkeypatch, tmp_path, capsys
):
    with uptime(simulator) as api:
        heartbeat = api.call("POST", "/api/v2/heartbeats", {"name": "b", "period": 3600})
    secret = heartbeat["data"]["attributes"]["url"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRILL_TARGETS__PROCESS__HOME", str(target.home))
    monkeypatch.setenv("DRILL_OWNER_PID", str(os.getpid()))
    monkeypatch.setenv("DRILL_NOTIFY__BACKUP_HEARTBEAT", secret)
    assert invoke(["ops", "snapshot", "--name", "one", "--method", "export"]) == 0
    assert only(simulator, "heartbeats")["status"] == "up"
    with pytest.raises(Exception, match="exists already"):
        invoke(["ops", "snapshot", "--name", "one", "--method", "export"])
    assert only(simulator, "heartbeats")["status"] == "down"
    lines = Path(".chromadrill/backups.jsonl").read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in lines] == ["pass", "fail"]
    assert secret not in "".join(lines) + "".join(capsys.readouterr())


@pytest.mark.parametrize("text", ["90", "90s", "10m", "2h"])
def test_durations_are_read(text):
    assert monitor.duration(text) in (90, 600, 7200)


@pytest.mark.parametrize("text", ["", "0", "m", "-5s", "10 minutes", "nan"])
def test_other_durations_are_refused(text):
    with pytest.raises(UsageError, match="is no duration"):
        invoke(["monitor", "--for", text])
