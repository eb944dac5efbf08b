"""The outage of a scenario, by the clock of an independent prober: from the fault to stable answers."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from contextlib import suppress

from chromadrill.checks.availability import stays_right
from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.model import ClientView, FaultInjection, ProbeResult
from chromadrill.core.protocols import Disaster, HasMetrics, Target
from chromadrill.drill.outage_watch import OutageWatch
from chromadrill.drill.scenario_log import ScenarioLog
from chromadrill.workload.prober import Prober
from chromadrill.workload.timeline import view

Witness = Callable[[float], ProbeResult | None]
LEAST_WAIT_S = 5.0  # also where the limit is over: the prober may be about to see it


class Outage:
    """The fault of a scenario, what clients see of it, and how long they see it.

    `recovered_s`: from the fault to stable answers. `oom_kills`: kills for want of memory that the
    platform had counted when the fault was seen.
    """

    def __init__(self, target: Target, log: ScenarioLog) -> None:
        self._target, self._log = target, log
        self._watch: OutageWatch | None = None
        self._damaged_at = 0.0
        self._stable_from: float | None = None
        self.recovered_s: float | None = None
        self.oom_kills = 0

    def watch(self, prober: Prober) -> None:
        """The independent prober whose clock this scenario goes by."""
        self._watch = OutageWatch(prober, self._log.note)

    def inject(self, disaster: Disaster, *, seen_by: Witness | None = None) -> FaultInjection:
        """Do the damage, then wait until a client has seen it (at most 30 s).

        `seen_by`: another client than the prober, which only reads; asked with the moment of the
        damage (monotonic seconds).
        """
        witness = seen_by or self._prober_watch().first_wrong
        at, epoch = now(), time.time()
        self._log.note("fault injected", disaster=disaster.name, what=disaster.what)
        disaster.inject(self._target)
        # from here on: that the server was down while its files were damaged proves no damage
        self._damaged_at = now()
        answer = witness(self._damaged_at)
        seen = f"a client saw {answer.result}: {answer.detail}" if answer else None
        seen_after_s = answer.done - at if answer else None
        injection = FaultInjection(disaster.name, disaster.what, at, epoch, seen, seen_after_s)
        self._log.injection = injection
        self._log.note("seen", **dataclasses.asdict(injection))
        if isinstance(self._target, HasMetrics):
            with suppress(DrillError):  # what was injected may not answer
                self.oom_kills = self._target.metrics().oom_kills or 0
        return injection

    def wait_for_recovery(self, *, within_s: float) -> float | None:
        """Seconds from the fault to right answers that last (three at least); None: never."""
        watch, injection = self._prober_watch(), self._fault()
        left_s = within_s - (now() - injection.at)
        try:
            stable_from = watch.wait_until_stable(
                self._damaged_at, within_s=max(LEAST_WAIT_S, left_s)
            )
        except Unavailable as error:
            self._log.note("not recovered", why=str(error))
            return None
        self._stable_from, self.recovered_s = stable_from, round(stable_from - injection.at, 3)
        self._log.note("recovered", seconds=self.recovered_s)
        return self.recovered_s

    def keep_watching(self, *, for_s: float) -> None:
        """Let the prober ask on for so long after the recovery; where there was none, go on."""
        if self._stable_from is not None:
            self._prober_watch().keep_watching(self._stable_from, for_s=for_s)

    def client_view(self) -> ClientView:
        """What clients saw from the fault to the recovery, or to the end of the watch."""
        injection, recovered_s = self._fault(), self.recovered_s
        end = None if recovered_s is None else injection.at + recovered_s
        seen = self._prober_watch().view(injection.at, end)
        results = sorted({window.result for window in seen.windows})
        self._log.note("client view", seconds={r: round(seen.seconds(r), 3) for r in results})
        return seen

    def end_watch(self) -> list[ProbeResult]:
        """The prober stops asking: what follows is the drill's own doing, not the recovery's."""
        return self._watch.end() if self._watch else []

    def judge_stability(self) -> None:
        """End the watch; answers that come and go again are no recovery."""
        results = self.end_watch()
        if self._stable_from is not None and results:
            self._log.judge(stays_right(view(results, self._stable_from, results[-1].done)))

    def _prober_watch(self) -> OutageWatch:
        if self._watch is None:
            raise DrillError("This scenario has no prober: nothing was watching.")
        return self._watch

    def _fault(self) -> FaultInjection:
        if self._log.injection is None:
            raise DrillError("No fault was injected: there is nothing to recover from.")
        return self._log.injection
