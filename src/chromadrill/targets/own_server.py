"""What the servers that we start ourselves share: the wait for a first answer, and their backups."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from chromadrill.backups import catalog
from chromadrill.backups.files import copy_tree
from chromadrill.backups.registry import METHODS, method_of
from chromadrill.chroma.readiness import is_ready
from chromadrill.core.clock import now, wait_until
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.model import Backup, Scope

STARTUP_S = 60.0


class ServerEnded(BaseException):
    """Out of `wait_until` at once: a server that exited will not become ready."""


class OwnServer(ABC):
    """A server of ours in `home`, which keeps its log and its snapshots.

    `scopes`: what readiness asks of, besides the default tenant and database. `startup_s`: how long
    the last start took until the first real answer; None before the first one.
    """

    def __init__(
        self, home: Path, *, name: str, scopes: Sequence[Scope], startup_limit_s: float
    ) -> None:
        self.name, self.home, self.scopes = name, home.absolute(), tuple(scopes)
        self.startup_s: float | None = None
        self._startup_limit_s = startup_limit_s

    @property
    @abstractmethod
    def url(self) -> str: ...
    @abstractmethod
    def start(self) -> None: ...
    @abstractmethod
    def stop(self) -> None: ...
    @abstractmethod
    def kill(self) -> None: ...
    @abstractmethod
    def running(self) -> bool: ...
    @abstractmethod
    def volume(self) -> AbstractContextManager[Path]: ...
    @abstractmethod
    def logs(self, lines: int = 200) -> str: ...

    def _wait_for_answer(
        self, require_alive: Callable[[], None], *, server: str, log: str = "Its last lines"
    ) -> None:
        """Return when the server answers a real query, not only a heartbeat.

        `require_alive` raises ServerEnded. Raises Unavailable, with the log's end, when no answer
        comes; `server` and `log` are how the sentence names both.
        """

        def is_up() -> bool:
            require_alive()
            return is_ready(self.url, self.scopes)

        started = now()
        try:
            wait_until(is_up, within_s=self._startup_limit_s, name="a real answer")
        except ServerEnded as ended:
            raise Unavailable(
                f"{server} ended at once ({ended}). Its last lines:\n{self.logs(12)}",
                next_step="Read the log; restore a backup if the data is damaged.",
            ) from None
        except DrillError as error:
            self.kill()
            raise Unavailable(f"{error.sentence} {log}:\n{self.logs(12)}") from error
        self.startup_s = now() - started

    # ---- snapshots ------------------------------------------------------------------------------
    def snapshot(self, name: str | None = None, method: str = "volume-copy") -> Backup:
        """Back up with one of METHODS; the server runs afterwards."""
        return METHODS[method].take(self, self._snapshots, name=name, scopes=self.scopes)

    def snapshots(self) -> list[Backup]:
        """The backups of this home, newest first."""
        return catalog.list_backups(self._snapshots)

    def add_snapshot(self, folder: Path) -> Backup:
        """Copy a backup that lies elsewhere to this server's own: it can be restored by its id."""
        with catalog.new_folder(self._snapshots, folder.name) as copy:
            copy_tree(folder, copy)
        return catalog.open_backup(self._snapshots / folder.name)

    def restore(self, backup_id: str) -> None:
        """Put a snapshot back into the emptied volume; the server must be stopped, and stays so."""
        backup = catalog.find(self.snapshots(), backup_id)
        method_of(backup).put_back(backup, self)

    @property
    def _snapshots(self) -> Path:
        return self.home / "snapshots"
