"""A run on the user's own backups: which one was proven, from what, and how fast."""

import copy

import jsonschema
import orjson
import pytest

from chromadrill.evidence.record import JSON_SCHEMA, record_of
from chromadrill.evidence.report.ci import slack
from chromadrill.evidence.report.headline import data_origin, headline_of
from chromadrill.evidence.report.html import page
from chromadrill.evidence.report.markdown import markdown
from chromadrill.evidence.report.own_backup import title_of
from tests.evidence.one_scenario import terminal
from tests.evidence.own_backup_ledgers import (
    ARTEFACTS,
    COVERAGE,
    LOST,
    RECORDS,
    damaged,
    half_recorded,
    older_fetched,
    proof,
    proven,
    run,
    several,
    stale,
    verdict,
    verdicts,
    without_room,
)
from tests.evidence.page_reader import Reader, nastily

YELLOW = "it does not show that production's own backup exists"


@pytest.mark.parametrize("name", RECORDS)
def test_the_record_of_a_proof_fits_the_schema(name):
    jsonschema.validate(RECORDS[name](), orjson.loads(JSON_SCHEMA.read_bytes()))


@pytest.mark.parametrize("report", [page, markdown, terminal, lambda r: str(slack(r, "ab"))])
def test_every_report_says_which_backup_was_proven(report):
    assert "production's backup of 02:00 UTC, 1.2 GB, proven" in report(proven()).replace(
        "&#39;", "'"
    )


@pytest.mark.parametrize(
    ("record", "kind", "text"),
    [
        (proven, "pass", "production's backup of 02:00 UTC, 1.2 GB, proven"),
        (damaged, "fail", "production's backup of 02:00 UTC, 1.2 GB, NOT PROVEN"),
        (half_recorded, "unknown", "production's backup of 02:00 UTC, 1.2 GB, could not tell"),
        (several, "fail", "1 of 2 of production's backups, NOT PROVEN"),
    ],
)
def test_the_headline_is_the_backup_and_its_verdict(record, kind, text):
    headline = headline_of(record())
    assert (headline.kind, headline.text) == (kind, text)
    assert headline.restored is (kind == "pass")


def test_a_day_is_named_where_it_is_not_the_day_of_the_run():
    scenario = proof(created_at="2026-11-28T02:00:00.000Z")
    record = record_of(run(scenario))
    assert (
        headline_of(record).text == "production's backup of 28 Nov 2026, 02:00 UTC, 1.2 GB, proven"
    )


def test_a_backup_of_unknown_age_and_size_is_named_by_its_id():
    record = record_of(run(proof(created_at=None, bytes=None), artefacts=None))
    assert headline_of(record).text == "production's backup night-29, proven"


def test_a_path_that_nobody_named_is_no_production():
    scenario = {"backup": {"source": "/mnt/backups/chroma_db", "created_at": None}}
    assert title_of(scenario, None) == "backup chroma_db"


def path_run(**changes):
    """One backup named by its path, with a fingerprint beside it."""
    events = proof(coverage=None, source=None, artefact=None, original="/mnt/chroma_db",
                   created_at=None, newest_file_at="2026-11-29T01:00:00.000Z", **changes)  # fmt: skip
    return record_of(run(events, artefacts=None, fleet=None))


def test_a_backup_named_by_its_path_has_the_same_page():
    judged = verdicts(coverage=None, data_loss=None)
    record = path_run(judged=judged)
    assert headline_of(record).text == "RESTORE PROVEN: backup chroma_db of 01:00 UTC, 1.2 GB"
    text = Reader(page(record)).text
    assert "all 5,186 are exactly what they were, compared with the fingerprint beside it" in text
    assert "0 lost or altered of 5,186 records, compared with the fingerprint beside the" in text
    assert "5,186 records were compared with the fingerprint beside the backup" in text
    assert "not judged: it is a path" in text
    assert "unknown origin" not in text


def test_the_terminal_says_with_what_a_backup_was_compared_that_needs_no_recording():
    text = " ".join(terminal(path_run(judged=verdicts(coverage=None, data_loss=None))).split())
    assert "5,186 records were compared with the fingerprint beside it" in text
    assert "not measured" not in text
    judged = verdicts(coverage=None, data_loss=None, records=verdict("records", "unknown", "none"))
    text = " ".join(terminal(path_run(judged=judged)).split())
    assert "coverage: not measured, there is no recording to compare with" in text


