"""The headline says no more than the record shows."""

import re

import pytest

from chromadrill.evidence.report.headline import headline_of
from chromadrill.evidence.report.html import page
from tests.evidence.page_reader import Reader, render
from tests.evidence.sample_records import (
    check,
    green,
    scenario,
)


@pytest.mark.parametrize(
    ("name", "headline"),
    [("green", "RESTORE PROVEN"), ("red", "NOT PROVEN"), ("unknown", "COULD NOT TELL"),
     ("empty", "COULD NOT TELL"), ("nothing", "COULD NOT TELL")],
)  # fmt: skip
def test_the_first_heading_is_the_verdict_and_no_other_verdict_is_shouted(name, headline):
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", render(name)).group(1)
    assert heading == headline
    assert "RESTORE PROVEN" in Reader(render(name)).text or name != "green"
    if name != "green":
        assert "RESTORE PROVEN" not in render(name)


@pytest.mark.parametrize("change", [
    lambda r: r["scenarios"][0].update(outcome="fail"),
    lambda r: r["scenarios"][0].pop("outcome"),
    lambda r: r["scenarios"][0]["verdicts"][0].update(outcome="fail"),
    lambda r: r["scenarios"][0]["verdicts"][1].update(outcome="not_run"),
    lambda r: r.update(not_covered=["RB-1"]),
    lambda r: r.update(required=["RB-1", "RB-2"]),
    lambda r: r.update(scenarios=[]),
    lambda r: r.update(outcome=None),
    lambda r: [s["verdicts"].pop(2) for s in r["scenarios"]],
], ids=range(9))  # fmt: skip
def test_a_record_that_says_pass_and_contradicts_itself_is_never_proven(change):
    record = green()
    change(record)
    assert "RESTORE PROVEN" not in page(record)


def test_drill_that_could_not_run_what_is_not_required_is_proven_and_not_complete():
    hole = "test_lost_collection_is_rebuilt_from_its_source: The extra `embed` is not installed."
    headline = headline_of(green() | {"not_covered": [hole]})
    assert headline.text == "DRILL PASSED, NOT COMPLETE"
    assert headline.sentence.endswith("The drill is not complete.")
    assert headline.reasons == (f"Not covered: {hole}",)


def test_what_the_target_cannot_do_is_told_beside_a_proof_and_does_not_undo_it():
    record = green()
    record["not_covered"] = ["test_x[a]: target staging has no capability volume"]
    text = Reader(page(record)).text
    assert "RESTORE PROVEN" in text
    assert "1 scenarios need what this target cannot do: not covered" in text
    record["required"] = ["RB-3"]
    assert "RESTORE PROVEN" not in page(record)


def test_contract_of_a_target_that_cannot_do_all_is_no_doubt():
    record = {"outcome": "unknown", "required": [], "scenarios": [],
              "not_covered": ["test_x: target staging has no capability pause"]}  # fmt: skip
    assert headline_of(record).text == "NO SCENARIO IN THIS RUN"
    record["not_covered"].append("test_y: a live target is stopped only with --allow-damage x")
    assert headline_of(record).text == "COULD NOT TELL"


def gate():
    """A health check has no fingerprint; the small restore has, and compared everything."""
    health = scenario("healthy", disaster=None, verdicts=[
        check("inventory", "not_run"), check("records", "not_run"), check("filters"),
    ])  # fmt: skip
    return green() | {"required": [], "scenarios": [health, scenario("small restore")]}


def test_green_gate_is_said_to_have_passed_and_to_be_no_drill():
    headline = headline_of(gate())
    assert (headline.kind, headline.text) == ("pass", "GATE PASSED")
    assert "this was no drill" in headline.sentence


def latency(**changes):
    """Runs of RB-6 alone: nothing is struck, and the first baseline is still to be accepted."""
    judged = [check("search p90"), check("latency trend: search", "not_run")]
    fast = scenario("fast", disaster=None, verdicts=judged) | {"runbook": "RB-6"} | changes
    return green() | {"required": [], "scenarios": [fast], "not_covered": ["embedding: no extra"]}


def test_green_latencies_have_passed_whatever_extra_is_not_installed():
    headline = headline_of(latency())
    assert (headline.kind, headline.text) == ("pass", "LATENCY PASSED")
    assert headline.reasons == ("Not covered: embedding: no extra",)


def test_latencies_are_not_green_beside_another_outcome_or_where_something_is_required():
    red = latency()
    red["scenarios"][0]["verdicts"][0]["outcome"] = "fail"
    assert headline_of(red).text == "COULD NOT TELL"
    assert headline_of(latency(outcome="unknown")).kind == "unknown"
    assert headline_of(latency() | {"required": ["RB-2"]}).kind == "unknown"


def test_gate_whose_small_restore_compared_no_records_could_not_tell():
    record = gate()
    record["scenarios"][1]["verdicts"][1]["outcome"] = "not_run"
    assert headline_of(record).text == "COULD NOT TELL"
    assert "records is NOT RUN" in headline_of(record).reasons


def test_run_that_restored_nothing_says_so_and_not_that_it_could_not_tell():
    record = gate()
    del record["scenarios"][1]
    assert headline_of(record).text == "NO RESTORE IN THIS RUN"


def test_run_without_scenarios_could_not_tell_only_where_some_were_required():
    nothing = gate() | {"scenarios": []}
    assert headline_of(nothing).text == "NO SCENARIO IN THIS RUN"
    assert headline_of(nothing | {"required": ["RB-2"]}).text == "COULD NOT TELL"
