"""Where the workers of a rebuild run, as typed, and the step that they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chromadrill.core.errors import UsageError
from chromadrill.core.protocols import Model
from chromadrill.recovery.workers.canary import Canary
from chromadrill.recovery.workers.cluster import Cluster
from chromadrill.recovery.workers.pool import Pool
from chromadrill.recovery.workers.processes import Processes
from chromadrill.recovery.workers.step import ByWorkers
from chromadrill.recovery.workers.tasks import WorkerSetup

DOCUMENTS = 64  # of a task, or more where a batch of the model is larger
CLUSTER = (
    "tcp://",
    "tls://",
    "ucx://",
    "ws://",
    "wss://",
)  # what Dask's schedulers are addressed by
MOST = 256  # processes of one machine


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """`where`: how many processes of this machine, or the address of a Dask scheduler."""

    where: int | str
    setup: WorkerSetup
    say: Callable[[str], None] = lambda line: None

    @contextmanager
    def step(self, model: Model, least_cosine: float) -> Iterator[ByWorkers]:
        """The embedding by workers, whom `model` checks (`Canary`). They end with it."""
        pool = self._pool()
        can_read = self.setup.instant is not None
        try:
            yield ByWorkers(pool, Canary(model, least_cosine), self.say, can_read)
        finally:
            pool.close()

    def _pool(self) -> Pool:
        if isinstance(self.where, int):
            return Processes(self.where, self.setup, self.say)
        return Cluster(self.where, self.setup, self.say)


def workers_named(text: str) -> int | str:
    """`--workers`: a number of processes, or a scheduler's address. Raises UsageError."""
    if text.isdecimal() and 1 <= int(text) <= MOST:
        return int(text)
    if text.startswith(CLUSTER):
        return text
    raise UsageError(
        f"--workers {text}: a number of processes of this machine (1 to {MOST}), or the address of a"
        " Dask scheduler: tcp://HOST:8786."
    )
