"""The map of the domain on one page. Structural: nobody needs to inherit from us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from chromadrill.core.model import Backup, BackupStore, Scope, Usage


@runtime_checkable
class Target(Protocol):
    """A Chroma deployment the drill may act on: three members are required."""

    name: str

    @property
    def url(self) -> str: ...

    def facts(self) -> Mapping[str, str]:
        """Versions and whatever identifies this deployment; opens every report."""
        ...


@runtime_checkable
class Restartable(Protocol):
    """Capability `restart`: the server can be stopped, started and killed."""

    def start(self) -> None:
        """Return when the server answers a real query."""
        ...

    def stop(self) -> None: ...

    def kill(self) -> None:
        """End the server at once, as SIGKILL does."""
        ...

    def running(self) -> bool: ...


@runtime_checkable
class RestartsItself(Protocol):
    """Has a restart of its own; without: it is stopped, and started."""

    def restart(self) -> None:
        """Return when the server answers a real query."""
        ...


@runtime_checkable
class DescribesKill(Protocol):
    """What `kill` does there, in the words of a report; without: it sends SIGKILL."""

    kill_is: str


@runtime_checkable
class HasDeployments(Protocol):
    """Each start is a deployment with a name of its own, by which another's start is known."""

    def deployment(self) -> str:
        """What runs, or ran last."""
        ...


@runtime_checkable
class HasScopes(Protocol):
    """Names the tenants and databases that are its users'; without: the default ones."""

    scopes: tuple[Scope, ...]


@runtime_checkable
class Simulated(Protocol):
    """Can tell whether its platform is a simulated one, which proves nothing of the real one."""

    @property
    def simulated(self) -> bool: ...


@runtime_checkable
class HasVolume(Protocol):
    """Capability `volume`: the data directory can be had while the server is stopped."""

    def volume(self) -> AbstractContextManager[Path]:
        """The stopped server's data directory; changes to it are the server's afterwards."""
        ...


@runtime_checkable
class HasDataFolder(Protocol):
    """The data directory lies on this machine; what it is while the server runs is no backup."""

    data: Path


@runtime_checkable
class HasSnapshots(Protocol):
    """Capability `snapshot`: backups can be taken, listed and restored."""

    def snapshot(self, name: str | None = None, method: str = "volume-copy") -> Backup:
        """`method`: a word that the target knows; its own way where it has only one."""
        ...

    def snapshots(self) -> Sequence[Backup]:
        """Newest first."""
        ...

    def restore(self, backup_id: str) -> None:
        """Put the backup back into an emptied volume; the server is left stopped."""
        ...


@runtime_checkable
class HasBackupStore(Protocol):
    """The platform keeps the backups itself, with what it knows of each."""

    def backup_store(self) -> BackupStore: ...


@runtime_checkable
class KeepsSnapshots(Protocol):
    """The platform hands its snapshots to nobody. `kept_because`: why, and what can be done instead."""

    kept_because: str


@runtime_checkable
class HandsOutSnapshots(Protocol):
    """Gives a snapshot as files; without: those that lie on this machine can be had."""

    def fetch_snapshot(self, backup_id: str, into: Path) -> None:
        """Put the files of the snapshot into the empty folder `into`."""
        ...


@runtime_checkable
class ListsSnapshots(Protocol):
    """Can tell whether `snapshots` lists all that its platform has; without: it does."""

    @property
    def lists_all(self) -> bool: ...


@runtime_checkable
class HasLogs(Protocol):
    """Capability `logs`: the last lines of the server's log can be read."""

    def logs(self, lines: int = 200) -> str: ...


@runtime_checkable
class Pausable(Protocol):
    """Capability `pause`: the server can be frozen. It takes connections then, and answers none."""

    def pause(self) -> None: ...
    def unpause(self) -> None: ...


@runtime_checkable
class Recreatable(Protocol):
    """Capability `recreate`: the server can be deployed anew on the volume that is there."""

    def recreate(self) -> None:
        """Return when the new server answers a real query."""
        ...


@runtime_checkable
class HasMetrics(Protocol):
    """Capability `metrics`: memory and disk in use, restarts, out-of-memory kills."""

    def metrics(self) -> Usage: ...


@runtime_checkable
class HotCopyable(Protocol):
    """Capability `hotcopy`: the volume can be read while the server runs. What is read is no backup."""

    def copy_running(self, into: Path, *, bytes_per_s: float | None = None) -> None:
        """Copy what the volume holds, whatever the server does to it meanwhile; no faster than that."""
        ...

    def live_data(self) -> Path:
        """The running server's own directory; raises Unavailable where it is out of our reach."""
        ...


