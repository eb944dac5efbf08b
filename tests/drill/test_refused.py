"""A command that has to be refused: done, or refused for another reason, is a FAIL."""

import pytest

from chromadrill.core.model import Outcome
from chromadrill.drill.scenario import Drill
from chromadrill.evidence.ledger import Ledger


class Somewhere:
    """A target that is only named: `ops --target process` is what runs."""

    name = "process"
    url = "http://127.0.0.1:9"

    def facts(self):
        return {}


@pytest.fixture
def made(tmp_path):
    environment = {"DRILL_TARGETS__PROCESS__HOME": str(tmp_path / "home")}
    return Drill("s", Somewhere(), Ledger(tmp_path / "l.jsonl"), ops_environment=environment)


def test_refusal_for_the_named_reason_passes(made):
    made.refused("restore", "no-such-backup", said="No backup 'no-such-backup'")
    assert [each.outcome for each in made.verdicts] == [Outcome.PASS]


def test_refusal_for_another_reason_fails(made):
    made.refused("restore", "no-such-backup", said="no space left")
    assert [each.outcome for each in made.verdicts] == [Outcome.FAIL]


def test_command_that_is_done_fails(made):
    made.refused("snapshots", said="anything")
    assert [each.outcome for each in made.verdicts] == [Outcome.FAIL]
