"""Every check of the monitor can be red, and is open where nobody knows."""

import pytest

from chromadrill.checks import betterstack
from chromadrill.checks import monitoring as checks

HELD = {"fired": 0, "firing": False, "lost": 0, "observed": True, "pending": False, "bad_share": 0.0,
        "detail": ""}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "pass"),
        ({"fired": 1}, "fail"),
        ({"fired": 1, "firing": True, "lost": 2}, "fail"),
        ({"lost": 1}, "unknown"),
        ({"observed": False}, "unknown"),
        ({"pending": True}, "unknown"),
        ({"bad_share": 0.2}, "pass"),
        ({"bad_share": 0.21}, "unknown"),
    ],
)
def test_rule_held_only_where_it_was_seen_and_good_to_the_end(changes, outcome):
    assert checks.rule_held("x", **{**HELD, **changes}).outcome == outcome


@pytest.mark.parametrize(("after_s", "outcome"), [(None, "fail"), (9.9, "pass"), (10.1, "fail")])
def test_alert_that_is_late_or_never_comes_fails(after_s, outcome):
    verdict = checks.alert_in_time("x", after_s, 10, time_scale=0.02, detail="")
    assert verdict.outcome == outcome
    assert after_s is None or "0.02" in verdict.message


@pytest.mark.parametrize(
    ("fired", "cleared", "firing", "outcome"),
    [(1, 1, False, "pass"), (2, 2, False, "fail"), (1, 0, True, "fail"), (0, 0, False, "fail"),
     (2, 1, True, "fail")],
)  # fmt: skip
def test_two_pages_of_one_fault_fail(fired, cleared, firing, outcome):
    assert checks.one_page("x", fired, cleared, firing=firing).outcome == outcome


def test_alert_that_the_fault_does_not_explain_fails():
    assert checks.quiet([]).outcome == "pass"
    assert checks.quiet(["disk"]).outcome == "fail"


def test_incident_that_never_opens_fails():
    assert checks.incident_in_time("incident opened", None, 180, by="simulated").outcome == "fail"
    assert checks.incident_in_time("incident opened", 2, 180, by="simulated").outcome == "pass"


def test_object_that_differs_names_the_field_with_both_values():
    verdict = betterstack.set_as_wanted("monitor", {"a": 1, "b": 2}, {"a": 1, "b": 3, "_c": 9})
    assert verdict.outcome == "fail"
    assert [(d.field, d.before, d.after) for d in verdict.differences] == [("b", "3", "2")]
    assert betterstack.set_as_wanted("monitor", None, {"a": 1}).outcome == "fail"
    assert betterstack.set_as_wanted("monitor", {"a": 1}, {"a": 1, "_c": 9}).outcome == "pass"


def test_open_incident_fails():
    assert betterstack.no_open_incident("x", [{"name": "n", "resolved_at": None}]).outcome == "fail"
    assert betterstack.no_open_incident("x", [{"name": "n", "resolved_at": "t"}]).outcome == "pass"