CAPABILITIES: dict[str, type] = {
    "restart": Restartable,
    "volume": HasVolume,
    "snapshot": HasSnapshots,
    "logs": HasLogs,
    "pause": Pausable,
    "recreate": Recreatable,
    "metrics": HasMetrics,
    "hotcopy": HotCopyable,
}


def missing_capabilities(target: object, wanted: Sequence[str]) -> list[str]:
    """Those of `wanted` that the target does not have."""
    return [capability for capability in wanted if not isinstance(target, CAPABILITIES[capability])]


def scopes_of(target: object) -> tuple[Scope, ...]:
    """The scopes that the target names; empty where it names none."""
    return tuple(target.scopes) if isinstance(target, HasScopes) else ()


def data_folder_of(target: object) -> Path | None:
    """The target's data directory on this machine; None where it has none here."""
    data = target.data if isinstance(target, HasDataFolder) else None
    return data if isinstance(data, Path) else None  # a target of the user's may mean another thing


@runtime_checkable
class Scratch(Protocol):
    """A throw-away target of our own: drills fill it, damage it and remove it."""

    def environment(self) -> Mapping[str, str]:
        """What makes `chromadrill ops` in another process act on this very target."""
        ...

    def remove(self) -> None:
        """End it, and leave nothing of it behind."""
        ...


class Disaster(Protocol):
    """A fault that is injected on purpose."""

    name: str
    what: str

    def inject(self, target: Target) -> None:
        """Do the damage; returns when it is done. The server is left as the fault leaves it."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors; the report names which one ran."""

    name: str
    dimension: int

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 of shape (len(texts), dimension)."""
        ...


class Model(Embedder, Protocol):
    """An embedder whose vectors can be told from another model's.

    By the hash of its weights; a model without weights at hand (a service) has None there, and is
    told by its name and the hash of its configuration.
    """

    revision: str

    @property
    def weights_sha256(self) -> str | None: ...

    @property
    def configuration_sha256(self) -> str | None:
        """Of what makes its vectors beside its name; None where the weights say all of it."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """What a report says of it."""
        ...


@runtime_checkable
class EmbedsQueries(Protocol):
    """A model that may have another vector for a question; without: as of a document."""

    def embed_queries(self, texts: Sequence[str]) -> np.ndarray:
        """float32 of shape (len(texts), dimension)."""
        ...


@runtime_checkable
class HasRelease(Protocol):
    """Knows which release of Chroma it runs (None: it cannot tell), so a downgrade is refused."""

    @property
    def release(self) -> str | None: ...


class HasUrl(Protocol):
    """A running server, as far as an export needs to know it."""

    @property
    def url(self) -> str:
        """The base URL of its API."""
        ...


class StartStop(HasUrl, Protocol):
    """A server that can be started and stopped."""

    name: str

    def start(self) -> None:
        """Return when the server answers a real query."""
        ...

    def stop(self) -> None:
        """Return when the server has ended."""
        ...

    def running(self) -> bool:
        """Whether the server has not ended."""
        ...


class Stoppable(StartStop, Protocol):
    """What a backup method needs of a target: it is up or down, and has a volume."""

    def volume(self) -> AbstractContextManager[Path]: ...


@runtime_checkable
class BackupMethod(Protocol):
    """A way to make a backup and to put it back; a module with these names is one."""

    METHOD: str

    def take(
        self, target: Stoppable, into: Path, *, name: str | None = None, scopes: Sequence[Scope]
    ) -> Backup:
        """Back up the running target into a folder of its own below `into`; it runs afterwards."""
        ...

    def put_back(self, backup: Backup, target: Stoppable) -> None:
        """Bring the backup back into the emptied volume; the target is stopped, and stays so."""
        ...


@runtime_checkable
class ApiBackupMethod(BackupMethod, Protocol):
    """A method that works via the API: it needs no volume, and leaves other collections alone."""

    def take(
        self, target: HasUrl, into: Path, *, name: str | None = None, scopes: Sequence[Scope]
    ) -> Backup:
        """Back up the running server, which goes on, into a folder of its own below `into`."""
        ...

    def put_back_via_api(self, backup: Backup, target: StartStop) -> None:
        """Replace the collections of the backup, and no others; the server is left stopped."""
        ...
