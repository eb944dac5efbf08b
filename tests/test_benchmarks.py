"""The bars of speed and memory: one that is missed, skipped or breaks off makes the run red."""

from __future__ import annotations

import json
import runpy
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

import benchmarks.__main__ as command
from benchmarks import fingerprints
from benchmarks.__main__ import LIMITS, Row

SEEN = Path(__file__).parents[1] / ".ci" / "seen.py"


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs `python -m benchmarks --limits` over other rows; returns (exit code, JSON, output)."""
    monkeypatch.setattr(fingerprints, "light_server", lambda records: nullcontext(records))

    def type_command(rows, *options):
        monkeypatch.setattr(command, "LIMITS", rows)
        place = tmp_path / "benchmarks.json"
        monkeypatch.setattr(sys, "argv", ["x", "--limits", "--json", str(place), *options])
        code = command.main()
        return code, json.loads(place.read_text()), capsys.readouterr().out

    return type_command


def measured(value):
    return lambda bench: (value, {})


def test_a_bar_is_missed_by_more_than_the_margin_or_it_is_not(run):
    rows = {"slow": Row(measured(1.25), 1.0), "rare": Row(measured(3.2), 4.0, at_least=True)}
    code, results, output = run(rows, "--margin", "1.3")
    assert code == 0
    assert [result["outcome"] for result in results] == ["near", "near"]
    code, results, output = run(rows)
    assert code == 1
    assert [result["outcome"] for result in results] == ["FAIL", "FAIL"]
    assert "failed: slow, rare" in output
    assert run({"slow": Row(measured(1.31), 1.0)}, "--margin", "1.3")[0] == 1
    assert run({"rare": Row(measured(3.0), 4.0, at_least=True)}, "--margin", "1.3")[0] == 1


def test_a_row_that_breaks_off_fails_the_run_and_the_next_ones_are_measured(run):
    def break_off(bench):
        raise RuntimeError("no room")

    code, results, output = run({"broken": Row(break_off, 1.0), "whole": Row(measured(0.5), 1.0)})
    assert code == 1
    assert [result["outcome"] for result in results] == ["FAIL", "PASS"]
    assert results[0]["value"] is None
    assert "RuntimeError: no room" in output


@pytest.fixture
def limits(monkeypatch, tmp_path):
    """What CI makes of the results of a run."""
    seen = runpy.run_path(str(SEEN))
    seen["limits"].__globals__["REPORTS"] = tmp_path

    def judge(results):
        (tmp_path / "benchmarks.json").write_text(json.dumps(results))
        seen["limits"]()

    return judge


def test_ci_sees_a_part_that_was_skipped_or_missed(limits):
    rows = [{"row": name, "value": 1.0, "outcome": "PASS"} for name in LIMITS]
    limits(rows)
    for name in LIMITS:
        with pytest.raises(AssertionError):
            limits([row for row in rows if row["row"] != name])
    for wrong in ({"outcome": "FAIL"}, {"value": None}):
        with pytest.raises(AssertionError, match="restore"):
            limits([*rows[:-1], rows[-1] | wrong])
