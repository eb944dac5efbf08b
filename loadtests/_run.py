"""One process's share of a plan: every arrival is started when it is due, whatever is still open."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
from _client import Caller
from gevent.pool import Group
from locust.env import Environment

from chromadrill.core.clock import now
from chromadrill.workload.load.grading import judged
from chromadrill.workload.load.loopback_only import on_this_machine
from chromadrill.workload.load.plan import Plan
from chromadrill.workload.load.profiles import PROFILES
from chromadrill.workload.load.samples import Sample
from chromadrill.workload.load.schedule import share


class Run:
    """`keep` gets every sample as it is done, `ended` is called when none is to come."""

    def __init__(
        self,
        plan: Plan,
        worker: int,
        environment: Environment,
        *,
        keep: Callable[[list[Sample]], None],
        ended: Callable[[int], None],
    ) -> None:
        profile = PROFILES[plan.profile]
        self._plan, self._worker, self._keep, self._ended = plan, worker, keep, ended
        self._fire = environment.events.request.fire
        self._open = Group()
        # as many as can be open at once while nothing is answered, and room for a catch-up
        most = int(2 * profile.highest_rate * profile.timeout_s) + 20
        self._timeout_s = profile.timeout_s
        self._caller = Caller(on_this_machine(plan.host), timeout_s=profile.timeout_s, most=most)

    def go(self) -> None:
        """Until the last arrival of the share is done. Killed: what is open is dropped."""
        due = self._plan.due.tolist()
        # the begin is agreed in UTC; from here on the monotonic clock alone counts
        self._begin = now() + self._plan.begins_at - time.time()
        try:
            for number in share(len(due), self._worker, self._plan.workers):
                gevent.sleep(max(0.0, self._begin + due[number] - now()))
                self._open.spawn(self._arrive, number, due[number])
            self._open.join()
            self._ended(self._worker)
        finally:
            self._open.kill(block=False)
            self._caller.close()

    def _arrive(self, number: int, due: float) -> None:
        operation = self._plan.operation(number)
        started = now() - self._begin
        status, content = self._caller.ask(operation)
        done = now() - self._begin
        if status is None:
            outcome, detail = "timeout", f"{operation.kind}: no answer in {self._timeout_s:g} s"
        else:
            outcome, detail = judged(operation, status, content)
        if status == 404:  # in nobody's time: this arrival is answered
            self._open.spawn(self._caller.look_up, operation)
        sample = Sample(number, self._worker, operation.kind, due, started, done, outcome, detail)
        self._keep([sample])
        self._fire(
            request_type=operation.kind,
            name="from the intended start",
            response_time=sample.latency_ms,
            response_length=len(content),
            exception=RuntimeError(detail) if detail else None,
            context={},
        )
