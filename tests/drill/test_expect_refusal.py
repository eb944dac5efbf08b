"""A command that has to be refused: done, or refused for another reason, is a FAIL."""

import pytest

from chromadrill.core.model import Outcome
from chromadrill.drill.scenario_log import ScenarioLog
from chromadrill.drill.terminal import Terminal
from chromadrill.evidence.ledger import Ledger


class NamedTarget:
    """A target that is only named: `ops --target process` is what runs."""

    name = "process"
    url = "http://127.0.0.1:9"

    def facts(self):
        return {}


@pytest.fixture
def log(tmp_path):
    return ScenarioLog("scenario", Ledger(tmp_path / "evidence.jsonl"))


@pytest.fixture
def terminal(log, tmp_path):
    environment = {"DRILL_TARGETS__PROCESS__HOME": str(tmp_path / "home")}
    return Terminal(log, NamedTarget(), environment=environment)


def outcomes(log):
    return [verdict.outcome for verdict in log.verdicts]


@pytest.mark.slow
def test_refusal_for_the_named_reason_passes(log, terminal):
    terminal.expect_refusal(
        "ops", "restore", "no-such-backup", message="No backup 'no-such-backup'"
    )
    assert outcomes(log) == [Outcome.PASS]


@pytest.mark.slow
def test_refusal_for_another_reason_fails(log, terminal):
    terminal.expect_refusal("ops", "restore", "no-such-backup", message="no space left")
    assert outcomes(log) == [Outcome.FAIL]


@pytest.mark.slow
def test_command_that_is_done_fails(log, terminal):
    terminal.expect_refusal("ops", "snapshots", message="anything")
    assert outcomes(log) == [Outcome.FAIL]
