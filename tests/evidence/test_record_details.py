"""What the record says beyond verdicts: timeline, client, summary, next step."""

import subprocess
from datetime import timedelta

import pytest

from chromadrill.core.clock import parse_time, time_text
from chromadrill.core.settings import Objectives
from chromadrill.evidence.next_steps import fill_placeholders, next_step
from chromadrill.evidence.provenance import contacts, objectives, provenance, trigger
from chromadrill.evidence.scenario import scenario_of
from chromadrill.evidence.summary import summary_of

AT = "2026-11-25T08:00:{:06.3f}Z"


def event(kind, at, **fields):
    return {"event": kind, "scenario": "s", "at": AT.format(at), "t": 700.0 + at, **fields}


@pytest.fixture
def events():
    """A scenario struck at 10 s, seen wrong from 11 to 14 s, recovered at 15 s."""
    zero = 1795593600.0  # 08:00:00 UTC of that day
    probe_results = [(0, 11, "right"), (11, 12, "error"), (12, 14, "wrong"), (14, 20, "right")]
    return [
        event("scenario started", 0, runbook="RB-2", title="t"),
        event("phase started", 1, name="given"),
        event("phase finished", 9, name="given", seconds=8.0, status="passed"),
        event("fault injected", 10, disaster="d", what="w"),
        event("seen", 12, seen="a client saw error", seen_after_s=2.0),
        event("recovered", 15, seconds=5.0),
        event("probe results", 20, windows=[{"from": zero + a, "to": zero + b, "result": r}
                                     for a, b, r in probe_results]),
        event("scenario finished", 21, error=None),
    ]  # fmt: skip


def verdict(check, outcome="pass", **more):
    base = {"check": check, "outcome": outcome, "actual": None, "limit": None, "unit": None}
    return {**base, "message": "m", "differences": [], **more}


def test_times_are_seconds_from_the_start_of_the_scenario(events):
    scenario = scenario_of(events[0], events)
    assert (scenario["strike_s"], scenario["recovered_s"]) == (10.0, 15.0)
    assert scenario["phases"] == [
        {"name": "given", "seconds": 8.0, "start_s": 1.0, "status": "passed"}
    ]
    assert scenario["disaster"]["seen_after_s"] == 2.0


def test_downtime_and_wrong_answers_are_what_the_client_saw_between_strike_and_recovery(events):
    summary = summary_of([scenario_of(events[0], events)])
    assert (summary["downtime_s"], summary["wrong_answer_s"]) == (3.0, 2.0)


@pytest.mark.parametrize("step_s", [-600.0, 600.0])
def test_clock_that_is_set_within_the_outage_changes_no_second_of_the_record(events, step_s):
    expected = scenario_of(events[0], events)
    for event in events[4:]:  # after the fault was injected
        moment = parse_time(event["at"]) + timedelta(seconds=step_s)
        event["at"] = time_text(moment)
        for window in event.get("windows", ()):  # in UTC as it was when they were written down
            window["from"] += step_s
            window["to"] += step_s
    judged = scenario_of(events[0], events)
    assert judged == expected
    assert summary_of([judged])["downtime_s"] == 3.0


def test_what_the_prober_cost_is_in_the_record_and_null_in_an_older_ledger(events):
    assert scenario_of(events[0], events)["prober"] is None
    events[-2]["prober"] = {"ticks": 80, "share_percent": 4.2}
    assert scenario_of(events[0], events)["prober"] == {"ticks": 80, "share_percent": 4.2}


def test_nothing_measured_is_null_not_zero():
    summary = summary_of([])
    assert summary["recovery_time_s"] is summary["downtime_s"] is summary["data_loss_s"] is None


def test_summary_shows_the_scenario_nearest_to_its_limit_and_never_is_the_worst():
    def scenario(actual, limit):
        recovery = verdict("recovery time", actual=actual, limit=limit, unit="s")
        return {"verdicts": [recovery], "client": [], "strike_s": None, "recovered_s": None}

    near = summary_of([scenario(50, 300), scenario(60, 120)])
    never = summary_of([scenario(119, 120), scenario(None, 300)])
    assert (near["recovery_time_s"], near["recovery_limit_s"]) == (60, 120)
    assert (never["recovery_time_s"], never["recovery_limit_s"]) == (None, 300)


