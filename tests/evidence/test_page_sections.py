"""The tables of the page: objectives by their own checks, the outage, the list of files."""

import hashlib

from chromadrill.evidence.report.page_sections import digest, objectives
from chromadrill.evidence.report.timeline import outage
from tests.evidence.sample_records import (
    green,
    red,
    scenario,
)


def test_an_objective_has_the_outcome_of_the_checks_held_against_its_own_limit():
    record = red()
    age = {"id": "RB-2", "title": "age of the oldest lost write", "limit": 86400, "unit": "s"}
    record["objectives"] += [age, {"id": "RB-8", "title": "monthly", "limit": 300, "unit": "s"}]
    table = [(o["outcome"], o["passed"], o["drilled"]) for o in objectives(record)]
    assert table == [("fail", 2, 3), ("pass", 3, 3), (None, 0, 0)]


def test_objectives_with_the_same_limit_are_judged_by_their_own_checks():
    def judged(check, outcome):
        return {"check": check, "outcome": outcome, "limit": 300, "unit": "s"}

    late = {"id": "any", "check": "downtime", "limit": 300, "unit": "s"}
    back = {"id": "RB-2", "check": "recovery time", "limit": 300, "unit": "s"}
    ran = [judged("recovery time", "pass"), judged("downtime", "fail")]
    scenarios = [{"runbook": "RB-2", "outcome": "fail", "verdicts": ran},
                 {"runbook": "RB-5", "outcome": "pass", "verdicts": []}]  # fmt: skip
    table = objectives({"objectives": [late, back], "scenarios": scenarios})
    assert [(o["outcome"], o["drilled"]) for o in table] == [("fail", 1), ("pass", 1)]


def test_objective_is_not_met_by_a_scenario_that_passed_without_measuring_it():
    started = {"id": "RB-1", "check": "startup", "limit": 30, "unit": "s"}
    passed = {"runbook": "RB-1", "outcome": "pass", "verdicts": []}
    cut_short = passed | {"outcome": "unknown"}
    table = [objectives({"objectives": [started], "scenarios": scenarios})[0]
             for scenarios in ([passed], [passed, cut_short])]  # fmt: skip
    assert [(o["outcome"], o["drilled"]) for o in table] == [(None, 0), ("unknown", 1)]


def test_objective_of_any_scenario_is_judged_by_every_check_that_it_limits():
    fast = {"id": "any", "check": "search p90", "limit": 500, "unit": "ms"}
    ran = [{"check": name, "outcome": outcome, "limit": 500, "unit": "ms"}
           for name, outcome in (("search p90 cold", "pass"), ("get by id p90", "fail"))]  # fmt: skip
    record = {"objectives": [fast], "scenarios": [{"runbook": "RB-6", "verdicts": ran}]}
    assert objectives(record)[0]["outcome"] == "fail"


def test_the_outage_ends_with_the_recovery():
    client = [{"from_s": 0, "to_s": 10, "result": "right"},
            {"from_s": 10, "to_s": 17, "result": "error"},
            {"from_s": 30, "to_s": 37, "result": "error"}]  # fmt: skip
    timed = scenario(client=client, strike_s=11, recovered_s=17.5)
    assert outage(timed) == "6 s (6 s error)"
    assert outage(timed | {"recovered_s": None}) == "13 s (13 s error)"
    assert outage({}) == "not measured"


def test_the_list_of_files_is_pinned_by_one_hash_that_sha256sum_would_give():
    lines = "".join(f"{a['sha256']}  {a['path']}\n" for a in green()["artifacts"])
    assert digest(green()["artifacts"]) == hashlib.sha256(lines.encode()).hexdigest()
