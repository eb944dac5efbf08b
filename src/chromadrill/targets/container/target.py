"""Target `container`: a Chroma server in a container of its own, its data on a volume of its own.

Several processes may act on one home (the drill, the runbook's commands): the marker in the home
gives the name of container and volume, and the engine keeps their state. One name is one server:
the engine refuses a second container on the volume.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from chromadrill.chroma.at_rest.releases import refuse_newer
from chromadrill.core import process_tags
from chromadrill.core.errors import DrillError, Refused
from chromadrill.core.model import Scope, Usage
from chromadrill.targets.container import engine
from chromadrill.targets.container.engine import docker_errors
from chromadrill.targets.container.server import (
    ServerContainer,
    is_oom_killed,
    memory_bytes,
)
from chromadrill.targets.container.spec import MB, ContainerSpec
from chromadrill.targets.container.volume import MOUNT, ContainerVolume
from chromadrill.targets.counts import Counts
from chromadrill.targets.home import claim, id_of, port_of
from chromadrill.targets.kinds import TargetSpec, variables_of
from chromadrill.targets.own_server import STARTUP_S, OwnServer


def open_container(spec: TargetSpec) -> ContainerTarget:
    """A container of ours with the image and the limits of the settings; raises NoEngine."""
    settings = spec.settings
    container = ContainerSpec(
        image=settings.container.image,
        mount=settings.container.data_dir,
        memory_mb=settings.limits.memory_mb,
        disk_mb=settings.limits.disk_mb,
    )
    return ContainerTarget(
        spec.home,
        container,
        name=spec.name,
        owner=spec.owner,
        startup_s=max(STARTUP_S, settings.objectives.startup_s),
        scopes=spec.scopes,
    )


class ContainerTarget(OwnServer):
    """A Chroma container. `home` must be ours, empty, or not exist; raises NoEngine without one.

    `owner`: pid of the process whose death frees the container for the next sweep (None: it stays).
    """

    def __init__(
        self,
        home: Path,
        spec: ContainerSpec,
        *,
        name: str = "container",
        owner: int | None = None,
        startup_s: float = STARTUP_S,
        scopes: Sequence[Scope] = (Scope(),),
    ) -> None:
        super().__init__(home, name=name, scopes=scopes, startup_limit_s=startup_s)
        self.spec, self._owner = spec, owner
        self._engine = engine.connect()
        claim(self.home, ("logs", "snapshots"))
        self.container_name = f"chromadrill-{id_of(self.home)}"
        self._counts = Counts(self.home)
        self._server = ServerContainer(
            self._engine, self.container_name, self.home / "logs" / "server.log", self._counts
        )

    @property
    def url(self) -> str:
        """On this machine alone; the port outlives restarts."""
        return f"http://127.0.0.1:{port_of(self.home)}"

    @property
    def release(self) -> str | None:
        """Chroma's release by the image's label or tag: the container's image, if there is one."""
        container = self._server.find()
        if container is None:
            return engine.release_of(self._engine, self.spec.image)
        attributes = container.attrs
        return engine.release_of(
            self._engine, attributes["Config"]["Image"], by_id=attributes["Image"]
        )

    def facts(self) -> Mapping[str, str]:
        """Image, releases, limits: what identifies this deployment in a report."""
        with docker_errors(f"asking of image {self.spec.image}"):
            image = self._engine.images.get(self.spec.image)
            version = self._engine.version()["Version"]
        return {
            "kind": "container",
            "image": self.spec.image,
            "image id": str(image.id),
            "chromadb": self.release or "not known",
            "engine": version,
            "url": self.url,
            **self.spec.facts(),
        }

    def environment(self) -> Mapping[str, str]:
        """What makes `chromadrill ops` in another process act on this very target."""
        variables = variables_of("container", self.name, self.home, self.scopes, self._owner)
        return {**variables, **self.spec.environment()}

    # ---- restart --------------------------------------------------------------------------------
    def start(self) -> None:
        """Start the container, or make it, and return when it answers a real query.

        Raises Refused when it runs already, or the data is of a newer release. Raises Unavailable,
        with the log's end, when it does not come.
        """
        container = self._server.find()
        if container and self.running():
            raise Refused(f"Container {self.container_name} already runs.")
        self._refuse_newer(self.release)
        if container is None:
            self._start_new(self.spec)
            return
        self._server.start()
        self._wait()

    def _start_new(self, spec: ContainerSpec) -> None:
        self._volume.create()
        try:
            spec.launch(self.container_name, port_of(self.home), self._labels)
        except DrillError:
            self._server.remove(only_unstarted=True)  # ours, whose port is taken
            raise
        self._counts.add(starts=1)
        self._wait()

    def _wait(self) -> None:
        self._wait_for_answer(self._server.require_alive, server=f"Container {self.container_name}")

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after 15 s. Stopped already is fine; a paused one is woken first."""
        self._server.stop()

    def kill(self) -> None:
        """SIGKILL, as the kernel's out-of-memory killer does."""
        self._server.kill()

    def running(self) -> bool:
        """Whether it has not ended: a paused one holds its volume, too."""
        return self._server.running()

    # ---- deployment -----------------------------------------------------------------------------
    def recreate(self, spec: ContainerSpec | None = None) -> None:
        """A new container on the same volume, as a deployment makes it; once of `spec`, if given."""
        image = (spec or self.spec).image
        self._refuse_newer(engine.release_of(self._engine, image))
        self.discard()
        self._start_new(spec or self.spec)

    def _refuse_newer(self, release: str | None) -> None:
        """A container that exists, too: a newer backup may have been restored since it ran."""
        self._volume.create()
        with self._volume.database() as folder:
            refuse_newer(folder, release)

    def discard(self) -> None:
        """Remove the container; the volume stays, and so do its log and its last kill."""
        self._server.remove()

    def replace_volume(self, options: Iterable[tuple[str, str]]) -> None:
        """Lose container and volume; an empty volume, made with the driver's `options`, takes over."""
        self.discard()
        self._volume.remove()
        self._volume.create(options)

    def cut_network(self) -> None:
        """Take it off its network; a restart does not bring it back there."""
        self._server.cut_network()

    # ---- pause ----------------------------------------------------------------------------------
    def pause(self) -> None:
        """Freeze every process in it: connections are taken, nothing is answered."""
        self._server.pause()

    def unpause(self) -> None:
        """Let it go on; one that is not paused is fine."""
        self._server.unpause()

    # ---- metrics --------------------------------------------------------------------------------
    def metrics(self) -> Usage:
        """Memory and disk in use, restarts, out-of-memory kills."""
        container, counts = self._server.find(), self._counts.read()
        is_running = container is not None and container.status == "running"
        engine_restarts = int(container.attrs["RestartCount"]) if container else 0
        last_kill = int(bool(container and is_oom_killed(container)))
        return Usage(
            memory_bytes=memory_bytes(container) if container and is_running else None,
            memory_limit_bytes=self.spec.memory_mb * MB if self.spec.memory_mb else None,
            disk_bytes=int(self._volume.run("du", "-sk", MOUNT).split()[0]) * 1024,
            disk_limit_bytes=self.spec.disk_mb * MB if self.spec.disk_mb else None,
            restarts=max(0, counts["starts"] - 1) + engine_restarts,
            oom_kills=counts["oom_kills"] + last_kill,
        )

    # ---- volume, snapshots, logs ----------------------------------------------------------------
    @contextlib.contextmanager
    def volume(self) -> Iterator[Path]:
        """What the stopped server's volume holds; changes are copied back at the end.

        Raises Refused while it runs. Where the caller fails, the volume stays as it was.
        """
        if self.running():
            raise Refused(
                f"Volume {self.container_name} belongs to a running container; stop it first."
            )
        self._volume.create()
        with tempfile.TemporaryDirectory(prefix="volume-", dir=self.home) as scratch:
            data = Path(scratch) / "data"
            data.mkdir()
            self._volume.fetch(data)
            state = _state_of(data)
            yield data
            if _state_of(data) != state:
                self._volume.fill(data)

    def copy_running(self, into: Path, *, bytes_per_s: float | None = None) -> None:
        """What the volume holds, whatever the server does to it meanwhile: this is no backup."""
        into.mkdir(parents=True, exist_ok=True)
        self._volume.fetch(into, bytes_per_s=bytes_per_s)

    def live_data(self) -> Path:
        """The volume as the engine keeps it; raises Unavailable where that is out of our reach."""
        return self._volume.host_path()

    def run_beside(self, *command: str) -> str:
        """Run a command of the image's own beside the server, with its volume at MOUNT."""
        return self._volume.run(*command)

    def logs(self, lines: int = 200) -> str:
        """The last lines of the server's log, of containers that are gone too."""
        return self._server.logs(lines)

    def remove(self) -> None:
        """Remove the container, its volume, and the home with everything in it."""
        self.discard()
        self._volume.remove()
        shutil.rmtree(self.home, ignore_errors=True)

    # ---- the engine's side ----------------------------------------------------------------------
    @cached_property
    def _labels(self) -> dict[str, str]:
        labels = {engine.RUN: id_of(self.home)}
        if self._owner:
            labels[engine.OWNER] = process_tags.tag(self._owner)
        return labels

    @property
    def _volume(self) -> ContainerVolume:
        return ContainerVolume(self._engine, self.container_name, self.spec.image, self._labels)


def _state_of(data: Path) -> list[tuple[str, int, int, int]]:
    """Every file with its size, inode and time of change, which no writer can set back."""
    return sorted((path.relative_to(data).as_posix(), *_stat(path)) for path in data.rglob("*"))


def _stat(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return (status.st_size, status.st_ino, status.st_ctime_ns)
