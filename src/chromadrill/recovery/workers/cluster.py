"""Workers of a Dask cluster: a `Pool` that Dask's scheduler hands the tasks of.

The scheduler starts a task again where its worker died. Nothing secret is sent: where the workers are to
read the source, DATABASE_URL stands in their own environment.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from chromadrill.core.clock import now
from chromadrill.core.errors import Unavailable
from chromadrill.core.plural import plural
from chromadrill.recovery.workers.cluster_worker import forget, run_task
from chromadrill.recovery.workers.pool import DEATHS, GOES_ON, no_worker_left, task_that_kills
from chromadrill.recovery.workers.tasks import Task, TaskResult, WorkerSetup

INSTALL = "pip install 'chromadrill[workers]', here and where scheduler and workers run."
CONNECT_S = 10
FETCH_S = 5
TICK_S = 1.0  # how long results are waited for before the workers are counted again
ALONE_S = (
    30.0  # without a worker so long, nobody is waited for any more: a nanny starts one in seconds
)
LOST = 3  # results of one task
DEPTH = 2  # tasks of a worker: one in work, and the next


class Cluster:
    """The workers of the scheduler at `address`. `say`: hears how many there are, and who is refused."""

    def __init__(self, address: str, setup: WorkerSetup, say: Callable[[str], None]) -> None:
        self._address, self._say = address, say
        self._setup = setup
        if setup.instant:
            self._setup = replace(setup, instant=replace(setup.instant, url=""))
        self._client = _connect(address)
        self._run = uuid.uuid4().hex[:12]
        self._lost: Counter[int] = Counter()  # results that could not be had, by task
        self._futures: dict[Any, tuple[Task, frozenset[str]]] = {}
        self._refused: dict[str, str] = {}
        self._tries = 0
        self._workers: frozenset[str] = frozenset()
        self._counted_at = -TICK_S
        self._alone_since: float | None = None
        self._say(f"{address}: {plural(len(self._allowed()), 'worker')}.")

    @property
    def capacity(self) -> int:
        return DEPTH * max(1, len(self._allowed()))

    def put(self, task: Task) -> None:
        # without one that is refused any worker will do, those too that are not there yet
        only = self._allowed() if self._refused else frozenset()
        self._tries += 1
        try:
            future = self._client.submit(
                run_task,
                self._run,
                self._setup,
                task,
                key=f"chromadrill-{self._run}-{task.number}-{self._tries}",
                workers=sorted(only) or None,
                pure=False,
            )
        except Exception as error:  # Dask's own, of a client whose scheduler has gone
            raise self._does_not_answer() from error
        self._futures[future] = (task, only)

    def results(self) -> list[TaskResult]:
        from distributed import wait

        results: list[TaskResult] = []
        while not results:
            finished = [future for future in self._futures if future.done()]
            for future in finished:
                task, _ = self._futures.pop(future)
                results += self._result(future, task)
            if not finished:
                self._require_workers()
                self._put_again_what_nobody_may_do()
                with suppress(Exception):  # the time is over, or the connection
                    wait(  # type: ignore[no-untyped-call,unused-ignore]
                        list(self._futures), timeout=TICK_S, return_when="FIRST_COMPLETED"
                    )
        return results

    def refuse(self, worker: str, reason: str) -> None:
        if worker in self._refused:
            return
        self._refused[worker] = reason
        left = plural(len(self._allowed()), "worker")
        self._say(f"{worker} is not asked any more: {reason.rstrip('.')}. {left} left.")

    def close(self) -> None:
        with suppress(Exception):  # of a cluster that has gone
            for future in self._futures:
                future.cancel()
            self._client.run(forget, on_error="ignore")
        with suppress(Exception):
            self._client.close(timeout=CONNECT_S)

    # ---- the cluster ---------------------------------------------------------------------------
    def _result(self, future: Any, task: Task) -> list[TaskResult]:
        if future.status == "finished":
            with suppress(Exception):  # its worker, or the scheduler, has gone with the result
                return [future.result()]
        if future.status != "error":  # cancelled, lost, or finished and not to be had
            self._lost[task.number] += 1
            if self._lost[task.number] > LOST:
                raise self._does_not_answer()
            self.put(task)
            return []
        error = future.exception()
        if type(error).__name__ == "KilledWorker":
            raise task_that_kills(task, getattr(error, "allowed_failures", DEATHS) + 1)
        first = (str(error).strip().splitlines() or [""])[0]
        raise Unavailable(
            f"{self._address}: the cluster cannot run a task: {type(error).__name__}: {first}",
            next_step="Scheduler and workers need chromadrill in this very release, and what"
            f" [embedding] function names: {INSTALL} {GOES_ON}",
        )

    def _allowed(self) -> frozenset[str]:
        """The workers that are there now, without those that are refused."""
        if now() - self._counted_at >= TICK_S:
            try:
                self._workers = frozenset(self._client.nthreads())
            except Exception:  # of a connection that is gone: for how long, is looked at elsewhere
                self._workers = frozenset()
            self._counted_at = now()
        return self._workers - set(self._refused)

    def _require_workers(self) -> None:
        if self._allowed():
            self._alone_since = None
            return
        self._alone_since = self._alone_since or now()
        if self._refused and self._workers:  # all that are there: no other is to be waited for
            raise no_worker_left(self._refused)
        if now() - self._alone_since >= ALONE_S:
            raise self._does_not_answer()

    def _does_not_answer(self) -> Unavailable:
        return Unavailable(
            f"The Dask scheduler {self._address} has had no worker for {ALONE_S:.0f} s,"
            " or does not answer any more.",
            next_step=f"Start workers: dask worker {self._address} --nthreads 1. {GOES_ON}",
        )

    def _put_again_what_nobody_may_do(self) -> None:
        """Tasks that were meant for workers of whom none is left."""
        for future, (task, only) in list(self._futures.items()):
            if only and not only & self._allowed():
                del self._futures[future]
                future.cancel()
                self.put(task)


def _connect(address: str) -> Any:
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise Unavailable(
            "A Dask cluster needs the package distributed.", next_step=INSTALL
        ) from error
    # what becomes of its workers is said here, in sentences
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    # Dask tries for 30 s to fetch a result of a worker that has died, before another makes it again
    dask.config.set({"distributed.comm.timeouts.connect": f"{FETCH_S}s"})
    try:
        return Client(  # type: ignore[no-untyped-call,unused-ignore]
            address, timeout=CONNECT_S
        )
    except Exception as error:  # OSError, TimeoutError, ValueError of an address, of TLS
        raise Unavailable(
            f"The Dask scheduler {address} does not answer: {type(error).__name__}.",
            next_step="Start one: dask scheduler --host 127.0.0.1. Workers:"
            f" dask worker {address} --nthreads 1",
        ) from error
