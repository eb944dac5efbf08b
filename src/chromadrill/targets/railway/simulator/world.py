"""What is there: one project, one environment, one service, its volumes, backups and deployments."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path

from chromadrill.core.clock import now, utc_now
from chromadrill.targets.process.target import ProcessTarget


class ApiError(Exception):
    """An error that a client sees in `errors`."""


def new_id() -> str:
    """A UUID, as all of the platform's ids are."""
    return str(uuid.uuid4())


@dataclass
class SimulatedVolume:
    """A volume with its one instance; `service`: the one that it is mounted under."""

    folder: Path
    name: str
    size_mb: int
    mount_path: str
    service: str | None = None
    state: str = "READY"
    id: str = field(default_factory=new_id)
    instance: str = field(default_factory=new_id)


@dataclass
class SimulatedBackup:
    """A copy of a volume. `expires_at` is None for a locked one, and for one made by hand."""

    folder: Path
    name: str | None
    instance: str
    used_mb: int
    created_at: str = field(default_factory=utc_now)
    expires_at: str | None = None
    id: str = field(default_factory=new_id)


@dataclass
class Deployment:
    """`status` in the platform's words."""

    container: ProcessTarget
    status: str = "DEPLOYING"
    stopped: bool = False
    id: str = field(default_factory=new_id)


@dataclass
class Workflow:
    """What takes time: it is running, complete, or an error."""

    status: str = "Running"
    error: str | None = None
    begun: float = field(default_factory=now)
    id: str = field(default_factory=new_id)


@dataclass
class World:
    """All of it, with the ids that never change."""

    project: str = field(default_factory=new_id)
    environment: str = field(default_factory=new_id)
    service: str = field(default_factory=new_id)
    volumes: list[SimulatedVolume] = field(default_factory=list)
    backups: list[SimulatedBackup] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    workflows: list[Workflow] = field(default_factory=list)
    schedules: tuple[str, ...] = ()
    staged: dict[str, object] = field(default_factory=dict)
    restored_from: SimulatedBackup | None = None  # what the staged volume is a copy of

    def mounted_volume(self) -> SimulatedVolume:
        """The volume under the service."""
        return next(volume for volume in self.volumes if volume.service == self.service)
