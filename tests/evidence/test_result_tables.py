"""What the suites hotcopy and compat measured, on the page and in the text."""

import json

import pytest

from chromadrill.evidence.finish import result_files
from chromadrill.evidence.report.html import page
from chromadrill.evidence.report.result_tables import lines, markdown, tables
from tests.evidence.sample_records import green

HOT = {
    "way": "plain-copy", "outcome": "fail", "tries": 3, "consistent": 1, "bad": 2, "refused": 0,
    "copy_s": 2.04, "stalled_s": 0.1, "data_loss_s": 2.8, "missing": 364,
    "oldest_missing": ["write-000001"], "holes": ["write-000001"], "failed_checks": ["integrity"],
}  # fmt: skip
REFUSED = {"way": "export", "outcome": "unknown", "tries": 3, "refused": 3, "data_loss_s": None}
CELL = {"made_by": "1.0.0", "given_to": "1.5.9", "kind": "a|b", "outcome": "pass", "records": 7}


def test_tables_are_on_the_page_and_in_the_text():
    rows = {"hotcopy": [HOT, REFUSED], "compat": [CELL]}

    for text in (page(green(), tables=rows), markdown(rows)):
        assert "Which copies of a running server are backups?" in text
        assert "2.8 s: 364 writes from write-000001; 1 holes" in text
        assert "Which releases&#39; backups" in text or "Which releases' backups" in text
    assert "a\\|b" in markdown(rows)
    assert lines("hotcopy", [HOT])[1].split()[:3] == ["plain-copy", "-", "FAIL"]


def test_what_was_not_measured_has_no_table():
    assert (tables({}), markdown({}), markdown({"hotcopy": []})) == ([], "", "")


@pytest.mark.parametrize("odd", [{}, {"outcome": ["x"], "oldest_missing": 3, "data_loss_s": "x"}])
def test_odd_row_never_keeps_the_page_from_rendering(odd):
    assert "UNKNOWN" in page(green(), tables={"hotcopy": [odd], "compat": [odd]})


def test_tables_are_read_from_the_folder_of_the_run(tmp_path):
    (tmp_path / "compat.json").write_text(json.dumps([CELL]))
    assert result_files(tmp_path) == {"compat": [CELL]}
