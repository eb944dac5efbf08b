"""Several processes: the master deals out one plan, workers send back raw samples.

Percentiles of percentiles mean nothing, so no worker computes any.
"""

from __future__ import annotations

from typing import Any

import gevent
from _run import PlanShare
from _session import Session
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from chromadrill.workload.load.plan import LoadPlan
from chromadrill.workload.load.samples import LoadSample

PLAN, SAMPLES, ENDED = "drill-plan", "drill-samples", "drill-ended"
SEND_EVERY_S = 1.0  # a worker that is lost takes at most this much with it


def deal_out(runner: MasterRunner, plan: LoadPlan) -> None:
    """Before locust's own start message, on the same connection: it is there first."""
    workers = (*runner.clients.ready, *runner.clients.running)
    clients = [worker.id for worker in workers]
    for place, client in enumerate(clients[: plan.workers]):
        runner.send_message(PLAN, {"worker": place, "plan": plan.to_json()}, client_id=client)


def listen_to_workers(runner: MasterRunner, session: Session) -> None:
    """Samples of an earlier run that come late are none of this one."""

    def on_samples(msg: Any, **_: Any) -> None:
        if not session.is_idle and msg.data["run"] == session.plan.run:
            session.collect(msg.data["rows"])

    def on_end(msg: Any, **_: Any) -> None:
        if not session.is_idle and msg.data["run"] == session.plan.run:
            session.note_end(msg.data["worker"])

    runner.register_message(SAMPLES, on_samples)
    runner.register_message(ENDED, on_end)


class Worker:
    """A worker's side: its plan, and the samples not sent yet."""

    def __init__(self) -> None:
        self._plan: LoadPlan | None = None
        self._place = 0
        self._unsent: list[LoadSample] = []

    def listen(self, runner: WorkerRunner) -> None:
        self._runner = runner
        runner.register_message(PLAN, self._receive_plan)
        runner.greenlet.spawn(self._keep_sending)

    def share(self, environment: Environment) -> PlanShare | None:
        """The share of the plan that came; once."""
        plan, self._plan = self._plan, None
        if plan is None:
            return None
        self._run = plan.run
        return PlanShare(
            plan, self._place, environment, on_samples=self._unsent.extend, on_end=self._end
        )

    def _receive_plan(self, msg: Any, **_: Any) -> None:
        self._plan, self._place = LoadPlan.from_json(msg.data["plan"]), msg.data["worker"]
        self._unsent.clear()

    def _send(self) -> None:
        rows = self._unsent[:]
        self._unsent.clear()
        if rows:
            self._runner.send_message(SAMPLES, {"run": self._run, "rows": rows})

    def _keep_sending(self) -> None:
        while True:
            gevent.sleep(SEND_EVERY_S)
            self._send()

    def _end(self, worker: int) -> None:
        self._send()
        self._runner.send_message(ENDED, {"run": self._run, "worker": worker})


WORKER = Worker()
