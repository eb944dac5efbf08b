"""Every proof judges what the target uses of what it is given, where the target can tell."""

import os

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.core.model import Outcome, Usage
from chromadrill.drill.scenario import Drill
from chromadrill.drill.scenario_log import ScenarioLog
from chromadrill.evidence.ledger import Ledger, read
from chromadrill.targets.process.target import ProcessTarget
from tests.conftest import fill


class MeteredTarget(ProcessTarget):
    """A server of which somebody else knows what it uses."""

    usage = Usage(100, 200, disk_bytes=10, disk_limit_bytes=20, restarts=0, oom_kills=0)

    def metrics(self):
        return self.usage


@pytest.fixture
def target(tmp_path):
    target = MeteredTarget(tmp_path / "home", owner=os.getpid())
    target.start()
    yield target
    target.remove()


def outcomes(target, tmp_path):
    ledger = tmp_path / "evidence.jsonl"
    log = ScenarioLog("scenario", Ledger(ledger))
    with Chroma(target.url) as chroma:
        before = live.fingerprint(chroma, target.scopes)
    Drill(target, log).prove(before)
    assert any(event["event"] == "usage" for event in read(ledger))
    return {verdict.check: verdict.outcome for verdict in log.verdicts}


@pytest.mark.slow
def test_target_that_holds_what_it_may_passes_and_one_that_is_full_fails(target, tmp_path):
    with Chroma(target.url) as chroma:
        fill(chroma)
    judged = outcomes(target, tmp_path)
    assert (judged["disk"], judged["memory"]) == (Outcome.PASS, Outcome.PASS)

    target.usage = Usage(100, 200, disk_bytes=20, disk_limit_bytes=20, restarts=1, oom_kills=1)
    judged = outcomes(target, tmp_path)
    assert (judged["disk"], judged["memory"]) == (Outcome.FAIL, Outcome.FAIL)
