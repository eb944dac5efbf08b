"""The inside of a worker process of this machine: takes tasks of a pipe, and hands results back."""

from __future__ import annotations

import os
import queue
import signal
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection

from chromadrill.core.clock import now
from chromadrill.core.errors import DrillError
from chromadrill.recovery.workers.tasks import Task, WorkerFailure, WorkerSetup
from chromadrill.recovery.workers.worker import Worker


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded; it took so long."""

    seconds: float


def serve(name: str, setup: WorkerSetup, pipe: Connection) -> None:
    """Embed what comes, until the other end of the pipe is closed: then nobody wants the rest."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who closes the pipe
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    # beside the embedding: a parent that could not send, to a worker that cannot, would wait for ever
    threading.Thread(target=_take, args=(pipe, tasks), daemon=True).start()
    started = now()
    try:
        worker = Worker(name, setup)
    except DrillError as error:
        pipe.send(WorkerFailure(error.sentence, error.next_step))
        return
    except Exception as error:  # of the user's own function, or of a library
        pipe.send(WorkerFailure(f"{type(error).__name__}: {error}"))
        return
    pipe.send(Ready(now() - started))
    while True:  # until `_take` ends the process
        pipe.send(worker.embed(tasks.get()))


def _take(pipe: Connection, tasks: queue.SimpleQueue[Task]) -> None:
    while True:
        try:
            tasks.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(0)
