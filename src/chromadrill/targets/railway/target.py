"""Target `railway`: a service on Railway with a volume, through its public API alone.

Its files are out of reach, so it has no capability `volume`. The home keeps what the platform does
not: the fingerprints of the snapshots made here, and the exports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from chromadrill.backups import catalog
from chromadrill.backups.interruption import stop_for_backup
from chromadrill.backups.registry import api_method
from chromadrill.backups.under_writers import read_again, read_before
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.connection import connect
from chromadrill.chroma.readiness import is_ready
from chromadrill.core.clock import now, wait_until
from chromadrill.core.errors import Refused, Unavailable, UsageError
from chromadrill.core.model import Backup, BackupStore, Scope, StoreEntry, Usage
from chromadrill.core.urls import without_password
from chromadrill.targets.home import claim
from chromadrill.targets.kinds import TargetSpec
from chromadrill.targets.railway import (
    backups,
    deployments,
    metrics_and_logs,
    resolve,
    volume_restore,
)
from chromadrill.targets.railway.api import ENDPOINT, Api
from chromadrill.targets.railway.resolve import ServicePlace
from chromadrill.targets.railway.snapshot_index import SnapshotIndex
from chromadrill.targets.railway.token import from_environment
from chromadrill.targets.safety.environment_match import PlatformPlace

ANSWERS_S = 120.0  # after the platform says that the service is up


def open_railway(spec: TargetSpec) -> RailwayTarget:
    """The target of `[targets.NAME]`, with the token of the environment.

    Raises UsageError for a missing setting or token, or a name that is not there; NotAuthorised.
    """
    table = spec.table
    if not table.service:
        raise UsageError(
            f"[targets.{spec.name}] service = ... is missing: its name or id on Railway."
        )
    target = RailwayTarget(
        Api(from_environment(), endpoint=table.endpoint or ENDPOINT),
        spec.home,
        name=spec.name,
        project=table.project,
        environment=table.environment,
        service=table.service,
        url=table.url,
        answers_s=max(ANSWERS_S, spec.settings.objectives.startup_s),
        scopes=spec.scopes,
    )
    target.url  # noqa: B018  found now, or said now what is wrong: not in the middle of a drill
    target.place  # noqa: B018
    return target


class RailwayTarget:
    """One service in one environment. `url`: default is the service's first public domain."""

    # it has no call that sends a signal
    kill_is = "service stopped by its platform"
    kept_because = (
        "Railway's volume backups cannot be downloaded: Railway only puts one back, into a volume of"
        " the same project."
    )

    def __init__(
        self,
        api: Api,
        home: Path,
        *,
        name: str = "railway",
        project: str | None = None,
        environment: str | None = None,
        service: str,
        url: str | None = None,
        answers_s: float = ANSWERS_S,
        backup_s: float = backups.WITHIN_S,
        restore_s: float = volume_restore.WITHIN_S,
        scopes: Sequence[Scope] = (Scope(),),
    ) -> None:
        self.name, self.home, self.scopes = name, home.absolute(), tuple(scopes)
        self._api, self._url = api, url
        self._wanted = {"project": project, "environment": environment, "service": service}
        self._answers_s, self._backup_s, self._restore_s = answers_s, backup_s, restore_s
        self.startup_s: float | None = None

    @cached_property
    def place(self) -> ServicePlace:
        """Where the service is; ids that do not change."""
        wanted = self._wanted
        return resolve.place(
            self._api,
            project=wanted["project"],
            environment=wanted["environment"],
            service=str(wanted["service"]),
        )

    @property
    def url(self) -> str:
        """The table's url, else the service's first public domain; raises UsageError for none."""
        if self._url:
            return self._url.rstrip("/")
        if not self.place.domains:
            raise UsageError(
                f"[targets.{self.name}] url = ... is missing: {self.place.service_name} has no domain."
            )
        return f"https://{self.place.domains[0]}"

    def platform_place(self) -> PlatformPlace:
        """Where the token, and the names in drill.toml, have led to."""
        at = self.place
        volumes = [v for v in resolve.volumes(self._api, at) if v.service == at.service]
        return PlatformPlace(
            at.environment_name,
            (at.service_name, at.service),
            tuple(text for v in volumes for text in (v.id, v.instance, v.name)),
            at.domains,
        )

    @property
    def simulated(self) -> bool:
        """Whether the platform is one of ours, in which nothing is proven of the real one."""
        return self._api.simulated

    def facts(self) -> Mapping[str, str]:
        """What identifies this deployment in a report; a simulated platform is named as that."""
        at, simulated = self.place, self.simulated
        facts = {
            # the name that every report shows: nobody shall take a simulated drill for a real one
            "name": f"{self.name} (simulated)" if simulated else self.name,
            "kind": "railway",
            "platform": "simulated" if simulated else "Railway",
            "environment": at.environment_name,
            "service": at.service_name,
            "url": without_password(self.url),
        }
        try:
            with Chroma(self.url, timeout_s=10) as chroma:
                return {**facts, **chroma.versions()}
        except CallFailed:
            return facts  # a service that is down has no version to tell

    # ---- restart --------------------------------------------------------------------------------
    def start(self) -> None:
        """Deploy, or wait for what is being deployed; return when the server answers a real query.

        Raises Refused when it runs already, Unavailable with the log's end when it does not come.
        """
        if self.running():
            raise Refused(f"{self.place.service_name} runs already; nothing was deployed.")
        started = now()
        try:
            deployments.deploy(self._api, self.place)
            wait_until(
                self._answers,
                within_s=self._answers_s,
                name=f"an answer of {without_password(self.url)}",
            )
        except Unavailable as error:
            raise Unavailable(
                f"{error.sentence} Its last lines:\n{self._last_lines()}",
                next_step="Read the log; restore a backup if the data is damaged.",
            ) from error
        self.startup_s = now() - started

    def _answers(self) -> bool:
        return is_ready(self.url, self.scopes)

    def _last_lines(self) -> str:
        try:
            return self.logs(12)
        except Unavailable as error:
            return f"(the log cannot be had: {error.sentence})"

    def stop(self) -> None:
        """Stop the service, and return when it has; stopped already is fine."""
        deployments.stop(self._api, self.place)

    def kill(self) -> None:
        """The nearest that the platform has: `kill_is` says what."""
        self.stop()

    def running(self) -> bool:
        """Whether it is up; one that is being deployed is not yet."""
        return any(state.is_running for state in deployments.current(self._api, self.place))

    def deployment(self) -> str:
        """The newest one's id: each start makes another."""
        return deployments.newest(self._api, self.place).id

    # ---- snapshots ------------------------------------------------------------------------------
    def snapshot(self, name: str | None = None, method: str = "volume-copy") -> Backup:
        """`export`: over the API. Else the platform's own backup, of the stopped service.

        Stopped, since a block-level copy of a server under load loses vectors (measured), and
        nobody says that the platform freezes the file system. The service runs afterwards.
        """
        index = self._index()
        if via_api := api_method(method):
            return via_api.take(self, index.folder, name=name, scopes=self.scopes)
        volume = resolve.volume(self._api, self.place)
        backup_id = index.new_id(name, backups.list_backups(self._api, volume.instance))
        with connect(self.url) as chroma:
            reading = read_before(chroma, self.scopes)
        stop_for_backup(self)
        try:
            created = backups.create(self._api, volume.instance, backup_id, within_s=self._backup_s)
        finally:
            self.start()
        after, facts = read_again(self.url, reading)
        source = {
            "target": self.name,
            "url": without_password(self.url),
            "volume": volume.id,
            "backup": created.id,
        }
        size = created.bytes or volume.used_mb * 1e6
        return index.add(
            backup_id, reading.fingerprint, created, source, size=size, after=after, **facts
        )

    def snapshots(self) -> list[Backup]:
        """The platform's, whoever made them, and the exports of this home; newest first."""
        volume = resolve.volume(self._api, self.place)
        return self._index().backups(backups.list_backups(self._api, volume.instance))

    def backup_store(self) -> BackupStore:
        """What the platform has and does by itself, for the posture."""
        volume = resolve.volume(self._api, self.place)
        listed = backups.list_backups(self._api, volume.instance)
        return BackupStore(
            f"Railway ({self.place.environment_name})",
            tuple(StoreEntry(row.name or row.id, row.created_at, row.bytes) for row in listed),
            tuple(backups.to_model(s) for s in backups.schedules(self._api, volume.instance)),
            used_bytes=int(volume.used_mb * 1e6),
            size_bytes=int(volume.size_mb * 1e6),
            fixed="Railway",
        )

    def restore(self, backup_id: str) -> None:
        """Put a snapshot back under the stopped service, and leave it stopped.

        The platform deletes backups newer than this one, and keeps the volume before it, detached.
        """
        backup = catalog.find(self.snapshots(), backup_id)
        if via_api := api_method(backup.method):
            if self.running():
                raise Refused(
                    f"{self.place.service_name} runs; stop it first. Nothing was restored."
                )
            via_api.put_back_via_api(backup, self)
            return
        volume = resolve.volume(self._api, self.place)
        on_platform = self._index().platform_backup(
            backup, backups.list_backups(self._api, volume.instance)
        )
        volume_restore.restore(self._api, self.place, on_platform.id, within_s=self._restore_s)

    def _index(self) -> SnapshotIndex:
        claim(self.home, ("snapshots",))
        return SnapshotIndex(self.home / "snapshots")

    # ---- logs, metrics --------------------------------------------------------------------------
    def logs(self, lines: int = 200) -> str:
        """The last lines of the newest deployment."""
        state = deployments.newest(self._api, self.place)
        return metrics_and_logs.logs(self._api, state.id, lines) if state.id else ""

    def metrics(self) -> Usage:
        """Memory and disk in use, as the platform says."""
        volume = resolve.volume(self._api, self.place)
        return metrics_and_logs.usage(self._api, self.place, volume)
