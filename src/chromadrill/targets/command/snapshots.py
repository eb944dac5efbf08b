"""Snapshots by the user's commands. What the platform keeps is its own affair; the home keeps the
fingerprint, by which a restored one is proven.
"""

from __future__ import annotations

from pathlib import Path

from chromadrill.backups import catalog
from chromadrill.backups.interruption import stop_for_backup
from chromadrill.backups.registry import api_method, is_via_api
from chromadrill.backups.under_writers import read_again, read_before
from chromadrill.chroma.connection import connect
from chromadrill.core.clock import parse_time, time_text, utc_now
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import Backup
from chromadrill.core.redaction import mask_output
from chromadrill.core.urls import without_password
from chromadrill.targets.command.server import RestartCommands

METHOD = "command"


class SnapshotCommands(RestartCommands):
    """Capability `snapshot`."""

    def snapshot(self, name: str | None = None, method: str = "volume-copy") -> Backup:
        """`export`: over the API. Else the command `snapshot`, of the stopped server.

        The server runs afterwards. Where somebody wrote meanwhile it is read again, and the manifest
        says how much stood still. Raises Unavailable for a sick server.
        """
        if via_api := api_method(method):
            return via_api.take(self, self._folder, name=name, scopes=self.scopes)
        if name and name in self._on_platform():
            raise Refused(f"A snapshot '{name}' exists already; it was not touched.")
        backup_id = catalog.new_id(self._folder, name)
        with connect(self.url) as chroma:
            reading = read_before(chroma, self.scopes)
        stop_for_backup(self)
        try:
            self._run("snapshot", id=backup_id)
            created_at = utc_now()
        finally:
            self.start()
        after, facts = read_again(self.url, reading)
        with catalog.new_folder(self._folder, backup_id) as folder:
            folder.mkdir()
            catalog.describe(
                folder, reading.fingerprint, backup_id=backup_id, method=METHOD,
                created_at=created_at, after=after,
                source={"target": self.name, "url": without_password(self.url)},
                bytes=self._bytes(backup_id), **facts,
            )  # fmt: skip
        return catalog.open_backup(self._folder / backup_id)

    @property
    def lists_all(self) -> bool:
        """Whether `snapshots` lists all that the platform has, not only what is in this home."""
        return "snapshots" in self._commands.texts

    def snapshots(self) -> list[Backup]:
        """Newest first: those of this home; with a command `snapshots` all that it lists."""
        backups = catalog.list_backups(self._folder)
        if self.lists_all:
            listed = self._on_platform()
            known = {backup.id for backup in backups}
            backups = [b for b in backups if is_via_api(b) or b.id in listed]
            backups += [backup for name, backup in listed.items() if name not in known]
        return sorted(backups, key=lambda backup: backup.created_at, reverse=True)

    def restore(self, backup_id: str) -> None:
        """Put a backup back under the stopped server, and leave it stopped."""
        backup = catalog.find(self.snapshots(), backup_id)
        catalog.require_plain(backup.id)  # a command of the user's gets it
        if self.running():
            raise Refused(f"{self.name} runs; stop it first. Nothing was restored.")
        if via_api := api_method(backup.method):
            via_api.put_back_via_api(backup, self)
            return
        self._run("restore", id=backup.id)

    @property
    def _folder(self) -> Path:
        return self.home / "snapshots"

    def _on_platform(self) -> dict[str, Backup]:
        """What the command `snapshots` lists, a line each: ID TIME [BYTES]."""
        if not self.lists_all:
            return {}
        lines = [line.split() for line in self._run("snapshots").splitlines() if line.strip()]
        try:
            return {columns[0]: _parse_entry(*columns) for columns in lines}
        except (TypeError, ValueError) as error:
            raise Unavailable(
                f"[targets.{self.name}.commands] snapshots: wanted lines of ID TIME [BYTES], TIME as"
                f" 2026-01-31T02:00:00Z: {mask_output(str(error))}."
            ) from error

    def _bytes(self, backup_id: str) -> int:
        backup = self._on_platform().get(backup_id)
        return backup.bytes if backup else 0


def _parse_entry(name: str, time: str, size: str = "0") -> Backup:
    created_at = time_text(parse_time(time, require_zone=True))
    return Backup(name, "", METHOD, created_at, int(size))