def test_an_export_is_compared_with_the_fingerprint_that_is_sealed_in_it():
    judged = [
        *verdicts(coverage=None, data_loss=None, records=None),
        verdict("records (served)", actual=2020, limit=2020),
        verdict("records (restarted)", actual=2020, limit=2020),
    ]
    record = path_run(judged=judged, method="export")
    sealed = "compared with the fingerprint sealed in the export when it was taken"
    assert f"all 2,020 are exactly what they were, {sealed}." in headline_of(record).sentence
    text = Reader(page(record)).text
    assert "the backup is taken, with a fingerprint sealed in it" in text
    assert f"0 lost or altered of 2,020 records, {sealed}" in text
    assert "only its own fingerprint says so" in text
    for report in (text, " ".join(terminal(record).split())):
        assert "no fingerprint to compare" not in report
        assert sealed in report


@pytest.mark.parametrize("report", [page, markdown, terminal, lambda r: str(slack(r, "ab"))])
def test_a_recovery_time_of_what_is_not_proven_is_void_and_within_no_limit(report):
    void = verdict("recovery time", "unknown", "answers came after 41.5 s, but the data is not proven",
                   41.5, 300, "s")  # fmt: skip
    record = record_of(run(proof(judged=verdicts(recovery_time=void, records=LOST))))
    text = Reader(report(record)).text if report is page else " ".join(report(record).split())
    assert "void" in text
    assert "within the limit of 300 s" not in text.partition("Age of the backup")[0]
    assert "41.5 s of 300 s" not in text
    assert record["summary"]["recovery_time_s"] is None  # no metric and no history either


def test_a_path_without_a_fingerprint_says_how_to_know_what_it_should_hold():
    judged = [
        *verdicts(coverage=None, data_loss=None, records=verdict("records", "unknown", "none")),
        verdict("records (served)", actual=5186, limit=5186),  # with its own files
    ]
    record = path_run(judged=judged)
    assert "no recording and no fingerprint to compare it with" in headline_of(record).sentence
    assert "fingerprint beside" not in page(record)
    assert headline_of(record).text == "COULD NOT TELL: backup chroma_db of 01:00 UTC, 1.2 GB"
    step = record["scenarios"][0]["next_step"]
    assert step["command"] == "chromadrill record --target PRODUCTION"


def test_a_damaged_path_sends_nobody_to_the_scratch_server():
    judged = verdicts(coverage=None, data_loss=None, records=verdict("records", "fail", "3 lost"))
    step = path_run(judged=judged)["scenarios"][0]["next_step"]
    assert step["command"] == "chromadrill prove OLDER_BACKUP"
    assert step["meaning"].startswith("Do not rely on this backup.")


def test_an_old_backup_that_is_byte_for_byte_what_was_proven_is_proven():
    message = "3 files, byte for byte those that were proven at 2026-11-28T03:09:00.000Z"
    judged = [
        verdict("same content", message=message),
        *verdicts(coverage=None, records=verdict("records", "not_run", "no fingerprint given"),
                  inventory=verdict("inventory", "not_run", "no fingerprint given")),
    ]  # fmt: skip
    made = "2026-11-28T02:00:00.000Z"
    record = record_of(run(proof("night-28", coverage=None, judged=judged, created_at=made)))
    assert headline_of(record).text == (
        "production's backup of 28 Nov 2026, 02:00 UTC, 1.2 GB, proven"
    )
    assert message in headline_of(record).sentence
    assert record["sources"][0]["artefacts"][1]["coverage"] == 0.981
    assert record["fleet"][0]["coverage"] == 0.981
    text = Reader(page(record)).text
    assert f"as proven before {message}" in text


def test_the_banner_about_synthetic_data_is_gone():
    text = Reader(page(proven())).text
    assert YELLOW not in text
    assert "unknown origin" not in text
    assert data_origin(proven())[0] == "Own backup"


def test_the_terminal_ends_with_the_page():
    assert terminal(proven()).endswith("page: reports/r/report.html\n")


def test_a_backup_that_is_whole_and_too_old_is_called_so_and_is_proven():
    record = stale()
    headline = headline_of(record)
    assert headline.kind == "fail"
    assert headline.text.endswith("1.2 GB, whole, but too old")
    assert "95.6 % of 5,186 are exactly what they were" in headline.sentence
    assert record["sources"][0]["artefacts"][0]["outcome"] == "pass"
    step = record["scenarios"][0]["next_step"]
    assert (step["check"], step["command"]) == (
        "data loss",
        "chromadrill posture --store production",
    )


