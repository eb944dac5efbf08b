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
from chromadrill.monitoring.betterstack.client import Api
from chromadrill.monitoring.betterstack.desired import members
from chromadrill.monitoring.betterstack.desired import monitor as monitor_wanted
from chromadrill.monitoring.betterstack.diff import judge
from chromadrill.monitoring.betterstack.fetch import read
from chromadrill.monitoring.betterstack.plan import calls, printed, terraform
from chromadrill.monitoring.betterstack.ship import Pager, event_of, shipper
from chromadrill.monitoring.betterstack.simulator import Account, Simulator
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
def there():
    with Simulator(Account(*TOKENS, scale=0.01)) as simulator:
        yield simulator


@pytest.fixture
def environ(there):
    return {
        "BETTERSTACK_UPTIME_TOKEN": UPTIME,
        "BETTERSTACK_TELEMETRY_TOKEN": TELEMETRY,
        "BETTERSTACK_INGEST_TOKEN": INGEST,
        "BETTERSTACK_INGEST_URL": f"{there.url}/ingest",
        "DRILL_BETTERSTACK__UPTIME_URL": there.url,
        "DRILL_BETTERSTACK__TELEMETRY_URL": there.url,
        "DRILL_MONITORING__URL": URL,
        **CONTACTS,
    }


@pytest.fixture
def settings(environ):
    return load(environ=environ)


def uptime(there, token=UPTIME):
    return Api(there.url, SecretStr(token), variable="BETTERSTACK_UPTIME_TOKEN")


def judged(settings):
    return judge(read(settings.betterstack), settings, URL)


def outcomes(found):
    return {each.check: str(each.outcome) for each in found.verdicts}


def typed(found, settings, environ):
    """The plan's API calls, typed into a shell one after the other, as a person would."""
    ids = {}
    for line in calls(found, settings.betterstack):
        for name, value in ids.items():
            line = line.replace(name, value)
        done = subprocess.run(
            ["/bin/sh", "-c", line], env={**os.environ, **environ, "no_proxy": "*"},
            capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
        made = json.loads(done.stdout)["data"]
        ids |= {"POLICY_ID": made["id"]} if made["type"] == "policy" else {}
        ids |= {"EXPLORATION_ID": made["id"]} if made["type"] == "exploration" else {}


@pytest.fixture
def applied(there, settings, environ):
    """An account in which the plan was carried out, and one backup has pinged."""
    typed(judged(settings), settings, environ)
    for each in there.account.of("/api/v2/heartbeats").values():
        httpx.get(each["url"]).raise_for_status()
    return there


def the(there, kind):
    return next(iter(there.account.of(f"/api/v2/{kind}").values()))


# ---- judged -------------------------------------------------------------------------------------
def test_empty_account_fails_everywhere_and_the_plan_mends_all_of_it(applied, settings):
    found = judged(settings)
    assert set(outcomes(found).values()) == {"pass"}, outcomes(found)
    assert found.changes == []
    assert printed(found, settings.betterstack).startswith("# Nothing to create")


def test_empty_account_has_nothing_of_what_the_rules_want(settings):
    said = outcomes(judged(settings))
    assert said.pop("incidents") == "pass"
    assert set(said.values()) == {"fail"}


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
    field, applied, settings, environ
):
    the(applied, "monitors")[field] = MONITOR_FIELDS[field]
    found = judged(settings)
    assert outcomes(found)["monitor"] == "fail"
    (change,) = [each for each in found.changes if each.wanted.kind == "monitor"]
    if field == "url":
        assert change.id is None
        assert "/api/v1" in next(v.message for v in found.verdicts if v.check == "monitor")
    else:
        assert set(change.attributes) == {field}
        assert "import {\n  to = betteruptime_monitor." in terraform(found)
    typed(found, settings, environ)
    assert outcomes(judged(settings))["monitor"] == "pass"


def test_monitor_on_another_server_is_not_ours(applied, settings):
    the(applied, "monitors")["url"] = "https://other.example.test/api/v2/heartbeat"
    assert outcomes(judged(settings))["monitor"] == "fail"


