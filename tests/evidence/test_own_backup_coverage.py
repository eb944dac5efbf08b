"""The coverage of a proof, told: how much was compared, what moved, and what was not seen."""

import pytest

from chromadrill.evidence.record import record_of
from chromadrill.evidence.report.headline import headline_of
from chromadrill.evidence.report.html import page
from tests.evidence.one_scenario import terminal
from tests.evidence.own_backup_ledgers import (
    COVERAGE,
    DOCS,
    damaged,
    half_recorded,
    proof,
    proven,
    run,
    unrecorded,
    verdict,
    verdicts,
)
from tests.evidence.page_reader import Reader


def test_coverage_is_told_in_numbers_and_drawn_for_every_collection():
    html = page(proven())
    text = Reader(html).text
    assert "95.6 %" in text
    assert "4,958 of 5,186 records proven exactly; at least 50 % are asked for" in text
    picture = html[html.index('aria-labelledby="c1-title') : html.index("</figure>")]
    assert (
        "All collections: 4,958 proven exactly, 225 changed meanwhile, 3 in no recording" in picture
    )
    assert "default_tenant/wiki/pages: 900 proven exactly" in picture


def test_what_moved_and_what_was_not_compared_is_said():
    text = Reader(page(proven())).text
    assert "225 records changed between the two recordings" in text
    assert "201 of them are in the backup as one of the recordings has them" in text
    assert "24 are in it in a version that neither recording has: nothing can check" in text
    assert "The content of 24 of the 225 records that changed: no recording has it." in text
    assert "27 of them to what neither recording has: nothing can check that" in text
    assert "3 records are in the backup and in neither recording" in text
    assert "Not asked: files: no manifest" in text


@pytest.mark.parametrize("strange", [None, 0, 24])
def test_no_page_promises_of_a_record_that_moved_what_nothing_checked(strange):
    counts = {"proven": 4058, "moved": 225, "unseen": 0, "unexplained": 0, "in_between": strange}
    record = record_of(run(proof(coverage={**COVERAGE, "collections": {DOCS: counts}})))
    text = Reader(page(record)).text
    for promise in ("explained", "right in that time", "rightly"):
        assert promise not in text
    assert ("nothing can check" in text) is (strange != 0)
    assert ("as one of the two recordings has it, or came or went" in text) is (strange == 0)


def test_checks_that_were_not_asked_for_one_reason_share_a_sentence():
    names = ["records (served)", "counts (served)", "records (restarted)"]
    judged = [*verdicts(), *(verdict(n, "not_run", "no fingerprint given") for n in names)]
    text = Reader(page(record_of(run(proof(judged=judged))))).text
    assert f"Not asked: {', '.join(names)}: no fingerprint given." in text


def test_a_live_recording_stands_where_it_was_taken_and_is_no_gap():
    after = {"taken_at": "2026-11-29T03:05:09.000Z", "live": True}
    why = ["no recording in recordings/production from after the backup"]
    record = record_of(run(proof(coverage={**COVERAGE, "after": after}, why=why)))
    text = Reader(page(record)).text
    assert text.index("the backup is fetched and tried here") < text.index("recorded again, live")
    assert "No recording in" not in text


def test_damage_is_red_and_counted():
    record = damaged()
    text = Reader(page(record)).text
    assert "2 of 5,186 are not what they were, and nothing explains it" in text
    assert "4,956 of 5,186 records proven exactly; 2 damaged" in text
    assert record["summary"]["coverage"] == 4956 / 5186


def test_a_share_is_never_rounded_up_to_all_of_them():
    collections = {DOCS: {"proven": 99_996, "moved": 4, "unseen": 0, "unexplained": 0}}
    coverage = {**COVERAGE, "share": 0.99996, "collections": collections}
    record = record_of(run(proof(coverage=coverage)))
    assert "99.9 %" in page(record)
    assert "100 %" not in Reader(page(record)).text.replace("of 100,000", "")


def test_a_missing_recording_is_named_and_the_next_command_records():
    text = Reader(page(half_recorded())).text
    assert "225 records differ from the one recording" in text
    assert "changed by clients or damaged: one recording cannot tell" in text
    assert "No recording in recordings/production from after the backup." in text
    assert "Its table names no target to record now." in text
    assert "chromadrill record --backup production" in text
    assert "No recording of the database lies around this backup" in Reader(page(unrecorded())).text


@pytest.mark.parametrize(
    ("judged", "error", "why"),
    [
        ([verdict("fetch", "unknown", "half of an archive")], None, "the backup could not be had"),
        ([], "the scenario did not end", "the scenario did not end"),
        ([verdict("inventory")], None, "there is no recording to compare with"),
    ],
)
def test_the_terminal_says_why_no_coverage_was_measured(judged, error, why):
    record = record_of(run(proof(coverage=None, judged=judged)))
    record["scenarios"][0]["error"] = error
    assert f"coverage: not measured, {why}\n" in terminal(record)


def test_what_is_open_is_never_called_explained():
    sentence = headline_of(half_recorded()).sentence
    assert "explained" not in sentence
    assert "is missing" not in sentence
    assert sentence.endswith("What is left open proves nothing either way.")
