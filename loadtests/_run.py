"""One process's share of a plan: every arrival is started when it is due, whatever is still open."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import gevent
from _client import Caller
from gevent.pool import Group
from locust.env import Environment

from chromadrill.core.clock import now
from chromadrill.core.redaction import hide_password
from chromadrill.core.settings import load
from chromadrill.targets.safety.access import declare_credentials
from chromadrill.workload.load.background_clients import OWNER
from chromadrill.workload.load.grading import grade
from chromadrill.workload.load.loopback_only import require_loopback
from chromadrill.workload.load.plan import LoadPlan
from chromadrill.workload.load.profiles import PROFILES
from chromadrill.workload.load.samples import LoadSample
from chromadrill.workload.load.schedule import share

OWNER_LOOK_S = 1.0


class PlanShare:
    """`on_samples` gets every sample as it is done, `on_end` is called when none is to come."""

    def __init__(
        self,
        plan: LoadPlan,
        worker: int,
        environment: Environment,
        *,
        on_samples: Callable[[list[LoadSample]], None],
        on_end: Callable[[int], None],
    ) -> None:
        profile = PROFILES[plan.profile]
        self._plan, self._worker = plan, worker
        self._on_samples, self._on_end = on_samples, on_end
        self._fire = environment.events.request.fire
        self._open = Group()
        # as many as can be open at once while nothing is answered, and room for a catch-up
        connections = int(2 * profile.highest_rate * profile.timeout_s) + 20
        self._timeout_s = profile.timeout_s
        # a worker is a process of its own
        declare_credentials(load(), plan.host)
        hide_password(plan.host)
        self._caller = Caller(
            require_loopback(plan.host), timeout_s=profile.timeout_s, connections=connections
        )

    def run(self) -> None:
        """Send the share; returns when its last arrival is done. Killed: what is open is dropped."""
        due = self._plan.due.tolist()
        # the begin is agreed in UTC; from here on the monotonic clock alone counts
        self._begin = now() + self._plan.begins_at - time.time()
        owner = gevent.spawn(_end_with_owner) if OWNER in os.environ else None
        try:
            for number in share(len(due), self._worker, self._plan.workers):
                gevent.sleep(max(0.0, self._begin + due[number] - now()))
                self._open.spawn(self._arrive, number, due[number])
            self._open.join()
            self._on_end(self._worker)
        finally:
            if owner:
                owner.kill(block=False)
            self._open.kill(block=False)
            self._caller.close()

    def _arrive(self, number: int, due: float) -> None:
        request = self._plan.request(number)
        started = now() - self._begin
        status, content = self._caller.ask(request)
        done = now() - self._begin
        if status is None:
            outcome, detail = "timeout", f"{request.kind}: no answer in {self._timeout_s:g} s"
        else:
            outcome, detail = grade(request, status, content)
        if status == 404:  # in nobody's time: this arrival is answered
            self._open.spawn(self._caller.look_up, request)
        sample = LoadSample(number, self._worker, request.kind, due, started, done, outcome, detail)
        self._on_samples([sample])
        self._fire(
            request_type=request.kind,
            name="from the intended start",
            response_time=sample.latency_ms,
            response_length=len(content),
            exception=RuntimeError(detail) if detail else None,
            context={},
        )


def _end_with_owner() -> None:
    """End as by Ctrl-C once the drill is gone: another server may get the port of its own."""
    while os.getppid() == int(os.environ[OWNER]):
        gevent.sleep(OWNER_LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)
