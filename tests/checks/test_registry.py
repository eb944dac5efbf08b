"""The registry knows every check that the code can judge by, and every objective."""

from functools import cache

import pytest

from chromadrill.backups.hot_copy.methods import HOT_COPY_METHODS
from chromadrill.checks import registry
from chromadrill.checks.registry.check import CheckGroup
from chromadrill.core.settings import Monitoring, Objectives
from chromadrill.evidence.provenance import objectives
from chromadrill.monitoring.rules import rules
from tests.checks.check_names import names

SRC = "src/chromadrill"
# files whose syntax does not say which checks they judge, and the names that they use
KNOWN_AT_RUN_TIME = {
    f"{SRC}/monitoring/verdicts.py": {rule.name for rule in rules(Monitoring())},
    f"{SRC}/checks/hot_copy.py": set(HOT_COPY_METHODS),
    f"{SRC}/monitoring/betterstack/diff.py": {"monitor", "heartbeat"},
    f"{SRC}/evidence/verify_run.py": {"signature"},
    f"{SRC}/workload/load/background_clients.py": set(),  # copies verdicts of the load run
    f"{SRC}/evidence/rejudge.py": set(),  # copies verdicts of the ledger
}
# names that are put together of parts, of which one is itself known at run time
TEMPLATES = {
    "every {}": {"every search", "every filtered search", "every get by id"},
    "search p90 {}": {"search p90 cold", "search p90 warm"},
    "{} judged": {"power cuts judged", "kills judged"},
    "{} seen": {"power cuts seen", "kills seen"},
    "{} torn by flushes alone": {
        "power cuts torn by flushes alone",
        "kills torn by flushes alone",
    },
    "{} p90": {"latency trend: search p90", "filtered search p90", "get by id p90"},
}
NEVER_SHOWN = {"", "?"}  # only the outcome is asked for
# neither limits a check: how many samples a percentile needs
NO_LIMITS = {"search_samples"}


@cache
def names_in_code():
    """Read when a test asks: collecting the tests of other files does not wait for it."""
    return names()


def all_names():
    tables = (*KNOWN_AT_RUN_TIME.values(), *TEMPLATES.values())
    known = {name for table in tables for name in table}
    return (set(names_in_code().texts) - set(TEMPLATES) - NEVER_SHOWN) | known


@pytest.mark.slow
def test_every_check_that_the_code_can_judge_is_known():
    assert len(all_names()) > 100
    assert {name for name in all_names() if registry.find(name) is None} == set()


@pytest.mark.slow
def test_no_name_of_a_check_escapes_the_reading_of_the_code():
    assert {path: sorted(expressions) for path, expressions in names_in_code().opaque.items()
            if path not in KNOWN_AT_RUN_TIME} == {}  # fmt: skip


def test_every_known_check_is_judged_somewhere():
    judged = {check.name for name in all_names() if (check := registry.find(name))}
    # "forecast" is a figure of the history; its checks are called "forecast rebuild" and the like
    assert set(registry.CHECKS) - judged == {"forecast"}


def test_every_objective_limits_a_check_and_is_in_the_record():
    keys = set(Objectives.model_fields) - NO_LIMITS
    assert set(registry.limits()) == keys
    listed = objectives(Objectives().model_dump())
    assert len(listed) == len(keys)
    assert {row["id"] for row in listed} == {
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
    assert registry.of_group(CheckGroup.CONTENT) == (
        "inventory",
        "counts",
        "records",
        "configuration",
        "same content",
        "coverage",
    )
