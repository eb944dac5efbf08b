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
class HasVolume(Protocol):
    """Capability `volume`: the data directory can be had while the server is stopped."""

    def volume(self) -> AbstractContextManager[Path]:
        """The stopped server's data directory; changes to it are the server's afterwards."""
        ...


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
    """An embedder whose vectors can be told from another model's: by the hash of its weights."""

    revision: str
    weights_sha256: str

    def facts(self) -> Mapping[str, Any]:
        """What a report says of it."""
        ...


@runtime_checkable
class HasRelease(Protocol):
    """Knows which release of Chroma it runs (None: it cannot tell), so a downgrade is refused."""

    @property
    def release(self) -> str | None: ...


class Stoppable(Protocol):
    """What a backup method needs of a target: it is up or down, and has a volume."""

    name: str

    @property
    def url(self) -> str: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def volume(self) -> AbstractContextManager[Path]: ...


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