def test_a_backup_that_comes_back_too_slowly_is_not_proven():
    slow = verdict("recovery time", "fail", "600 s of 300 s", 600, 300, "s")
    record = record_of(run(proof(judged=verdicts(recovery_time=slow))))
    assert headline_of(record).text.endswith("whole, but too slow")
    assert record["sources"][0]["artefacts"][0]["outcome"] == "fail"
    assert "validate" not in record["scenarios"][0]["next_step"]["command"]


def test_an_older_backup_that_was_fetched_is_proven_and_its_age_not_judged():
    record = older_fetched()
    assert headline_of(record).text == (
        "production's backup of 26 Nov 2026, 02:00 UTC, 1.2 GB, proven"
    )
    text = Reader(page(record)).text
    assert "73 h 4 min not judged: it is not the newest backup of its source" in text


def test_one_that_could_not_be_fetched_keeps_the_advice_of_its_check():
    judged = [verdict("fetch", "unknown", "restic: wrong password")]
    step = record_of(run(proof(coverage=None, judged=judged)))["scenarios"][0]["next_step"]
    assert step["check"] == "fetch"
    assert "record" not in step["command"]


def test_the_parts_of_the_recovery_time_are_told():
    assert "in its parts: fetched 12.4 s, unpacked 3.1 s, started 21 s, answered 5 s" in (
        Reader(page(proven())).text
    )


def test_no_moment_of_the_run_is_called_its_recovery():
    (scenario,) = proven()["scenarios"]
    assert scenario["recovery_time_s"] == 41.5
    assert scenario["recovered_s"] is None


def test_a_message_to_a_chat_has_the_coverage_and_no_scratch_target():
    message = slack(proven(), "ab")
    assert message["text"] == "production's backup of 02:00 UTC, 1.2 GB, proven"
    assert "coverage 95.6 % (4,958 of 5,186 records proven exactly" in str(message["blocks"])


def test_what_never_came_or_was_cut_short_is_not_called_asked_for_every_record():
    for events, words in (
        (without_room("night-29"), "Nothing is said of what it holds: it could not be had."),
        (proof(coverage=None, judged=[verdict("files")])[:-1], "The try was cut short"),
    ):
        sentence = headline_of(record_of(run(events))).sentence
        assert sentence.startswith(words)
        assert "asked for every record" not in sentence


def test_a_proof_that_was_cut_short_before_it_named_its_backup_claims_no_data_of_the_drill():
    record = record_of(run(proof(coverage=None, judged=[])[:1]))
    assert data_origin(record)[0] == "Data of unknown origin"


def test_hundreds_of_backups_and_collections_do_not_bury_the_page():
    artefacts = [{**ARTEFACTS[3], "id": f"old-{n:03}"} for n in range(300)]
    collections = {
        f"default_tenant/default_database/c{n}": {"proven": n, "unexplained": int(n == 7)}
        for n in range(100)
    }
    record = record_of(
        run(proof(coverage={**COVERAGE, "collections": collections}), artefacts=artefacts)
    )
    html = page(record)
    assert "88 other collections" in html or "89 other collections" in html
    assert "c7: 7 proven exactly, 1 damaged" in html
    assert "270 older ones" in html or "271 older ones" in html


@pytest.mark.parametrize("name", RECORDS)
def test_markup_in_any_field_of_a_proof_stays_text(name):
    html = page(nastily(RECORDS[name]()))
    Reader(html)
    assert "<script" not in html.lower()


@pytest.mark.parametrize("name", RECORDS)
def test_the_page_of_a_proof_is_well_formed(name):
    reader = Reader(page(RECORDS[name]()))
    assert len(reader.ids) == len(set(reader.ids))
    assert all(attributes.get("scope") for tag, attributes in reader.tags if tag == "th")


@pytest.mark.parametrize("odd", [None, 7, "text", [], [None], {}, {"a": []}, True, float("nan")])
def test_a_broken_field_never_keeps_the_page_of_a_proof_from_rendering(odd):
    for field in ("sources", "fleet", "summary"):
        Reader(page(proven() | {field: odd}))
    for field in ("coverage", "backup", "verdicts"):
        record = proven()
        record["scenarios"][0][field] = odd
        Reader(page(record))
    for field in ("share", "collections", "before", "after", "limit_percent"):
        record = copy.deepcopy(proven())
        record["scenarios"][0]["coverage"][field] = odd
        Reader(page(record))


def test_a_drill_of_ourselves_has_no_part_about_backups_of_the_user():
    own = proof(coverage=None, source=None, artefact=None, original=None)
    record = record_of([e for e in run(own) if e["event"] not in ("source", "fleet")])
    assert record["sources"] == []
    assert record["fleet"] == []
    assert headline_of(record).text == "RESTORE PROVEN"
    assert "What was compared" not in page(record)
