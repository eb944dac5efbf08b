"""What a run cannot keep does not change its verdict, and is no internal error of pytest."""

import json
import shutil

import pytest

from tests.drill.own_suite import run_suite
from tests.recovery.rebuild.conftest import ROOT

pytestmark = pytest.mark.slow

SUITE = """
import os, pathlib, shutil
import pytest
from fixtures.run import RUN

@pytest.mark.gate
@pytest.mark.runbook("RB-5")
def test_scenario(pytestconfig):
    '''A scenario of the harness.'''
    {body}
"""


# lines of a scenario: it passes; and pytest's own writer, then ours, meet a file that cannot be written
PASSES = """
    pytestconfig.stash[RUN].ledger.write("verdict", scenario="test_scenario", verdict=dict(
        check="recovery time", outcome="pass", actual=1, limit=2, unit="s", message=""))"""
NO_JUNIT = "\n    (pytestconfig.stash[RUN].folder / 'junit.xml').mkdir()"
NO_RECORD = "\n    (pytestconfig.stash[RUN].folder / 'drill.json').mkdir()"


@pytest.fixture
def run_drill(tmp_path):
    """A drill of one scenario, with its reports in `tmp_path`: exit code and output.

    `program`: what runs it, with its first arguments.
    """

    def run(
        body="pass", reports=tmp_path / "reports", program=("pytest", "-m", "drill or runbook")
    ):
        ran = run_suite(
            tmp_path, SUITE.format(body=body), program=program,
            DRILL_REPORTS=str(reports), DRILL_REQUIRED="RB-5",
        )  # fmt: skip
        return ran.returncode, ran.stdout + ran.stderr

    return run


def test_place_where_nothing_can_be_written_is_said_and_nothing_is_proven(run_drill):
    code, output = run_drill(reports="/proc/nothing")
    assert (code, "The run has no place for its record: /proc/nothing" in output) == (2, True), (
        output
    )
    assert "INTERNALERROR" not in output
    assert "Traceback" not in output


def test_latest_that_is_a_folder_does_not_change_the_verdict(run_drill, tmp_path):
    untouched = run_drill()
    shutil.rmtree(tmp_path / "reports")
    (tmp_path / "reports" / "latest" / "mine").mkdir(parents=True)
    code, output = run_drill()
    assert code == untouched[0], output
    assert "could not be kept whole" in output
    assert "restore drill" in output
    assert "Traceback" not in output
    assert list((tmp_path / "reports").glob("2*/drill.json"))


def test_reports_that_vanish_during_a_run_are_no_internal_error(run_drill, tmp_path):
    code, output = run_drill(body=f"shutil.rmtree({str(tmp_path / 'reports')!r})")
    assert (code, "The run's ledger could not be kept whole" in output) == (2, True), output
    assert output.count("Allure's results are not whole") == 1
    assert "INTERNALERROR" not in output
    assert "Traceback" not in output


def test_crash_in_a_scenario_is_unknown(run_drill, tmp_path):
    code, output = run_drill(body="raise ZeroDivisionError('not ours')")
    (record,) = (tmp_path / "reports").glob("2*/drill.json")
    assert code == 1, output
    assert json.loads(record.read_bytes())["outcome"] == "unknown"


def test_scenario_that_passes_and_is_kept_proves(run_drill):
    assert run_drill(body=PASSES)[0] == 0


def test_run_whose_record_cannot_be_written_has_proven_nothing(run_drill):
    code, output = run_drill(body=PASSES + NO_RECORD)
    assert (code, "The run's record could not be kept whole" in output) == (2, True), output
    assert "restore drill" in output


def test_verdicts_are_shown_where_a_file_of_pytest_cannot_be_written(run_drill):
    code, output = run_drill(body=PASSES + NO_JUNIT)
    assert "could not be kept whole" in output
    assert ("restore drill" in output, "1 passed" in output) == (True, True), output
    assert code == 0, output


def test_command_says_could_not_tell_where_a_file_of_pytest_cannot_be_written(run_drill):
    launch = (ROOT / "fixtures" / "launch.py", ROOT, "-m", "gate", "-k", "test_scenario")
    code, output = run_drill(body=f"pass{NO_JUNIT}", program=launch)
    assert "COULD NOT TELL" in output
    assert code == 2, output
