"""Which backup was proven: by name, kind, size and age, wherever the verdict is read."""

import pytest

from chromadrill.evidence.report.html import page
from chromadrill.evidence.report.markdown import markdown
from chromadrill.evidence.subject import subject_of
from tests.evidence.one_scenario import built, ledger, pass_a_scenario, terminal

__all__ = ["ledger"]  # a fixture
BACKUP = {"id": "a", "method": "export", "created_at": None, "bytes": 13_469,
          "original": "backups/docs.jsonl.zst", "newest_file_at": "2026-01-01T00:00:00Z"}  # fmt: skip


@pytest.mark.parametrize("report", [page, markdown, terminal])
def test_every_report_names_the_backup_that_was_given(ledger, report):
    pass_a_scenario(ledger)
    ledger.write("backup", scenario="s", **BACKUP)
    text = report(built(ledger))
    assert "backup backups/docs.jsonl.zst (export, 13.5 kB, newest file of 1 Jan 2026" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"created_at": "2026-01-02T00:00:00Z"},
         "made 2 Jan 2026, 00:00:00 UTC, 24 h before the run"),
        ({}, "newest file of 1 Jan 2026, 00:00:00 UTC, 48 h before the run"),
        ({"newest_file_at": None}, "of unknown age"),
    ],
)  # fmt: skip
def test_age_is_that_of_the_manifest_else_of_the_newest_file(changes, words):
    scenarios = [{"backup": {**BACKUP, **changes}}]
    assert subject_of(scenarios, "2026-01-03T00:00:00Z") == (
        f"backup backups/docs.jsonl.zst (export, 13.5 kB, {words})"
    )


def test_backup_that_the_drill_took_itself_is_no_subject():
    own = {
        "id": "a",
        "method": "volume-copy",
        "path": "/x",
        "created_at": "2026-01-01T00:00:00Z",
        "bytes": 9,
    }
    assert subject_of([{"backup": own}], "2026-01-03T00:00:00Z") is None