@pytest.mark.parametrize(
    ("field", "value"), [("grace", 0), ("period", 604_800), ("paused", True), ("name", "other")]
)
def test_each_broken_field_of_the_backup_heartbeat_is_seen(field, value, applied, settings):
    the(applied, "heartbeats")[field] = value
    assert outcomes(judged(settings))["heartbeat"] == "fail"


def test_heartbeat_that_nobody_ever_pinged_fails(applied, settings):
    the(applied, "heartbeats")["status"] = "pending"
    assert outcomes(judged(settings))["heartbeat pinged"] == "fail"
    the(applied, "heartbeats")["status"] = "down"
    assert outcomes(judged(settings))["heartbeat pinged"] == "fail"
    assert heartbeat_pinged("x", {"status": "paused"}).outcome == "unknown"
    assert heartbeat_pinged("x", None).outcome == "fail"


def test_contacts_in_another_order_are_seen_and_our_policy_is_changed(applied, settings, environ):
    policy = next(iter(applied.account.of("/api/v3/policies").values()))
    policy["steps"].reverse()
    said = outcomes(judged(settings))
    assert {v for k, v in said.items() if k.endswith("escalation")} == {"fail"}
    assert len([k for k in said if k.endswith("escalation")]) == 5
    found = judged(settings)
    assert [(c.wanted.kind, bool(c.id)) for c in found.changes] == [("policy", True)]
    typed(found, settings, environ)
    assert len(applied.account.of("/api/v3/policies")) == 1
    assert set(outcomes(judged(settings)).values()) == {"pass"}


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
    assert monitor_wanted(odd, URL).attributes["request_timeout"] == 10


def test_contact_is_called_by_its_address_there_or_is_named_as_missing(environ):
    named = load(environ=environ)
    assert members(named.contacts, named.monitoring.escalation) == (
        [
            {"type": "user", "email": "oncall@example.test"},
            {"type": "user", "id": 17},
            {"type": "webhook", "id": 3},
        ],
        [],
    )
    found, missing = members(named.contacts, ())
    assert [each["email"] for each in found] == ["oncall@example.test", "data@example.test"]
    assert missing == ["platform"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("value", 9000), ("on_missing_data", "treat_as_zero"), ("paused", True), ("query_period", 60)],
)
def test_each_broken_field_of_a_telemetry_alert_is_seen(field, value, applied, settings):
    path = next(p for p in applied.account.things if p.endswith("/alerts"))
    next(iter(applied.account.of(path).values()))[field] = value
    assert "fail" in {v for k, v in outcomes(judged(settings)).items() if k.startswith("alert")}


def test_alert_that_asks_something_else_is_seen_planned_and_mended(applied, settings, environ):
    the(applied, "explorations")["queries"][0]["sql_query"] = "SELECT 0 AS value"
    found = judged(settings)
    failed = [k for k, v in outcomes(found).items() if v == "fail"]
    assert failed == ["alert search latency"]
    assert [(c.wanted.kind, bool(c.id)) for c in found.changes] == [("exploration", True)]
    assert 'resource "logtail_exploration"' in terraform(found)
    typed(found, settings, environ)
    assert set(outcomes(judged(settings)).values()) == {"pass"}


@pytest.mark.parametrize("target", [None, "current_team", {"team_id": 5}, {"policy_id": 7}])
def test_alert_that_escalates_elsewhere_is_seen_planned_and_mended(
    target, applied, settings, environ
):
    path = next(p for p in applied.account.things if p.endswith("/alerts"))
    next(iter(applied.account.of(path).values()))["escalation_target"] = target
    found = judged(settings)
    failed = [k for k, v in outcomes(found).items() if v == "fail"]
    assert failed == ["alert search latency escalation"]
    assert "escalation_target {\n    policy_id = " in terraform(found)
    typed(found, settings, environ)
    assert set(outcomes(judged(settings)).values()) == {"pass"}


