"""The memory of proven backups: what was tried, how it ended, and what content it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chromadrill.backups import manifest
from chromadrill.backups.proven import (
    ProvenEntry,
    ProvenLog,
    content_digest,
    log_beside,
    remember,
)
from chromadrill.core.errors import Unavailable
from chromadrill.core.model import Outcome

NIGHT = ProvenEntry(
    source="production",
    artefact="night-1",
    digest="d1",
    outcome=Outcome.PASS,
    proven_at="2026-11-28T03:00:00.000Z",
    coverage=0.956,
    created_at="2026-11-28T02:00:00.000Z",
    bytes=1200,
    recovery_s=41.5,
    run="20261128T030000Z-process-1",
)


@pytest.fixture
def log(tmp_path: Path) -> ProvenLog:
    return ProvenLog(tmp_path / ".chromadrill" / "proven.jsonl")


def test_a_try_is_remembered_by_id_and_by_content(log: ProvenLog) -> None:
    log.add(NIGHT)

    assert log.latest("production", "night-1") == NIGHT
    assert log.latest("production", "d1") == NIGHT
    assert log.latest("production", "night-2") is None
    assert log.latest("staging", "night-1") is None


def test_nothing_was_tried_as_long_as_there_is_no_file(log: ProvenLog) -> None:
    assert log.entries() == []
    assert log.newest_proven("production") is None


def test_the_last_try_of_an_artefact_counts(log: ProvenLog) -> None:
    log.add(NIGHT)
    log.add(replace(NIGHT, outcome=Outcome.FAIL, proven_at="2026-11-29T03:00:00.000Z"))

    latest = log.latest("production", "night-1")
    assert latest is not None
    assert latest.outcome is Outcome.FAIL


def test_another_backup_under_the_same_name_was_not_tried(log: ProvenLog) -> None:
    """A job that writes `latest.tar` each night writes another backup each night."""
    log.add(NIGHT)

    assert log.latest("production", "night-1", created_at="2026-11-29T02:00:00.000Z") is None
    assert log.latest("production", "night-1", created_at="2026-11-28T02:00:00+00:00") == NIGHT


def test_newest_proven_is_the_last_pass_and_not_the_last_try(log: ProvenLog) -> None:
    log.add(NIGHT)
    log.add(replace(NIGHT, artefact="night-2", digest="d2", proven_at="2026-11-29T03:00:00.000Z"))
    log.add(
        replace(
            NIGHT, artefact="night-3", digest="d3", outcome=Outcome.FAIL,
            proven_at="2026-11-30T03:00:00.000Z",
        )
    )  # fmt: skip

    newest = log.newest_proven("production")
    assert newest is not None
    assert newest.artefact == "night-2"


def test_a_later_failure_of_the_same_content_takes_the_proof_back(log: ProvenLog) -> None:
    log.add(NIGHT)
    log.add(
        replace(
            NIGHT, artefact="copy-of-night-1", outcome=Outcome.FAIL,
            proven_at="2026-11-29T03:00:00.000Z",
        )
    )  # fmt: skip

    assert log.newest_proven("production") is None


def test_a_later_failure_of_the_same_artefact_takes_the_proof_back_though_its_content_rotted(
    log: ProvenLog,
) -> None:
    rotten = replace(NIGHT, digest="d2", outcome=Outcome.FAIL, proven_at="2026-11-29T03:00:00.000Z")
    log.add(NIGHT)
    log.add(rotten)
    assert log.newest_proven("production") is None

    log.add(replace(NIGHT, proven_at="2026-11-30T03:00:00.000Z"))
    log.add(replace(rotten, created_at="2026-11-29T02:00:00.000Z"))  # another of the same name
    log.add(replace(rotten, digest="", outcome=Outcome.UNKNOWN))  # it could not be fetched
    newest = log.newest_proven("production")
    assert newest is not None
    assert newest.proven_at.startswith("2026-11-30")


def test_the_digest_is_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    digests = []
    for name, text in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "chroma.sqlite3").write_text(text)
        digests.append(content_digest(manifest.files_of(tmp_path / name)))
    (tmp_path / "x.tar").write_text("same")
    (tmp_path / "y.tar").write_text("same")
    tars = [content_digest(manifest.files_of(tmp_path / name)) for name in ("x.tar", "y.tar")]

    assert digests[0] == digests[1] != digests[2]
    assert tars[0] == tars[1]


def test_a_try_is_noted_with_digest_size_and_time_of_now(log: ProvenLog, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_text("same")
    listing = manifest.files_of(tmp_path / "x.tar")

    remember(
        log, source="production", artefact="x.tar", listing=listing, outcome=Outcome.UNKNOWN,
        coverage=0.4,
    )  # fmt: skip

    (entry,) = log.entries("production")
    assert entry.digest == content_digest(listing)
    assert entry.bytes == 4
    assert entry.outcome is Outcome.UNKNOWN
    assert not entry.is_proven


def test_an_artefact_that_never_came_is_remembered_without_content(log: ProvenLog) -> None:
    remember(log, source="production", artefact="x", listing=[], outcome=Outcome.UNKNOWN)

    assert log.latest("production", "x") is not None
    assert log.latest("production", "") is None


def test_torn_and_foreign_lines_are_left_out(
    log: ProvenLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.add(NIGHT)
    with log.path.open("a") as file:
        file.write('{"source": 1}\n{"source": "production", "outcome": "green"}\n[]\n{"torn')
    log.add(replace(NIGHT, artefact="night-2"))

    assert [entry.artefact for entry in log.entries()] == ["night-1", "night-2"]
    assert "2 unreadable lines left out" in caplog.text


def test_fields_of_a_later_release_do_not_hide_a_line(log: ProvenLog) -> None:
    log.add(NIGHT)
    line = log.path.read_text().replace("{", '{"signed_by": "x", ', 1)
    log.path.write_text(line)

    assert log.entries() == [NIGHT]


def test_the_memory_is_for_its_owner_alone_and_lies_beside_the_journal(tmp_path: Path) -> None:
    log = log_beside(str(tmp_path / "state" / "backups.jsonl"))
    log.add(NIGHT)

    assert log.path == tmp_path / "state" / "proven.jsonl"
    assert log.path.stat().st_mode & 0o077 == 0


def test_a_memory_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="memory of proven backups"):
        ProvenLog(tmp_path).entries()


@pytest.mark.parametrize("order", [1, -1])
def test_the_last_outcome_of_a_source_is_the_worst_of_its_last_run(
    log: ProvenLog, order: int
) -> None:
    log.add(replace(NIGHT, artefact="night-0", digest="d0", run="before"))
    failed = replace(NIGHT, artefact="night-2", digest="d2", outcome=Outcome.FAIL)
    for entry in (NIGHT, failed)[::order]:
        log.add(entry)

    (production,) = log.fleet({"production": 60.0})
    assert production["last_outcome"] == "fail"


def test_the_fleet_names_every_source_with_its_last_proof_and_its_last_try(log: ProvenLog) -> None:
    log.add(NIGHT)
    log.add(
        replace(
            NIGHT, artefact="night-2", digest="d2", outcome=Outcome.FAIL,
            proven_at="2026-11-29T03:00:00.000Z",
        )
    )  # fmt: skip

    production, archive = log.fleet({"production": 86_400.0, "archive": 60.0})
    assert production == {
        "name": "production",
        "proven_within_s": 86_400.0,
        "last_proven_at": NIGHT.proven_at,
        "coverage": 0.956,
        "last_tried_at": "2026-11-29T03:00:00.000Z",
        "last_outcome": "fail",
    }
    assert archive["last_proven_at"] is None
    assert archive["last_outcome"] is None
