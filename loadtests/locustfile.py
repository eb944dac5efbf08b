"""locust -f loadtests/ --host URL --profile NAME: arrivals on a fixed schedule, judged by raw samples.

Locust's own percentiles hide outages (a closed model drops the arrivals that would have waited)
and are rounded; here each arrival is timed from the moment it should have started.
"""

from __future__ import annotations

import logging
import signal
import sys
from typing import Any

import gevent
import gevent.event
from _options import USAGE, add_options, profile_of
from _session import Session
from _web import add_page
from _workers import WORKER, deal_out, listen_to_workers
from locust import LoadTestShape, User, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from chromadrill.core.errors import UsageError
from chromadrill.workload.load.loopback_only import require_loopback

SESSION = Session()

events.init_command_line_parser.add_listener(add_options)


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """A usage error ends here, before anything is asked."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each look-up, with its URL
    if isinstance(environment.runner, WorkerRunner):
        environment.process_exit_code = 0  # the verdict is the master's
        WORKER.listen(environment.runner)
        return
    try:
        if environment.web_ui is None or environment.host:
            require_loopback(environment.host)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(USAGE)
    if isinstance(environment.runner, MasterRunner):
        listen_to_workers(environment.runner, SESSION)
    environment.process_exit_code = 2  # no run, no proof
    if environment.web_ui is None or environment.parsed_options.autostart:
        # locust's own handler comes after such a run: until then SIGTERM would leave no verdict
        gevent.signal_handler(signal.SIGTERM, end_early, environment)
    if environment.web_ui:
        add_page(environment.web_ui, SESSION)


def end_early(environment: Environment) -> None:
    """SIGTERM: what was measured is judged, and is not all."""
    if SESSION.is_idle:  # still waiting for workers
        sys.exit(environment.process_exit_code)
    environment.runner.quit()


class ArrivalShape(LoadTestShape):
    """One `Arrivals` a worker, until every arrival of the plan was answered or given up."""

    use_common_options = True  # --run-time, in the terminal and on the page

    def tick(self) -> tuple[int, float] | None:
        assert self.runner is not None  # noqa: S101 - locust sets it before the first tick
        environment = self.runner.environment
        if SESSION.is_idle:
            workers = self.runner.worker_count
            if not SESSION.prepare(environment, profile_of(environment), workers):
                return None
            if isinstance(self.runner, MasterRunner):
                deal_out(self.runner, SESSION.plan)
        if SESSION.is_over:
            return None
        return SESSION.plan.workers, SESSION.plan.workers


class Arrivals(User):
    """A process's share of the schedule; each arrival is a greenlet of its own."""

    @task
    def run_share(self) -> None:
        side = WORKER if isinstance(self.environment.runner, WorkerRunner) else SESSION
        share = side.share(self.environment)
        if share is not None:  # None: locust moved a lost worker's user here; its arrivals are lost
            share.run()
        gevent.event.Event().wait()  # until locust ends it


@events.test_stop.add_listener
def on_test_stop(environment: Environment, **_: Any) -> None:
    if not isinstance(environment.runner, WorkerRunner):
        SESSION.conclude(environment)


@events.quitting.add_listener
def on_quitting(environment: Environment, **_: Any) -> None:
    """SIGTERM on the page's server comes here without a stop."""
    if not isinstance(environment.runner, WorkerRunner):
        SESSION.conclude(environment)