def test_without_a_telemetry_token_its_alerts_are_unknown(environ):
    del environ["BETTERSTACK_TELEMETRY_TOKEN"]
    said = outcomes(judged(load(environ=environ)))
    assert {v for k, v in said.items() if k.startswith("alert")} == {"unknown"}


def test_open_incident_is_seen(applied, settings):
    httpx.get(the(applied, "heartbeats")["url"] + "/fail")
    assert outcomes(judged(settings))["incidents"] == "fail"
    httpx.get(the(applied, "heartbeats")["url"])
    assert outcomes(judged(settings))["incidents"] == "pass"


# ---- its API ------------------------------------------------------------------------------------
def test_every_page_is_read(there):
    with uptime(there) as api:
        for number in range(120):
            body = {"url": f"https://x{number}.test", "monitor_type": "status"}
            api.call("POST", "/api/v2/monitors", body)
        assert len({each["id"] for each in api.all("/api/v2/monitors")}) == 120


def test_rate_limit_is_waited_for_and_given_up_at_last(there):
    there.account.refuse = 2
    with uptime(there) as api:
        assert api.all("/api/v2/monitors") == []
        there.account.refuse = 100
        with pytest.raises(Unavailable, match="429"):
            api.all("/api/v2/monitors")


def test_acknowledging_twice_is_a_conflict(there):
    with uptime(there) as api:
        made = api.call(
            "POST", "/api/v3/incidents", {"summary": "s", "requester_email": "a@example.test"}
        )["data"]
        for verb in ("acknowledge", "resolve"):
            api.call("POST", f"/api/v3/incidents/{made['id']}/{verb}")
            with pytest.raises(Unavailable, match="409"):
                api.call("POST", f"/api/v3/incidents/{made['id']}/{verb}")


def test_token_of_the_other_product_is_refused_and_not_shown(there):
    with uptime(there, TELEMETRY) as api, pytest.raises(Unavailable) as refused:
        api.all("/api/v2/monitors")
    assert "401" in str(refused.value)
    assert "BETTERSTACK_UPTIME_TOKEN" in str(refused.value)
    assert TELEMETRY not in str(refused.value)


class Proxy:
    """Answers every request alike; `{token}` in its body is what it was sent."""

    def __init__(self, status, body):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                said = body.replace("{token}", self.headers["Authorization"]).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

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
        Proxy(status, body) as proxy,
        uptime(proxy) as api,
        pytest.raises(Unavailable, match="refused") as said,
    ):
        api.all("/api/v2/monitors")
    assert UPTIME[:5] not in str(said.value)


@pytest.mark.parametrize(
    "body",
    ["<html>sign in</html>", "[]", "{}", "null", '"x"', '{"data": {}}', '{"data": [1]}',
     '{"data": [{"id": "1"}]}'],
)  # fmt: skip
def test_answer_of_another_form_is_a_sentence(body):
    with Proxy(200, body) as proxy, uptime(proxy) as api, pytest.raises(Unavailable) as said:
        api.all("/api/v2/monitors")
    assert "GET /api/v2/monitors" in str(said.value)


@pytest.mark.parametrize("token", ["tökén-77", "two words", "line\nline"])
def test_token_that_cannot_be_one_is_refused_and_not_shown(token, environ, there):
    with pytest.raises(UsageError, match="BETTERSTACK_UPTIME_TOKEN holds no token") as said:
        uptime(there, token)
    assert token not in str(said.value)
    environ["BETTERSTACK_INGEST_TOKEN"] = token
    with pytest.raises(UsageError, match="BETTERSTACK_INGEST_TOKEN holds no token"):
        shipper(load(environ=environ), "lab")


def test_value_that_does_not_exist_there_is_refused(there):
    body = {"url": URL, "monitor_type": "status", "request_timeout": 7}
    with uptime(there) as api, pytest.raises(Unavailable, match="422"):
        api.call("POST", "/api/v2/monitors", body)


