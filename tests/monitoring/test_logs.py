"""Lines of a log: real ones of Chroma 1.5.9 under a fault, and what must not be taken for one."""

import itertools
import json
import os
from pathlib import Path

import pytest

from chromadrill.commands import triage
from chromadrill.commands.app import invoke
from chromadrill.monitoring.logs import tail
from chromadrill.monitoring.logs.classify import LINE, classify, new_lines, pattern_of
from chromadrill.monitoring.logs.patterns import GREPS, PATTERNS
from chromadrill.monitoring.logs.tail import LONGEST, last_lines

STAMP = "2026-11-26T14:07:59.819390Z"
REAL = [
    (f"{STAMP} ERROR  error: Query error: Database error: error returned from database: "
     "(code: 1032) attempt to write a readonly database", "volume gone", "RB-2"),
    ("Error creating Frontend Config: SqlxError(Database(SqliteError { code: 11, message: "
     '"database disk image is malformed" }))', "database malformed", "RB-2"),
    ("thread '<unnamed>' (23463) panicked at /home/runner/_work/chroma/rust/frontend/src/lib.rs:89:10:",
     "panic", "RB-1"),
    (f"{STAMP} ERROR  error: (code: 13) database or disk is full", "disk full", "RB-1"),
    (f"{STAMP} ERROR  (code: 8) attempt to write a readonly database", "read-only", "RB-1"),
    (f"{STAMP} ERROR  Error executing plan: Internal error: Error finding id",
     "index and database disagree", "RB-2"),
    (f"{STAMP} ERROR  Error loading hnsw index", "index unreadable", "RB-2"),
    (f"{STAMP} ERROR  Error sending message to compactor", "compactor stopped", "RB-2"),
    (f"{STAMP} ERROR  Failed to pull logs from the log store", "log unreadable", "RB-2"),
    (f"{STAMP} ERROR  database is locked", "database locked", "RB-9"),
    ("memory allocation of 4194304 bytes failed", "out of memory", "RB-9"),
    ("Killed", "killed", "RB-9"),
    ("connect: Connection refused (os error 111)", "connection", "RB-9"),
    (f"{STAMP} ERROR  operation timed out", "timeout", "RB-9"),
    (f"{STAMP} ERROR  response failed, classification: Status code: 500 Internal Server Error, "
     "latency: 0 ms", "error answer", "RB-9"),
    (f"{STAMP} ERROR  response failed, classification: Status code: 500, latency: 12345 ms",
     "slow request", "RB-6"),
    (f"{STAMP} ERROR  something nobody knows", "error", "RB-9"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "name", "runbook"), REAL, ids=[name for _, name, _ in REAL])
def test_line_is_named_with_its_runbook_step(line, name, runbook):
    pattern = pattern_of(line)
    assert (pattern.name, pattern.runbook) == (name, runbook)


def test_almost_every_pattern_is_met_by_a_line_here():
    named = {name for _, name, _ in REAL}
    assert {pattern.name for pattern in PATTERNS} - named <= {"unable to open", "schema"}


@pytest.mark.parametrize(
    "line",
    [
        f"{STAMP}  INFO  tenant_name: timeout, database_name: connection refused, num_ids: 1",
        "    in HTTP request with http.uri: /api/v2/tenants/timeout/databases/panicked at/heartbeat",
        "    at rust/log/src/connection reset.rs:173",
        "Connect to Chroma at: http://localhost:8000",
        "",
    ],
)
def test_line_of_no_trouble_has_no_name(line):
    assert pattern_of(line) is None


def test_lines_are_counted_and_the_first_and_last_are_kept():
    lines = ["Killed", "x", "a: timed out", "b: timed out"]
    findings = {finding.pattern.name: finding for finding in classify(lines)}
    timeout = findings["timeout"]
    assert (timeout.count, timeout.first, timeout.last) == (2, "a: timed out", "b: timed out")


def test_a_line_of_a_megabyte_is_cut():
    (finding,) = classify(["ERROR " + "x" * 1_000_000])
    assert len(finding.last) <= LINE


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ("abc", "bcd", "d"),
        ("abc", "abc", ""),
        ("abc", "xyz", "xyz"),
        ("aa", "aaa", "a"),
        ("", "ab", "ab"),
        ("abc", "", ""),
    ],
)
def test_only_what_came_since_is_new(before, after, new):
    assert new_lines(list(before), list(after)) == list(new)


def test_end_of_a_log_whose_first_line_is_cut_is_not_new_all_over_again():
    assert new_lines(["ERROR one", "ERROR two"], ["OR two", "ERROR three"]) == ["ERROR three"]
    assert new_lines(["ERROR one"], ["one"]) == []


def test_file_of_a_platform_is_sorted_and_the_three_greps_are_parts_of_it(tmp_path, capsys):
    log = tmp_path / "log"
    log.write_text("\n".join(line for line, _, _ in REAL), "utf-8")
    assert invoke(["triage", "--logs", "--file", str(log)]) == 1
    everything = capsys.readouterr().out
    assert "volume gone" in everything
    assert "No line of trouble is no proof of health" in everything
    for kind in GREPS:
        invoke(["triage", "--logs", "--file", str(log), "--kind", kind])
        assert 0 < len(capsys.readouterr().out) < len(everything)


def test_log_without_trouble_is_no_proof_of_health(tmp_path, capsys):
    log = tmp_path / "log"
    log.write_text("all is well\n", "utf-8")
    assert invoke(["triage", "--logs", "--file", str(log)]) == 2
    assert "no line of known trouble" in capsys.readouterr().out


@pytest.fixture
def pipe(monkeypatch):
    """Standard input from a pipe; what is written into the other end."""
    source, sink = os.pipe()
    with os.fdopen(source) as stdin, os.fdopen(sink, "wb", buffering=0) as out:
        monkeypatch.setattr("sys.stdin", stdin)
        yield out


def test_last_lines_of_a_pipe_are_the_ones_that_count(pipe, capsys):
    pipe.write(b"panicked at src/lib.rs\n" + b"all is well\n" * 500 + b"Killed")
    pipe.close()
    assert invoke(["triage", "--logs", "--file", "-", "--lines", "100", "--json"]) == 1
    assert [finding["name"] for finding in json.loads(capsys.readouterr().out)["found"]] == [
        "killed"
    ]


def test_pipe_that_stays_open_is_read_for_a_while_and_said_to_be_open(pipe, monkeypatch, capsys):
    monkeypatch.setattr(triage, "PIPE_S", 0.3)
    pipe.write(b"Killed\nall is well\n")
    assert invoke(["triage", "--logs", "--file", "-"]) == 1
    assert "did not end within 0.3 s" in capsys.readouterr().err


def test_stream_that_never_ends_is_cut(monkeypatch):
    monkeypatch.setattr(tail, "now", itertools.count(0, 0.005).__next__)  # some thirty reads
    with Path("/dev/zero").open("rb", buffering=0) as endless:
        lines, ended = last_lines(endless.fileno(), 5, 0.3)
    assert not ended
    assert [len(line) for line in lines] == [LONGEST]


def test_password_in_a_line_is_not_shown(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CHROMA_TOKEN", "canary-secret-123")
    log = tmp_path / "log"
    log.write_text("ERROR canary-secret-123 at postgres://u:hunter22@host/db\n", "utf-8")
    invoke(["triage", "--logs", "--file", str(log), "--json"])
    printed = capsys.readouterr().out
    assert "canary-secret-123" not in printed
    assert "hunter22" not in printed
