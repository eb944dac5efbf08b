"""A test that is no scenario is named where it fails: in the record, on the page, in the terminal."""

import pytest

from chromadrill.evidence.report.ci import annotations
from chromadrill.evidence.report.headline import headline_of
from chromadrill.evidence.report.html import page
from chromadrill.evidence.report.markdown import markdown
from tests.evidence.one_scenario import built, ledger, pass_a_scenario, terminal

__all__ = ["ledger"]  # a fixture
PANIC = (
    "The server ended at once.\nINFO it was well\nthread 'tokio' panicked at lib.rs:89:10:\n"
    "Error creating Frontend Config\n" + "a line of the stack\n" * 60
)


@pytest.mark.parametrize("report", [page, markdown, terminal])
def test_failed_test_and_what_it_raised_are_in_every_report(ledger, report):
    pass_a_scenario(ledger)
    ledger.write("test failed", test="suites/contract/t.py::test_add", error="AssertionError: no")
    text = report(built(ledger))
    assert "suites/contract/t.py::test_add" in text
    assert "AssertionError: no" in text


def test_headline_counts_failed_tests_beside_scenarios(ledger):
    pass_a_scenario(ledger)
    ledger.write("test failed", test="t", error="e")
    headline = headline_of(built(ledger))
    assert headline.text == "NOT PROVEN"
    assert headline.sentence == "Failed: 0 of 1 scenarios, and 1 other test."


def test_file_of_tests_that_cannot_be_read_leaves_the_run_unknown_and_is_named(ledger):
    ledger.write("collection failed", test="suites/gate/t.py", error="ImportError: no x")
    record = built(ledger)
    assert record["outcome"] == "unknown"
    assert "COULD NOT TELL" in terminal(record)
    assert "why: suites/gate/t.py (no scenario): ImportError: no x" in terminal(record)


def test_annotation_of_ci_names_the_failed_test(ledger):
    ledger.write("test failed", test="t.py", error="e")
    assert "::error title=t.py%3A failed%2C and is no scenario::e" in annotations(built(ledger))


def test_long_message_is_cut_in_tables_and_whole_below_them(ledger):
    pass_a_scenario(ledger, message="word " * 200)
    text = markdown(built(ledger))
    assert "... (999 characters) |" in text
    assert "All of `inventory`:" in text


# ---- long texts ---------------------------------------------------------------------------------
def test_panic_is_one_line_in_tables_and_whole_below_them(ledger):
    pass_a_scenario(ledger, message=PANIC)
    lines = markdown(built(ledger)).splitlines()
    (row,) = [line for line in lines if line.startswith("| inventory")]
    assert row == (
        "| inventory | PASS | The server ended at once. Panic: Error creating Frontend Config |"
    )
    assert lines.count("a line of the stack") == 60


def test_panic_is_one_line_in_the_tables_of_the_page_and_of_the_terminal(ledger):
    ledger.write("test failed", test="t", error=PANIC)
    record = built(ledger)
    assert all(len(line) < 400 for line in terminal(record).splitlines())
    assert "a line of the stack\na line of the stack" in page(record)  # for on-call, all of it
