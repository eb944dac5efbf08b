"""The user's own backups over time: which were tried, which one is sound, and what comes next."""

import jsonschema
import orjson
import pytest

from chromadrill.evidence.record import JSON_SCHEMA, record_of
from chromadrill.evidence.report.html import page
from chromadrill.evidence.report.markdown import markdown
from tests.evidence.one_scenario import terminal
from tests.evidence.own_backup_ledgers import (
    ARTEFACTS,
    FAILED,
    damaged,
    proof,
    proven,
    run,
    several,
    verdict,
    verdicts,
    without_room,
)
from tests.evidence.page_reader import Reader


def test_after_a_damaged_backup_the_next_one_to_try_is_named_and_not_the_server():
    step = damaged()["scenarios"][0]["next_step"]
    assert step["command"] == "chromadrill prove production --pick night-28"
    assert "The newest one that is proven: night-28" in step["meaning"]
    assert "validate" not in Reader(page(damaged())).text.partition("For on-call")[0]


def test_on_call_reads_first_which_backup_is_known_to_be_sound():
    box = Reader(page(damaged())).text.partition("do this now")[2].partition("Call")[0]
    assert "To restore now" in box
    assert (
        "night-28, made 28 Nov 2026, 02:00:00 UTC, proven 23 h 57 min before this run ended"
        in " ".join(box.split())
    )
    assert "--pick night-28" in box


@pytest.mark.parametrize("artefacts", [ARTEFACTS[:1], [ARTEFACTS[0], ARTEFACTS[2]]])
def test_where_no_backup_is_known_to_be_sound_none_is_named(artefacts):
    record = record_of(run(proof(judged=FAILED), artefacts=artefacts))
    assert record["scenarios"][0]["next_step"]["restore"] is None
    assert "To restore now" not in page(record)


def test_an_untried_backup_is_tried_first_only_where_it_is_newer_than_the_proven_one():
    newer = {**ARTEFACTS[3], "id": "noon-28", "created_at": "2026-11-28T12:00:00.000Z"}
    record = record_of(run(proof(judged=FAILED), artefacts=[*ARTEFACTS, newer]))
    assert record["scenarios"][0]["next_step"]["command"].endswith("--pick noon-28")


def test_where_no_other_backup_is_left_to_try_a_new_one_is_taken():
    record = record_of(run(proof(judged=FAILED), artefacts=ARTEFACTS[:1]))
    step = record["scenarios"][0]["next_step"]
    assert step["command"] == "chromadrill prove production"
    assert "take a new backup, and prove that" in step["meaning"]


@pytest.mark.parametrize("report", [page, markdown])
def test_an_auditor_reads_which_backups_were_tried_and_which_not(report):
    text = report(proven())
    text = Reader(text).text if report is page else text
    assert "Of 4 backups that the source lists, 3 were tried: 2 proven, 1 not proven." in text
    assert "1 was never tried." in text
    assert "NOT TRIED" in text
    assert all(artefact["id"] in text for artefact in ARTEFACTS)


def test_the_tries_of_this_run_are_the_last_ones_of_the_record():
    artefacts = {a["id"]: a for a in several()["sources"][0]["artefacts"]}
    assert artefacts["night-29"]["outcome"] == "pass"
    assert artefacts["night-29"]["coverage"] == 4958 / 5186
    assert artefacts["night-29"]["proven_at"] == "2026-11-29T03:06:00.000Z"
    assert artefacts["night-28"]["coverage"] == 0.981
    assert artefacts["night-26"]["outcome"] is None


def test_the_source_of_a_rebuild_is_no_source_of_backups():
    events = run(proof(), artefacts=None)
    events[2:2] = [{"event": "source", "name": "postgres", "table": "docs", "rows": 600}]
    assert record_of(events)["sources"] == []


def test_a_try_of_an_artefact_that_is_no_longer_listed_is_in_the_record():
    record = record_of(run(proof("night-1", created_at="2026-11-01T02:00:00.000Z")))
    artefact = record["sources"][0]["artefacts"][-1]
    assert (artefact["id"], artefact["outcome"], artefact["bytes"]) == (
        "night-1",
        "pass",
        1_210_000_000,
    )


