"""Disasters that only a container can have: its deployment, its memory, its disk, its network."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import psutil

from chromadrill.chroma.client import CallFailed
from chromadrill.chroma.connection import connect
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError, Refused
from chromadrill.core.model import Acknowledged, CollectionInfo
from chromadrill.core.protocols import Target
from chromadrill.targets.container.spec import ContainerSpec
from chromadrill.targets.container.target import ContainerTarget
from chromadrill.targets.container.volume import MOUNT
from chromadrill.workload.writer import new_write, upsert

BATCH = 100
DIMENSION = 384
MOST = 200_000  # records; a server that holds so many is not short of memory


@dataclass(frozen=True, slots=True)
class ContainerDisaster:
    """`damage` is done to the container; the platform may fail to start it again."""

    name: str
    what: str
    damage: Callable[[ContainerTarget], None]

    def __str__(self) -> str:
        return self.name

    def inject(self, target: Target) -> None:
        self.damage(_container(target))


DISCARDED = ContainerDisaster(
    "container-discarded",
    "the container is removed, as a failed deployment leaves it; the volume is there",
    lambda target: target.discard(),
)
PAUSED = ContainerDisaster(
    "paused",
    "every process of the server is frozen: it takes connections and answers nothing",
    lambda target: target.pause(),
)
NETWORK_CUT = ContainerDisaster(
    "network-cut",
    "the container is taken off its network; the server runs on",
    lambda target: target.cut_network(),
)


def redeployment(
    name: str, what: str, change: Callable[[ContainerSpec], ContainerSpec]
) -> ContainerDisaster:
    """A deployment with a wrong setting: a new container of another shape on the same volume."""

    def damage(target: ContainerTarget) -> None:
        # that it may not come up is part of the disaster
        with contextlib.suppress(DrillError):
            target.recreate(change(target.spec))

    return ContainerDisaster(name, what, damage)


READ_ONLY = redeployment(
    "volume-read-only",
    "deployed with its volume mounted read-only",
    lambda shape: replace(shape, read_only=True),
)


@dataclass(slots=True)
class OutOfMemory:
    """Deployed with too little memory, and loaded until the kernel kills it.

    `acknowledged`: the records of `collection` that it had taken until then.
    """

    collection: CollectionInfo
    memory_mb: int = 64
    acknowledged: list[Acknowledged] = field(default_factory=list)
    name: str = "out-of-memory"

    @property
    def what(self) -> str:
        return f"loaded in {self.memory_mb} MB of memory until the kernel killed it"

    def inject(self, target: Target) -> None:
        container = _container(target)
        container.recreate(replace(container.spec, memory_mb=self.memory_mb))
        vectors = np.random.default_rng(7)
        with connect(target.url, timeout_s=30) as chroma, contextlib.suppress(CallFailed):
            while len(self.acknowledged) < MOST:
                rows = range(len(self.acknowledged), len(self.acknowledged) + BATCH)
                batch = [new_write(row, self.collection) for row in rows]
                upsert(chroma, self.collection, batch, vectors.normal(size=(BATCH, DIMENSION)))
                self.acknowledged += batch
        # the client's error comes before the engine knows
        wait_until(lambda: not container.running(), within_s=30, name="the server's end")


def fill_disk(target: ContainerTarget) -> None:
    """Something else takes all the room that is left on the volume."""
    # large blocks first; the last write of a block that does not fit leaves some room
    fill = "dd if=/dev/zero bs={} 2>/dev/null >> {}/ballast"
    target.run_beside("sh", "-c", f"{fill.format('64K', MOUNT)}; {fill.format('512', MOUNT)}; sync")


def free_disk(target: ContainerTarget) -> None:
    """What took the room is removed again."""
    target.run_beside("rm", "-f", f"{MOUNT}/ballast")


# clients that only read may see nothing of it (measured: four runs of six): ask one that writes
DISK_FULL = ContainerDisaster(
    "disk-full", "the volume is full while the server runs and clients write", fill_disk
)


def _full_at_start(target: ContainerTarget) -> None:
    # stopped, not killed: a journal that the start rolls back would give it room again
    target.stop()
    fill_disk(target)
    with contextlib.suppress(DrillError):
        target.start()


DISK_FULL_AT_START = ContainerDisaster(
    "disk-full-at-start",
    "the server is stopped, and its volume is full when it starts",
    _full_at_start,
)


def on_another_volume(options: tuple[tuple[str, str], ...]) -> ContainerDisaster:
    """The volume is lost, and the platform gives an empty one made with `options`."""

    def damage(target: ContainerTarget) -> None:
        target.replace_volume(options)
        target.start()

    return ContainerDisaster(
        "smaller-disk", "the volume is lost; the new one is smaller than the data", damage
    )


def _container(target: Target) -> ContainerTarget:
    if not isinstance(target, ContainerTarget):
        raise DrillError(f"{target.name} is no container: this cannot happen to it.")
    return target


@dataclass(frozen=True, slots=True)
class EngineKilled:
    """The engine's daemon dies at once. `pid_file`: where it wrote its pid; only that one is killed."""

    pid_file: str
    name: str = "engine-killed"
    what: str = "the container engine is killed with SIGKILL"

    def inject(self, target: Target) -> None:
        try:
            daemon = psutil.Process(int(Path(self.pid_file).read_text()))
        except (OSError, ValueError, psutil.NoSuchProcess) as error:
            raise Refused(
                f"{self.pid_file} names no engine: {error}. Nothing was killed."
            ) from error
        if "docker" not in daemon.name():
            raise Refused(
                f"{self.pid_file} names '{daemon.name()}', no engine; nothing was killed."
            )
        daemon.kill()
        psutil.wait_procs([daemon], timeout=10)


def torn_copy(target: Target, into: Path, *, meanwhile: Callable[[], None]) -> None:
    """Copy a running server's volume as a slow copy does: the database first, the index files later.

    `meanwhile`: what clients do before the second half.
    """
    container, early = _container(target), into.with_name(f"{into.name}-early")
    for place in (early, into):
        place.mkdir(parents=True)
    container.copy_running(early)
    meanwhile()
    container.copy_running(into)
    for file in into.glob("chroma.sqlite3*"):
        file.unlink()
    for file in early.glob("chroma.sqlite3*"):
        shutil.copy(file, into / file.name)
