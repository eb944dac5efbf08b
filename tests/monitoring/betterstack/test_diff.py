"""What an account lacks is seen, planned, and mended by the plan's own calls."""

import pytest

from chromadrill.checks.betterstack import different_attributes, escalates, heartbeat_pinged
from chromadrill.core.settings import load
from chromadrill.monitoring.betterstack.desired import members
from chromadrill.monitoring.betterstack.desired import monitor as desired_monitor
from chromadrill.monitoring.betterstack.plan import plan_text, terraform
from tests.monitoring.betterstack.account import URL, diff_of, only, outcomes, ping, type_calls


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
    ping(only(mended, "heartbeats")["url"] + "/fail")
    assert outcomes(diff_of(settings))["incidents"] == "fail"
    ping(only(mended, "heartbeats")["url"])
    assert outcomes(diff_of(settings))["incidents"] == "pass"
