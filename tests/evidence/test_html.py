"""The page says what each of its readers looks for, and no more than the record shows."""

import io
import re

import pytest
from rich.console import Console

from chromadrill.evidence.report.html import page
from chromadrill.evidence.report.markdown import print_summary
from chromadrill.evidence.report.page_sections import digest
from tests.evidence.page_reader import Reader, render
from tests.evidence.sample_records import (
    NEXT,
    green,
    history,
    red,
)


def test_on_call_finds_the_next_command_before_the_numbers():
    text = Reader(render("red")).text
    assert text.index(NEXT) < text.index("Recovery time") < text.index("For the auditor")
    assert "3 records are missing" in text
    assert "#search-oncall" in text
    assert "Records are lost, added or altered" in text
    assert "Error finding id" in text
    assert "__future__:1" in text


@pytest.mark.parametrize("name", ["red", "unknown", "empty", "nothing"])
def test_no_number_is_green_where_the_restore_is_not_proven(name):
    assert 'class="card good' not in render(name)
    assert 'class="m-good"' not in render(name)
    assert 'class="card good' in render("green")


def test_without_a_next_command_on_call_is_not_sent_to_restore_anything():
    text = Reader(render("unknown")).text
    assert "No next command in this record. Nothing here shows damage" in text


def test_an_unknown_drill_says_which_scenario_and_what_was_left_out():
    text = Reader(render("unknown")).text
    assert "snapshot is restored (volume-lost-export)" in text
    assert "nobody saw it" in text
    assert "RB-1 is required and was not drilled" in text


def test_drills_of_another_target_are_not_in_the_trend():
    other = history(1)[0] | {"target": "staging", "finished_at": "2020-01-02T03:04:05Z"}
    assert "2 Jan 2020" in page(green(), [other | {"target": "process"}])
    assert "2 Jan 2020" not in page(green(), [other])


def test_synthetic_data_is_called_synthetic_on_the_first_screen():
    for origin, sentence in ((False, "Synthetic data."), (True, "Production backup."),
                          (None, "Data of unknown origin.")):  # fmt: skip
        record = green()
        for drilled in record["scenarios"]:
            drilled["production_origin"] = origin
        text = Reader(page(record)).text
        assert sentence in text[: text.index("Recovery time")]


def test_the_auditor_finds_who_when_what_and_the_hashes():
    text = Reader(render("red")).text
    for wanted in ("ci-bot", "data team", "head of platform", "SOC 2 A1.3", "snap-20261125T073941Z",
                   "OPS-811", "Linus Search", "2026-12-09", "RB-4 was drilled without a witness",
                   "0123456789abcdef", "ab" * 32, digest(red()["artifacts"])):  # fmt: skip
        assert wanted in text


def test_what_the_record_does_not_say_is_named():
    text = Reader(page({})).text
    for wanted in ("who ran the drill", "who witnessed it", "the backup's origin", "not measured"):
        assert wanted in text
    assert not re.search(r"\b(None|nan|Undefined)\b", text)


def test_a_record_of_today_without_the_new_fields_is_proven_with_its_own_numbers():
    new = {"production_origin", "disaster", "backup", "client", "commands", "next_step", "log_tail"}
    old = {key: green()[key] for key in (
        "schema", "run_id", "outcome", "target", "versions", "started_at", "finished_at",
        "embedder", "required", "not_covered", "artifacts")}  # fmt: skip
    old["scenarios"] = [
        {key: value for key, value in full.items() if key not in new}
        for full in green()["scenarios"]
    ]
    text = Reader(page(old)).text
    assert "RESTORE PROVEN" in text
    assert "37.5 s within the limit of 300 s" in text
    assert "None" not in text
    assert "Exceptions Not recorded" in text


@pytest.mark.parametrize(("share", "is_heavy"), [(4.2, False), (10.0, True)])
def test_the_page_says_what_the_prober_cost_and_when_that_is_a_tenth_of_the_machine(
    share, is_heavy
):
    record = green()
    record["scenarios"][0]["prober"] = {
        "ticks": 80, "cores": 2, "start_s": 0.4, "share_percent": share, "late_p50_ms": 0.2,
        "late_p99_ms": 3.0, "late_max_ms": 12.5,
    }  # fmt: skip
    text = Reader(page(record)).text
    assert f"The prober took {share} % of 2 cores; its ticks began 0.2 ms late (median)" in text
    assert ("a tenth of the machine or more" in text) == is_heavy
    screen = Console(file=io.StringIO(), width=200)
    print_summary(record, "reports/x", screen)
    assert ("beware: the prober itself took" in screen.file.getvalue()) == is_heavy
