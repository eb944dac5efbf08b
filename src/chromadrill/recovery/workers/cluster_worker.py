"""The inside of a worker of a Dask cluster: what its tasks share is kept between them."""

from __future__ import annotations

import threading

from chromadrill.core.errors import DrillError
from chromadrill.recovery.workers.tasks import Task, TaskResult, WorkerFailure, WorkerSetup
from chromadrill.recovery.workers.worker import Worker

_lock = threading.Lock()  # a worker may have several threads: the model has one
_workers: dict[str, Worker] = {}  # by run; one at most


def run_task(run: str, setup: WorkerSetup, task: Task) -> TaskResult:
    """Called by Dask. Whatever fails is in the result: Dask would only say that something did."""
    from distributed import get_worker

    name = str(get_worker().address)  # type: ignore[no-untyped-call,unused-ignore]
    with _lock:
        try:
            worker = _worker_of(run, name, setup)
        except DrillError as error:
            failure = WorkerFailure(error.sentence, error.next_step)
            return TaskResult(task.number, name, failure=failure)
        except Exception as error:  # of the user's own function, or of a library
            failure = WorkerFailure(f"{type(error).__name__}: {error}")
            return TaskResult(task.number, name, failure=failure)
        return worker.embed(task)


def forget() -> None:
    """Let model and connection go: the run has ended."""
    with _lock:
        while _workers:
            _workers.popitem()[1].close()


def _worker_of(run: str, name: str, setup: WorkerSetup) -> Worker:
    if run not in _workers:
        while _workers:  # of a run that was killed
            _workers.popitem()[1].close()
        _workers[run] = Worker(name, setup)
    return _workers[run]
