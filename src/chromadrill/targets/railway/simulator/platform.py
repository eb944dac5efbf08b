"""What the platform does: backups, restores in two halves; and its faults.

Every method returns at once, as the API does; what takes time goes on in a thread.
"""

from __future__ import annotations

import math
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from chromadrill.core.clock import now
from chromadrill.core.files import size_of
from chromadrill.targets.railway.simulator import block_snapshot
from chromadrill.targets.railway.simulator.service import DATA, Service, written_back
from chromadrill.targets.railway.simulator.world import (
    ApiError,
    SimulatedBackup,
    SimulatedVolume,
    Workflow,
    World,
)

WORKFLOW_S, SLOW_S = 1.0, 15.0
LAG_S = 0.4  # a new workflow is not found for so long
VOLUME_MB = 5_000
VOLUMES = 20  # of one project: detached ones count


class Platform:
    """`port`: of the service. Close `service`, or its servers live until this process ends."""

    def __init__(
        self, home: Path, *, port: int, fault: str | None = None, volume_mb: int = VOLUME_MB
    ) -> None:
        self.home, self.fault, self.world = home, fault, World()
        self._lock = threading.RLock()
        self._restores = 0
        self.calls: list[str] = []  # operations, as they arrived
        first = self.new_volume("chroma-data", volume_mb, DATA)
        first.service = self.world.service
        if fault == "staged-before":
            self._stage_foreign()
        self.service = Service(home, self.world, port, crashes=self._crashes)

    # ---- backups --------------------------------------------------------------------------------
    def create_backup(self, instance: str, name: str | None) -> Workflow:
        """Fails above half of the volume's size. Of a running service it is as a block snapshot is."""
        volume = self.volume(instance)
        if volume.service is None:
            raise ApiError("Backups exist only for a volume that is attached to a service")
        if 2 * size_of(volume.folder) > volume.size_mb * 1e6:
            raise ApiError("Backup is larger than 50% of the volume's size")

        def work() -> None:
            if self.fault == "backup-workflow-error":
                raise ApiError("snapshot of the volume failed")
            folder = self.home / "backups" / f"{len(self.world.backups)}-{time.time_ns()}"
            if self.service.runs_on(volume):
                block_snapshot.take(volume.folder, written_back(volume), folder)
            else:  # a stopped service's volume is unmounted, which syncs it
                shutil.copytree(volume.folder, folder)
            if self.fault == "torn-snapshot":
                _lose_an_index(folder)
            used_mb = max(1, math.ceil(size_of(folder) / 1e6))
            with self._lock:
                self.world.backups.append(SimulatedBackup(folder, name, instance, used_mb))

        return self._workflow(work)

    def restore(self, instance: str, backup: str) -> Workflow:
        """First half: a new volume, whose place under the service is only staged."""
        old, source = self.volume(instance), self.backup(instance, backup)
        if len(self.world.volumes) >= VOLUMES:
            raise ApiError(f"Volume limit of the plan reached: {VOLUMES}")
        self._restores += 1
        mount_path = "/chroma/chroma" if self.fault == "wrong-mount-path" else old.mount_path
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        new = self.new_volume(stamp, old.size_mb, mount_path, state="RESTORING")

        def work() -> None:
            if self.fault == "restore-workflow-error":
                with self._lock:
                    self.world.volumes.remove(new)
                raise ApiError("the backup could not be cloned into a new volume")
            shutil.copytree(source.folder, new.folder, dirs_exist_ok=True)
            with self._lock:
                if self.fault == "staged-meanwhile":
                    self._stage_foreign()
                services = self._staged_part("services")
                services[self.world.service] = {"volumeMounts": {new.id: {"mountPath": mount_path}}}
                self._staged_part("volumes")[new.id] = {}
                self.world.restored_from = source
                new.state = "READY"

        return self._workflow(work)

    def commit(self, *, skip_deploys: bool) -> str:
        """Second half: the new volume is mounted, newer backups are deleted, the service deployed."""
        with self._lock:
            if not self.world.staged:
                raise ApiError("There are no staged changes to commit")
            new = [v for v in self.world.volumes if v.id in self._staged_part("volumes")]
            source = self.world.restored_from
            self.world.staged, self.world.restored_from = {}, None
            if new and source:
                self.world.mounted_volume().service = None  # it stays, detached, and counts
                new[0].service = self.world.service
                older = [b for b in self.world.backups if b.created_at <= source.created_at]
                for folder in _folders_of(self.world.backups) - _folders_of(older):
                    shutil.rmtree(folder)
                for backup in older:
                    backup.instance = new[0].instance
                self.world.backups = older
        if not skip_deploys:
            self.service.deploy()
        return "committed"

    # ---- looking things up ----------------------------------------------------------------------
    def volume(self, instance: str) -> SimulatedVolume:
        """The volume with that instance; raises ApiError where there is none."""
        for volume in self.world.volumes:
            if volume.instance == instance:
                return volume
        raise ApiError("Volume instance not found")

    def backup(self, instance: str, id_: str) -> SimulatedBackup:
        """The backup of that volume instance; raises ApiError where there is none."""
        for backup in self.backups(instance):
            if backup.id == id_:
                return backup
        raise ApiError("Backup not found")

    def backups(self, instance: str) -> list[SimulatedBackup]:
        """All backups of that volume instance."""
        self.volume(instance)
        return [backup for backup in self.world.backups if backup.instance == instance]

    def workflow(self, id_: str) -> Workflow:
        """The workflow as the platform shows it: for a moment after it began there is none."""
        for workflow in self.world.workflows:
            if workflow.id == id_ and now() - workflow.begun > LAG_S:
                return workflow
        return Workflow("NotFound")

    # ---- inside ---------------------------------------------------------------------------------
    def _workflow(self, work: Callable[[], None]) -> Workflow:
        workflow = Workflow()

        def run() -> None:
            time.sleep(SLOW_S if self.fault == "slow-workflow" else WORKFLOW_S)
            try:
                work()
                workflow.status = "Complete"
            except (ApiError, OSError, LookupError, shutil.Error) as error:
                workflow.error, workflow.status = str(error), "Error"

        with self._lock:
            self.world.workflows.append(workflow)
        threading.Thread(target=run, daemon=True).start()
        return workflow

    def _crashes(self) -> bool:
        return self.fault == "deployment-crashes" and self._restores > 0

    def new_volume(
        self, name: str, size_mb: int, mount: str, state: str = "READY"
    ) -> SimulatedVolume:
        """Another volume of the project, under no service."""
        with self._lock:
            folder = self.home / "volumes" / str(len(self.world.volumes))
            folder.mkdir(parents=True)
            volume = SimulatedVolume(folder, name, size_mb, mount, state=state)
            self.world.volumes.append(volume)
            return volume

    def _staged_part(self, kind: str) -> dict[str, object]:
        part = self.world.staged.setdefault(kind, {})
        assert isinstance(part, dict)  # noqa: S101
        return part

    def _stage_foreign(self) -> None:
        self._staged_part("services")["somebody-elses"] = {"variables": {"SECRET": {"value": "x"}}}


def _folders_of(backups: list[SimulatedBackup]) -> set[Path]:
    return {backup.folder for backup in backups}


def _lose_an_index(folder: Path) -> None:
    """A torn snapshot: the largest index directory is not in it, the database is whole."""
    indexes = [level0.parent for level0 in folder.glob("*/data_level0.bin")]
    shutil.rmtree(max(indexes, key=size_of))