def test_lost_and_altered_records_are_counted_once_though_two_climbs_saw_them():
    lost = {"field": "record", "kind": "missing", "count": 3}
    altered = {"field": "metadata", "kind": "changed", "count": 5}
    climb = verdict("records", "fail", actual=7, limit=10, differences=[lost, altered])
    again = {**climb, "check": "records after one more restart"}
    summary = summary_of([{"verdicts": [climb, again], "client": [], "strike_s": None}])
    assert (summary["records_lost"], summary["records_altered"]) == (3, 5)
    assert (summary["records_compared"], summary["records_total"]) == (7, 10)


def test_next_step_is_of_the_first_fail_then_of_the_first_unknown():
    verdicts = [verdict("filters", "unknown"), verdict("recall", "fail"), verdict("alive", "fail")]
    assert next_step(verdicts, None)["check"] == "recall"
    assert next_step(verdicts[:1], None)["check"] == "filters"
    assert next_step([verdict("alive")], None) is None
    assert "broke" in next_step([], "KeyError")["meaning"]


def test_next_command_names_this_target_and_its_address():
    step = {"check": "alive", "meaning": "m", "command": "ops --target TARGET; x --url URL"}
    known = fill_placeholders(step, "lab", "http://127.0.0.1:1")
    assert known["command"] == "ops --target lab; x --url http://127.0.0.1:1"
    assert fill_placeholders(step, None, None) == step
    assert fill_placeholders(None, "lab", None) is None


def test_package_in_somebody_elses_repository_does_not_borrow_its_commit(tmp_path):
    git = ["git", "-C", tmp_path, "-c", "user.name=x", "-c", "user.email=x@example.test"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "theirs"], check=True)
    (tmp_path / "env").mkdir()
    assert provenance(tmp_path, "1")["git_sha"]
    assert provenance(tmp_path / "env", "1")["git_sha"] is None


def test_ci_says_why_a_drill_ran():
    assert trigger({"GITHUB_EVENT_NAME": "schedule"}) == "schedule"
    assert trigger({"CI_PIPELINE_SOURCE": "schedule"}) == "schedule"
    assert trigger({"GITHUB_EVENT_NAME": "workflow_call"}) == "release"
    assert trigger({}) == "manual"


def test_every_recovery_limit_is_in_the_record_with_its_controls():
    limits = objectives(Objectives().model_dump())
    recoveries = [limit for limit in limits if limit["check"] == "recovery time"]
    assert [(limit["id"], limit["limit"]) for limit in recoveries] == [
        ("RB-1", 120), ("RB-2", 300), ("RB-3", 3600), ("RB-4", 300), ("RB-6", 300), ("RB-8", 300),
    ]  # fmt: skip
    assert all(limit["controls"] and limit["unit"] in ("s", "ms") for limit in limits)


def test_contacts_are_in_the_order_in_which_they_are_called():
    called = contacts({"secondary": "B, #b", "primary": "A, +1 23", "platform": None})
    assert [(c["role"], c["name"], c["reach"]) for c in called] == [
        ("primary", "A", "+1 23"), ("secondary", "B", "#b"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("noted", "origin"),
    [(None, False), ({}, False), ({"production_origin": None}, None),
     ({"production_origin": True}, True)],
    ids=range(4),
)  # fmt: skip
def test_our_own_data_is_synthetic_and_an_existing_backup_is_what_was_said_of_it(
    events, noted, origin
):
    backup = [] if noted is None else [event("backup", 2, id="b", **noted)]
    assert scenario_of(events[0], [*events, *backup])["production_origin"] is origin


def test_loss_where_nothing_may_be_lost_is_the_loss_of_the_run():
    lost = verdict("data loss", "fail", actual=3600.0, limit=0.0)
    allowed = verdict("data loss", actual=1.0, limit=86400.0)
    kept = verdict("data loss", actual=0.0, limit=0.0)
    figures = [
        summary_of([{"verdicts": [first]}, {"verdicts": [second]}])
        for first, second in ((lost, allowed), (allowed, lost), (kept, allowed), (kept, kept))
    ]
    assert [(f["data_loss_s"], f["data_loss_limit_s"]) for f in figures] == [
        (3600.0, 0.0), (3600.0, 0.0), (1.0, 86400.0), (0.0, 0.0),
    ]  # fmt: skip
