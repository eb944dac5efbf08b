"""The registry knows every check that the code can judge by, and every objective."""

import pytest

from chromadrill.backups.hot_copy.methods import HOT_COPY_METHODS
from chromadrill.checks import registry
from chromadrill.checks.registry.check import Group
from chromadrill.core.settings import Monitoring, Objectives
from chromadrill.evidence.provenance import objectives
from chromadrill.monitoring.rules import rules
from tests.checks.check_names import names

NAMES = names()
# what the code's syntax does not say, and the names that it stands for
KNOWN_AT_RUN_TIME = {
    "rule.name": {rule.name for rule in rules(Monitoring())},
    "copy.method": set(HOT_COPY_METHODS),
    "copies[0].method": set(HOT_COPY_METHODS),
    "want.kind": {"monitor", "heartbeat"},
    "SIGNED": {"signature"},
    "every {}": {"every search", "every filtered search", "every get by id"},
    "search p90 {}": {"search p90 cold", "search p90 warm"},
    "{} p90": {"latency trend: search p90", "filtered search p90", "get by id p90"},
}
COPIED = {"each['check']", "raw['check']"}  # of a verdict that was judged before
NEVER_SHOWN = {"", "?"}  # only the outcome is asked for
# neither limits a check: how many samples a percentile needs
NO_LIMITS = {"search_samples"}


def test_every_check_that_the_code_can_judge_is_known():
    emitted = set(NAMES.texts) - set(KNOWN_AT_RUN_TIME) - NEVER_SHOWN
    emitted |= {name for group in KNOWN_AT_RUN_TIME.values() for name in group}
    assert len(emitted) > 100
    assert {name for name in emitted if registry.find(name) is None} == set()


def test_no_name_of_a_check_escapes_the_reading_of_the_code():
    assert set(NAMES.opaque) <= set(KNOWN_AT_RUN_TIME) | COPIED


def test_every_known_check_is_judged_somewhere():
    emitted = set(NAMES.texts) | {n for group in KNOWN_AT_RUN_TIME.values() for n in group}
    judged = {check.name for name in emitted if (check := registry.find(name))}
    # "forecast" is a figure of the history; its checks are called "forecast rebuild" and the like
    assert set(registry.CHECKS) - judged == {"forecast"}


def test_every_objective_limits_a_check_and_is_in_the_record():
    keys = set(Objectives.model_fields) - NO_LIMITS
    assert set(registry.limits()) == keys
    listed = objectives(Objectives().model_dump())
    assert len(listed) == len(keys)
    assert {each["id"] for each in listed} == {
        "RB-1", "RB-2", "RB-3", "RB-4", "RB-6", "RB-8", "any",
    }  # fmt: skip


def test_names_are_unique_and_every_check_says_what_it_asks_and_what_comes_next():
    rows = (*registry.RESTORES, *registry.SERVICES)
    assert len({check.name for check in rows}) == len(rows)
    for check in rows:
        assert check.question.endswith("?"), check.name
        assert check.meaning[-1] in ".?", check.name
        assert check.command, check.name


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("records after one more restart", "records"),
        ("start (served)", "start"),
        ("integrity at rest", "integrity"),
        ("search p90 cold", "search p90 cold"),
        ("wrong answers", "wrong answers"),
        ("wrong answers detected", "{} detected"),
        ("alert disk", "alert {}"),
        ("alert disk escalation", "{} escalation"),
        ("trend: recovery time", "trend: {}"),
        ("latency trend: get by id p90", "latency trend: {}"),
    ],
)
def test_name_leads_to_its_check_whenever_it_was_asked(name, check):
    assert registry.find(name) is registry.CHECKS[check]


@pytest.mark.parametrize(
    "name", ["", "record s", "recordsx", "trend: ", "detected", "no such check"]
)
def test_name_that_no_check_has_is_not_taken_for_another(name):
    assert registry.find(name) is None
    assert registry.advice(name)[0] == "It is not as it should be; its message says how."


def test_recovery_is_limited_by_its_runbook_and_a_lost_write_of_a_restart_by_nothing():
    assert registry.limit_of("recovery time", "RB-3").key == "rb3_recovery_s"
    assert registry.limit_of("recovery time", "RB-9") is None
    assert registry.limit_of("data loss", "RB-1") is None
    assert registry.limit_of("data loss", "RB-2").key == "data_loss_s"
    assert registry.limit_of("every get by id", "RB-6").key == "query_ms"
    assert registry.limit_of("records", "RB-2") is None


def test_searches_of_every_kind_are_held_against_the_same_limit_and_no_other_check_is():
    assert registry.same_limit("search p90 cold", "search p90")
    assert registry.same_limit("filtered search p90", "search p90")
    assert not registry.same_limit("upsert p90", "search p90")
    assert not registry.same_limit("records", "counts")
    assert registry.same_limit("of an old release", "of an old release after one more restart")


def test_a_restore_is_shown_by_what_was_broken_and_what_was_read_and_compared():
    restores = {check.name for check in registry.CHECKS.values() if check.restores}
    assert restores == {"disaster seen", "original", "upgrade"}
    assert registry.of_group(Group.CONTENT) == ("inventory", "counts", "records", "configuration")
