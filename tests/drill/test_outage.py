"""What an outage leaves in the ledger, by the clock of the prober."""

from chromadrill.core.clock import now
from chromadrill.core.model import FaultInjection, ProbeResult
from chromadrill.drill.outage import Outage
from chromadrill.drill.scenario_log import ScenarioLog
from chromadrill.evidence.ledger import Ledger, read


class EndedProber:
    """A prober that has seen what it has seen."""

    def __init__(self, results):
        self._results = results

    def stop(self):
        pass

    def probe_results(self):
        return self._results


def test_seconds_of_each_result_are_in_the_ledger_with_those_in_which_nobody_looked(tmp_path):
    at = now()
    log = ScenarioLog("s", Ledger(tmp_path / "evidence.jsonl"))
    log.injection = FaultInjection("d", "w", at, 0.0, "seen", 0.1)
    outage = Outage(None, log)
    late = ProbeResult(at + 2, at + 9, "right", late_s=6.5)
    outage.watch(EndedProber([ProbeResult(at, at + 0.1, "error"), late]))
    seen = outage.client_view()

    (event,) = [e for e in read(tmp_path / "evidence.jsonl") if e["event"] == "client view"]
    assert event["scenario"] == "s"
    assert event["seconds"] == {
        r: round(seen.seconds(r), 3) for r in ("error", "right", "unwatched")
    }
    assert event["seconds"]["unwatched"] > 5
