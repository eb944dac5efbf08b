"""A drill is whole only with all scenarios of what is required: -k and --deselect make a part of it."""

import pytest

from tests.drill.own_suite import record_of, run_suite

pytestmark = pytest.mark.slow

SUITE = """
import pytest
from fixtures.run import RUN

def judge(config, scenario):
    config.stash[RUN].ledger.write("verdict", scenario=scenario, verdict=dict(
        check="recovery time", outcome="pass", actual=1, limit=2, unit="s", message=""))

@pytest.mark.drill
@pytest.mark.runbook("RB-2")
def test_volume_lost(pytestconfig):
    judge(pytestconfig, "test_volume_lost")

@pytest.mark.drill
@pytest.mark.runbook("RB-2")
def test_database_corrupted(pytestconfig):
    judge(pytestconfig, "test_database_corrupted")

@pytest.mark.drill
@pytest.mark.runbook("RB-4")
def test_exported(pytestconfig):
    judge(pytestconfig, "test_exported")

@pytest.mark.gate
@pytest.mark.runbook("RB-2")
def test_of_the_gate(pytestconfig):
    pass

@pytest.mark.drill
@pytest.mark.runbook("RB-2")
@pytest.mark.lacks("volume")
def test_of_a_target_without_a_volume(pytestconfig):
    pass
"""


@pytest.fixture
def drill(tmp_path):
    """`pytest -m drill` of that suite, of which RB-2 is required: exit code, record, and history."""

    def run(*words):
        ran = run_suite(tmp_path, SUITE, "-m", "drill", *words, DRILL_REQUIRED="RB-2")
        history = tmp_path / "reports" / "history.jsonl"
        lines = history.read_text().splitlines() if history.exists() else []
        return ran.returncode, record_of(tmp_path), lines

    return run


def test_whole_drill_names_nothing_and_has_a_line_in_the_history(drill):
    code, record, history = drill()
    assert (code, record["outcome"], record["not_covered"]) == (0, "pass", [])
    assert len(history) == 1


@pytest.mark.parametrize(
    "words", [("-k", "not corrupted"), ("--deselect", "::test_database_corrupted")]
)
def test_drill_without_a_scenario_of_a_required_runbook_could_not_tell(drill, words):
    code, record, history = drill(*words)
    assert (code, record["outcome"]) == (1, "unknown")
    assert record["not_covered"] == ["RB-2: required, and test_database_corrupted was left out"]
    assert history == []


def test_drill_without_a_scenario_that_is_not_required_passes_and_names_it(drill):
    code, record, history = drill("-k", "not exported")
    assert (code, record["outcome"]) == (0, "pass")
    assert record["not_covered"] == ["test_exported: left out of this drill by its options"]
    assert len(history) == 1
