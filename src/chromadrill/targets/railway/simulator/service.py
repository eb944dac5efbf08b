"""The service: deployments, one real Chroma server at a time, on the volume that is mounted."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from chromadrill.core.errors import DrillError, Refused
from chromadrill.targets.home import MARKER
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.targets.railway.simulator import block_snapshot
from chromadrill.targets.railway.simulator.world import (
    ApiError,
    Deployment,
    SimulatedVolume,
    World,
)

NEVER_UP = ("SKIPPED", "FAILED")  # nothing that is watched has changed; the build failed
DATA = "/data"  # where Chroma 1.x keeps its data; a volume mounted elsewhere is not used


def written_back(volume: SimulatedVolume) -> Path:
    """Where is kept what of a volume's index files was on the disk when it was mounted last."""
    return volume.folder.parent.with_name("written-back") / volume.folder.name


class Service:
    """`port` outlives deployments. `crashes`: whether the next deployment does.

    Methods return at once; what takes time goes on in a thread.
    """

    def __init__(self, home: Path, world: World, port: int, *, crashes: Callable[[], bool]) -> None:
        self.port, self._home, self._world, self._crashes = port, home, world, crashes
        self._closed = False
        self._one = threading.Lock()  # server at a time on one port

    def deploy(self) -> Deployment:
        """A new server on what is mounted now; the one before it ends first."""
        before = [each for each in self._world.deployments if each.status not in NEVER_UP]
        deployment = self._add()

        def work() -> None:
            with self._one:
                for old in before:
                    old.container.stop()
                    old.status, old.stopped = "REMOVED", True
                volume = self._world.mounted_volume()
                block_snapshot.remember(volume.folder, written_back(volume))
                is_up = self._start(deployment.container)
                deployment.status = "SUCCESS" if is_up else "CRASHED"

        threading.Thread(target=work, daemon=True).start()
        return deployment

    def deploy_nothing(self, status: str) -> Deployment:
        """A newer deployment with one of NEVER_UP: the one before it stays up."""
        deployment = self._add()
        deployment.status = status
        return deployment

    def _add(self) -> Deployment:
        number = len(self._world.deployments)
        deployment = Deployment(self._container(self._home / "deployments" / str(number)))
        self._world.deployments.append(deployment)
        return deployment

    def stop(self, id_: str) -> None:
        """Stop the server of that deployment."""
        deployment = self.deployment(id_)

        def work() -> None:
            with self._one:
                deployment.container.stop()
                deployment.stopped = True

        threading.Thread(target=work, daemon=True).start()

    def deployment(self, id_: str) -> Deployment:
        """The deployment of that id; raises ApiError where there is none."""
        for deployment in self._world.deployments:
            if deployment.id == id_:
                return deployment
        raise ApiError("Deployment not found")

    def runs_on(self, volume: SimulatedVolume) -> bool:
        """Whether a server runs on that volume."""
        return any(
            deployment.container.data == volume.folder and deployment.container.running()
            for deployment in self._world.deployments
        )

    def is_idle(self) -> bool:
        """Whether no deployment is on its way."""
        return all(deployment.status != "DEPLOYING" for deployment in self._world.deployments)

    def close(self) -> None:
        """End every server, and the deployment that is on its way."""
        self._closed = True
        for deployment in self._world.deployments:
            deployment.container.kill()
        with self._one:
            for deployment in self._world.deployments[-1:]:
                deployment.container.kill()

    def _container(self, home: Path) -> ProcessTarget:
        """A stopped server, which ends with this process however that ends."""
        volume = self._world.mounted_volume()
        home.mkdir(parents=True)
        content = {"port": self.port, "created": time.time(), "id": home.name}
        (home / MARKER).write_text(json.dumps(content))
        container = ProcessTarget(home, name=home.name, owner=os.getpid())
        if volume.mount_path == DATA:
            container.data = volume.folder
        return container

    def _start(self, server: ProcessTarget) -> bool:
        if self._crashes():
            log = server.home / "logs" / "server.log"
            log.write_text("exec /usr/bin/chroma: Input/output error\n")
            return False
        try:
            if self._closed:
                raise Refused("the platform is closed")
            server.start()
        except DrillError:
            return False
        return True