def test_missing_token_is_named(environ):
    del environ["BETTERSTACK_UPTIME_TOKEN"]
    with pytest.raises(UsageError, match="BETTERSTACK_UPTIME_TOKEN"):
        read(load(environ=environ).betterstack)


def test_unreachable_service_is_a_sentence(environ):
    environ["DRILL_BETTERSTACK__UPTIME_URL"] = "http://127.0.0.1:9"
    with pytest.raises(Unavailable, match="ConnectError"):
        read(load(environ=environ).betterstack)


def test_heartbeat_pending_for_ever_stays_silent_and_one_that_was_pinged_does_not(there):
    with uptime(there) as api:
        made = api.call("POST", "/api/v2/heartbeats", {"name": "b", "period": 30, "grace": 0})
        url = made["data"]["attributes"]["url"]
        there.account.tick()
        assert api.all("/api/v3/incidents") == []
        httpx.get(url)
        wait_until(lambda: api.all("/api/v3/incidents"), within_s=5, name="an incident")


# ---- shipped ------------------------------------------------------------------------------------
def test_samples_arrive_with_their_names_and_units(there, settings):
    ship = shipper(settings, "lab")
    ship([Sample(0, "search", 12.5), Sample(0, "disk", 91.0), Sample(0, "memory", None)], [])
    (event,) = there.account.received
    assert (event["search_ms"], event["disk_percent"], event["target"]) == (12.5, 91.0, "lab")
    assert "memory_percent" not in event  # what was not seen is not sent as zero
    assert re.fullmatch(r"\d{4}-.*Z", event["dt"])


def test_every_alert_looks_at_a_field_that_is_shipped(settings):
    from chromadrill.monitoring.betterstack import desired
    from chromadrill.monitoring.betterstack.ship import FIELDS

    columns = {each.attributes["_field"] for each in desired.alerts(settings.monitoring)}
    assert columns <= set(FIELDS.values())


def test_number_without_end_is_left_out():
    assert "backup_age_s" not in event_of("x", [Sample(0, "backup age", float("inf"))], [])


def test_refused_and_unreachable_shipping_is_said_once_and_never_raises(environ, there, capsys):
    environ["BETTERSTACK_INGEST_TOKEN"] = "wrong-token-1234"
    ship = shipper(load(environ=environ), "lab")
    for _ in range(3):
        ship([], [])
    assert capsys.readouterr().err == "Not shipped: 403, the token is refused.\n"
    environ["BETTERSTACK_INGEST_URL"] = "http://127.0.0.1:9"
    shipper(load(environ=environ), "lab")([], [])
    assert capsys.readouterr().err == "Not shipped: ConnectError.\n"


def test_shipping_without_a_place_is_refused_before_the_watch_begins(environ):
    del environ["BETTERSTACK_INGEST_URL"]
    with pytest.raises(UsageError, match="BETTERSTACK_INGEST_URL"):
        shipper(load(environ=environ), "lab")


def test_pager_fails_the_heartbeat_once_and_is_silent_where_nobody_can_tell(there, settings):
    with uptime(there) as api:
        made = api.call("POST", "/api/v2/heartbeats", {"name": "m", "period": 60})
    url = SecretStr(made["data"]["attributes"]["url"])
    notify = settings.notify.model_copy(update={"monitor_heartbeat": url})
    (down,) = [each for each in rules(settings.monitoring) if each.name == "service down"]
    alerts = Alerts([down], began=0, expected=["health"])
    pager = Pager(settings.model_copy(update={"notify": notify}), alerts, every_s=0)

    def look(at, value):
        events = alerts.take([Sample(at, "health", value)], at)
        pager([], events)
        return the(there, "heartbeats")["status"]

    assert [look(at, 1.0) for at in (0, 30)] == ["up", "up"]
    assert [look(at, 0.0) for at in (60, 90, 120, 150)] == ["up", "up", "down", "down"]
    assert len(there.account.of("/api/v3/incidents")) == 1
    for at in range(180, 480, 30):
        status = look(at, 1.0)
    assert status == "up"
    the(there, "heartbeats")["status"] = "untouched"
    assert look(2000, None) == "untouched"