@pytest.mark.parametrize("report", [page, markdown, terminal])
def test_the_fleet_names_every_source_and_its_last_proof(report):
    text = report(proven())
    text = Reader(text).text if report is page else " ".join(text.split())
    assert "29 Nov 2026, 03:06:00 UTC" in text
    assert "archive" in text
    assert "never" in text


def test_a_source_whose_proof_is_overdue_is_marked():
    record = proven()
    assert (
        Reader(page(record)).text.count("OVERDUE to be proven every 35 days") == 1
    )  # archive: never
    record["fleet"][0]["last_proven_at"] = "2026-10-01T00:00:00.000Z"
    assert Reader(page(record)).text.count("OVERDUE to be proven every 35 days") == 2
    assert "OVERDUE, to be proven every 35 days" in terminal(record)


def test_a_failed_try_does_not_move_the_last_proof():
    (production, _) = damaged()["fleet"]
    assert production["last_proven_at"] == "2026-11-28T03:09:00.000Z"
    assert production["last_outcome"] == "fail"
    assert "last try 29 Nov 2026, 03:06:00 UTC: FAIL" in terminal(damaged())


@pytest.mark.parametrize("order", [1, -1])
def test_the_last_try_of_a_run_is_no_pass_where_one_of_its_backups_failed(order):
    tries = [proof(), proof("night-27", judged=FAILED, created_at="2026-11-27T02:00:00.000Z")]
    record = record_of(run(*tries[::order]))
    (production, _) = record["fleet"]
    assert (production["last_outcome"], record["outcome"]) == ("fail", "fail")
    assert "last try 29 Nov 2026, 03:06:00 UTC: FAIL" in " ".join(terminal(record).split())
    assert production["last_proven_at"] == "2026-11-29T03:06:00.000Z"


def test_a_failure_of_what_was_proven_last_takes_its_proof_back():
    tried = proof("night-28", judged=FAILED, created_at="2026-11-28T02:00:00.000Z")
    (production, _) = record_of(run(tried))["fleet"]
    assert (production["last_proven_at"], production["last_outcome"]) == (None, "fail")
    sound = {**ARTEFACTS[3], "proven_at": "2026-11-26T03:09:00.000Z", "outcome": "pass"}
    (production, _) = record_of(run(tried, artefacts=[*ARTEFACTS[:3], sound]))["fleet"]
    assert production["last_proven_at"] == "2026-11-26T03:09:00.000Z"


@pytest.mark.parametrize("broken", [lambda name: without_room(name)[:-2], without_room])
@pytest.mark.parametrize(("name", "outcome"), [("night-28", "pass"), ("night-27", "fail")])
def test_a_try_that_this_machine_broke_hides_nothing_that_is_known(name, outcome, broken):
    record = record_of(run(broken(name)))
    artefact = next(a for a in record["sources"][0]["artefacts"] if a["id"] == name)
    assert artefact["outcome"] == outcome
    assert artefact["unknown_at"].startswith("2026-11-29T03:0")
    for report in (Reader(page(record)).text, markdown(record)):
        assert "1 proven, 1 not proven" in report
        assert "A later try of 1 could not tell, and changes nothing." in report
    assert record["outcome"] == "unknown"
    jsonschema.validate(record, orjson.loads(JSON_SCHEMA.read_bytes()))


def test_a_backup_that_was_looked_at_and_not_judged_is_no_longer_called_proven():
    open_ = proof("night-28", judged=verdicts(records=verdict("records", "unknown", "unread")))
    artefact = record_of(run(open_))["sources"][0]["artefacts"][1]
    assert artefact["outcome"] == "unknown"


def test_page_and_terminal_count_what_could_not_be_judged_alike():
    record = record_of(run(without_room("night-26")))
    for report in (page, terminal):
        text = " ".join(
            Reader(report(record)).text.split() if report is page else report(record).split()
        )
        assert "1 proven, 1 not proven, 1 not to be judged" in text
        assert "2 not proven" not in text
