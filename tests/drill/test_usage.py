"""Every proof judges what the target uses of what it is given, where the target can tell."""

import os

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import live
from chromadrill.core.model import Outcome, Usage
from chromadrill.drill.scenario import Drill
from chromadrill.evidence.ledger import Ledger, read
from chromadrill.targets.process.target import ProcessTarget
from tests.conftest import fill


class Measured(ProcessTarget):
    """A server of which somebody else knows what it uses."""

    used = Usage(100, 200, disk_bytes=10, disk_limit_bytes=20, restarts=0, oom_kills=0)

    def metrics(self):
        return self.used


@pytest.fixture
def target(tmp_path):
    target = Measured(tmp_path / "home", owner=os.getpid())
    target.start()
    yield target
    target.remove()


def outcomes(target, tmp_path):
    made = Drill("s", target, Ledger(tmp_path / "ledger.jsonl"))
    with Chroma(target.url) as chroma:
        before = live.fingerprint(chroma, target.scopes)
    made.prove(before)
    assert any(each["event"] == "usage" for each in read(tmp_path / "ledger.jsonl"))
    return {each.check: each.outcome for each in made.verdicts}


@pytest.mark.slow
def test_target_that_holds_what_it_may_passes_and_one_that_is_full_fails(target, tmp_path):
    with Chroma(target.url) as chroma:
        fill(chroma)
    seen = outcomes(target, tmp_path)
    assert (seen["disk"], seen["memory"]) == (Outcome.PASS, Outcome.PASS)

    target.used = Usage(100, 200, disk_bytes=20, disk_limit_bytes=20, restarts=1, oom_kills=1)
    seen = outcomes(target, tmp_path)
    assert (seen["disk"], seen["memory"]) == (Outcome.FAIL, Outcome.FAIL)