def test_pager_pings_on_where_the_platform_never_tells_one_of_the_signals(there, settings):
    with uptime(there) as api:
        made = api.call("POST", "/api/v2/heartbeats", {"name": "m", "period": 60})
    url = SecretStr(made["data"]["attributes"]["url"])
    notify = settings.notify.model_copy(update={"monitor_heartbeat": url})
    alerts = Alerts(rules(settings.monitoring), began=0, expected=["health", "oom kills"])
    pager = Pager(settings.model_copy(update={"notify": notify}), alerts, every_s=0)
    for at in range(0, 1200, 30):
        seen = [Sample(at, "health", 1.0), Sample(at, "oom kills", None, unsupported=True)]
        the(there, "heartbeats")["status"] = "untouched"
        pager(seen, alerts.take(seen, at))
        assert the(there, "heartbeats")["status"] == "up"


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
    assert not [each for each in TOKENS if each in done.stdout + done.stderr]


def test_command_without_a_token_says_which(tmp_path):
    done = command("monitor", "--betterstack", environ={"DRILL_MONITORING__URL": URL}, cwd=tmp_path)
    assert done.returncode == 64
    assert "BETTERSTACK_UPTIME_TOKEN" in done.stderr
    assert "Traceback" not in done.stderr


def test_monitor_of_a_dead_address_alerts_and_no_secret_is_in_any_file(there, environ, tmp_path):
    with uptime(there) as api:
        made = api.call("POST", "/api/v2/heartbeats", {"name": "m", "period": 60})
    url = made["data"]["attributes"]["url"]
    environ["DRILL_NOTIFY__MONITOR_HEARTBEAT"] = url
    done = command(
        "monitor", "--target", "http://127.0.0.1:9", "--for", "4", "--time-scale", "0.02", "--ship",
        "--json", environ=environ, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    assert [each["rule"] for each in said["events"] if each["kind"] == "fired"] == ["service down"]
    assert the(there, "heartbeats")["status"] == "down"
    assert there.account.received[-1]["health"] == 0.0
    written = done.stdout + done.stderr
    written += "".join(p.read_text("utf-8", "replace") for p in tmp_path.rglob("*") if p.is_file())
    assert not [each for each in (*TOKENS, url.rpartition("/")[2]) if each in written]


def test_verified_backup_pings_its_heartbeat_and_a_failed_one_pings_fail(
    there, target, monkeypatch, tmp_path, capsys
):
    with uptime(there) as api:
        made = api.call("POST", "/api/v2/heartbeats", {"name": "b", "period": 3600})
    secret = made["data"]["attributes"]["url"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRILL_TARGETS__PROCESS__HOME", str(target.home))
    monkeypatch.setenv("DRILL_OWNER_PID", str(os.getpid()))
    monkeypatch.setenv("DRILL_NOTIFY__BACKUP_HEARTBEAT", secret)
    assert invoke(["ops", "snapshot", "--name", "one", "--method", "export"]) == 0
    assert the(there, "heartbeats")["status"] == "up"
    with pytest.raises(Exception, match="exists already"):
        invoke(["ops", "snapshot", "--name", "one", "--method", "export"])
    assert the(there, "heartbeats")["status"] == "down"
    lines = Path(".chromadrill/backups.jsonl").read_text().splitlines()
    assert [json.loads(each)["outcome"] for each in lines] == ["pass", "fail"]
    assert secret not in "".join(lines) + "".join(capsys.readouterr())


@pytest.mark.parametrize("text", ["90", "90s", "10m", "2h"])
def test_durations_are_read(text):
    assert monitor.duration(text) in (90, 600, 7200)


@pytest.mark.parametrize("text", ["", "0", "m", "-5s", "10 minutes", "nan"])
def test_other_durations_are_refused(text):
    with pytest.raises(UsageError, match="is no duration"):
        invoke(["monitor", "--for", text])
