"""Several processes: the master deals out one plan, workers send back raw samples.

Percentiles of percentiles mean nothing, so no worker computes any.
"""

from __future__ import annotations

from typing import Any

import gevent
from _run import Run
from _session import Session
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from chromadrill.workload.load.plan import Plan
from chromadrill.workload.load.samples import Sample

PLAN, SAMPLES, ENDED = "drill-plan", "drill-samples", "drill-ended"
EVERY_S = 1.0  # a worker that is lost takes at most this much with it


def deal_out(runner: MasterRunner, plan: Plan) -> None:
    """Before locust's own start message, on the same connection: it is there first."""
    clients = [each.id for each in (*runner.clients.ready, *runner.clients.running)]
    for place, client in enumerate(clients[: plan.workers]):
        runner.send_message(PLAN, {"worker": place, "plan": plan.to_json()}, client_id=client)


def listen_to_workers(runner: MasterRunner, session: Session) -> None:
    """Samples of an earlier run that come late are none of this one."""

    def samples(msg: Any, **_: Any) -> None:
        if not session.idle and msg.data["run"] == session.plan.run:
            session.collect(msg.data["rows"])

    def ended(msg: Any, **_: Any) -> None:
        if not session.idle and msg.data["run"] == session.plan.run:
            session.finished(msg.data["worker"])

    runner.register_message(SAMPLES, samples)
    runner.register_message(ENDED, ended)


class Worker:
    """A worker's side: its plan, and the samples not sent yet."""

    def __init__(self) -> None:
        self._plan: Plan | None = None
        self._place = 0
        self._unsent: list[Sample] = []

    def listen(self, runner: WorkerRunner) -> None:
        self._runner = runner
        runner.register_message(PLAN, self._take)
        runner.greenlet.spawn(self._send_again_and_again)

    def run(self, environment: Environment) -> Run | None:
        """The share of the plan that came; once."""
        plan, self._plan = self._plan, None
        if plan is None:
            return None
        self._run = plan.run
        return Run(plan, self._place, environment, keep=self._unsent.extend, ended=self._ended)

    def _take(self, msg: Any, **_: Any) -> None:
        self._plan, self._place = Plan.from_json(msg.data["plan"]), msg.data["worker"]
        self._unsent.clear()

    def _send(self) -> None:
        rows = self._unsent[:]
        self._unsent.clear()
        if rows:
            self._runner.send_message(SAMPLES, {"run": self._run, "rows": rows})

    def _send_again_and_again(self) -> None:
        while True:
            gevent.sleep(EVERY_S)
            self._send()

    def _ended(self, worker: int) -> None:
        self._send()
        self._runner.send_message(ENDED, {"run": self._run, "worker": worker})


WORKER = Worker()
