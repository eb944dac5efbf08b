"""What a pool of workers does, wherever they run, and the words for one that has none left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from chromadrill.core.errors import Unavailable
from chromadrill.core.plural import plural
from chromadrill.recovery.workers.tasks import Task, TaskResult

DEATHS = 3  # of one worker in a row, or over one task: then it is not tried once more
GOES_ON = "What is written stays: the same command goes on where this one stopped."


class Pool(Protocol):
    """Workers. Each task that is put comes back as a result once, or not at all where one is raised."""

    @property
    def capacity(self) -> int:
        """How many tasks keep all workers busy."""
        ...

    def put(self, task: Task) -> None: ...

    def results(self) -> list[TaskResult]:
        """One or more; waits for them. Raises Unavailable where no worker is left to wait for."""
        ...

    def refuse(self, worker: str, reason: str) -> None:
        """Give `worker` no task any more. What it has in hand comes back from another."""
        ...

    def close(self) -> None:
        """End what was started for this run."""
        ...


def no_worker_left(reasons: Mapping[str, str], next_step: str = "") -> Unavailable:
    """`reasons`: of each worker that was lost."""
    lost = "; ".join(f"{worker}: {reason.rstrip('.')}" for worker, reason in reasons.items())
    return Unavailable(
        f"No worker is left of {len(reasons)}: {lost}.",
        next_step=f"{next_step} {GOES_ON}".strip(),
    )


def task_that_kills(task: Task, deaths: int = DEATHS) -> Unavailable:
    """The sentence for documents over which one worker after the other has died."""
    return Unavailable(
        f"{deaths} workers died over the same {plural(len(task.ids), 'document')}:"
        f" '{task.ids[0]}' to '{task.ids[-1]}'.",
        next_step="Where memory is short: fewer workers, or a smaller [embedding] batch_size."
        f" {GOES_ON}",
    )
