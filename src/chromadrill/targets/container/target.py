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
from typing import TYPE_CHECKING

from chromadrill.backups import catalog
from chromadrill.backups.registry import METHODS, method_of
from chromadrill.chroma.at_rest.releases import refuse_newer
from chromadrill.chroma.readiness import is_ready
from chromadrill.core import process_tags
from chromadrill.core.clock import now, wait_until
from chromadrill.core.errors import DrillError, Refused, Unavailable
from chromadrill.core.model import Backup, Scope, Usage
from chromadrill.targets import usage
from chromadrill.targets.container import engine
from chromadrill.targets.container.engine import docker_errors
from chromadrill.targets.container.spec import MB, Shape
from chromadrill.targets.container.volume import HERE, Volume
from chromadrill.targets.home import claim, id_of, port_of
from chromadrill.targets.kinds import TargetSpec

if TYPE_CHECKING:
    from docker.models.containers import Container

STARTUP_S = 60.0
STOP_S = 15


def open_container(spec: TargetSpec) -> ContainerTarget:
    """A container of ours with the image and the limits of the settings; raises NoEngine."""
    settings = spec.settings
    shape = Shape(
        image=settings.container.image,
        mount=settings.container.data_dir,
        memory_mb=settings.limits.memory_mb,
        disk_mb=settings.limits.disk_mb,
    )
    return ContainerTarget(
        spec.home,
        shape,
        name=spec.name,
        owner=spec.owner,
        startup_s=max(STARTUP_S, settings.objectives.startup_s),
        scopes=spec.scopes,
    )


class ContainerTarget:
    """A Chroma container. `home` must be ours, empty, or not exist; raises NoEngine without one.

    `owner`: pid of the process whose death frees the container for the next sweep (None: it stays).
    """

    def __init__(
        self,
        home: Path,
        shape: Shape,
        *,
        name: str = "container",
        owner: int | None = None,
        startup_s: float = STARTUP_S,
        scopes: Sequence[Scope] = (Scope(),),
    ) -> None:
        self.name, self.home, self.shape = name, home.absolute(), shape
        self.scopes = tuple(scopes)
        self._owner, self._startup_s = owner, startup_s
        self._engine = engine.connect()
        claim(self.home, ("logs", "snapshots"))
        self._counts = usage.Counts(self.home)
        self.called = f"chromadrill-{id_of(self.home)}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{port_of(self.home)}"

    @property
    def release(self) -> str | None:
        """Of Chroma, as the image's label or tag names it: that of the container, if there is one."""
        container = self._find()
        if container is None:
            return engine.release_of(self._engine, self.shape.image)
        made_of = container.attrs
        return engine.release_of(self._engine, made_of["Config"]["Image"], by_id=made_of["Image"])

    def facts(self) -> Mapping[str, str]:
        with docker_errors(f"asking of image {self.shape.image}"):
            image = self._engine.images.get(self.shape.image)
            version = self._engine.version()["Version"]
        return {
            "kind": "container",
            "image": self.shape.image,
            "image id": str(image.id),
            "chromadb": self.release or "not known",
            "engine": version,
            "url": self.url,
            **self.shape.facts(),
        }

    def environment(self) -> Mapping[str, str]:
        """What makes `chromadrill ops` in another process act on this very target."""
        table = f"DRILL_TARGETS__{self.name.upper()}__"
        found = {
            f"{table}KIND": "container",
            f"{table}HOME": str(self.home),
            f"{table}SCOPES": ",".join(str(each) for each in self.scopes),
            **self.shape.environment(),
        }
        return {**found, "DRILL_OWNER_PID": str(self._owner)} if self._owner else found

    # ---- restart --------------------------------------------------------------------------------
    def start(self) -> None:
        """Start the container, or make it, and return when it answers a real query.

        Raises Refused when it runs already, or the data is of a newer release; Unavailable with the
        log's end when it does not come.
        """
        container = self._find()
        if container and self.running():
            raise Refused(f"Container {self.called} already runs.")
        self._refuse_newer(self.release)
        if container is None:
            self._start_new(self.shape)
            return
        self._counts.add(starts=1, oom_kills=int(usage.oom_killed(container)))
        with docker_errors(f"starting container {self.called}"):
            container.start()
        self._wait()

    def _start_new(self, shape: Shape) -> None:
        self._volume.make()
        self._counts.add(starts=1)
        try:
            shape.launch(self.called, port_of(self.home), self._labels)
        except DrillError:
            self.discard()  # one whose port is taken exists, and never ran
            raise
        self._wait()

    def _wait(self) -> None:
        started = now()
        try:
            wait_until(self._ready, within_s=self._startup_s, name="a real answer")
        except _Died as died:
            raise Unavailable(
                f"Container {self.called} ended at once ({died}). Its last lines:\n{self.logs(12)}",
                next_step="Read the log; restore a backup if the data is damaged.",
            ) from None
        except DrillError as error:
            self.kill()
            raise Unavailable(f"{error.what} Its last lines:\n{self.logs(12)}") from error
        self.startup_s = now() - started

    def _ready(self) -> bool:
        container = self._container()
        if container.status in ("exited", "dead"):
            state = container.attrs["State"]
            killed = ", out of memory" if state.get("OOMKilled") else ""
            raise _Died(f"exit code {state['ExitCode']}{killed}")
        return is_ready(self.url, self.scopes)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after 15 s. Stopped already is fine; a paused one is woken first."""
        if self.running():
            self.unpause()
            with docker_errors(f"stopping container {self.called}"):
                self._container().stop(timeout=STOP_S)

    def kill(self) -> None:
        """SIGKILL, as the kernel's out-of-memory killer does."""
        if not self.running():
            return
        self.unpause()
        with docker_errors(f"killing container {self.called}"):
            container = self._container()
            container.kill()
            container.wait(timeout=STOP_S)

    def running(self) -> bool:
        """Whether it has not ended: a paused one holds its volume, too."""
        container = self._find()
        return container is not None and container.status in ("running", "paused", "restarting")

    # ---- deployment -----------------------------------------------------------------------------
    def recreate(self, shape: Shape | None = None) -> None:
        """A new container on the same volume, as a deployment makes it; of `shape`, once, if given."""
        image = (shape or self.shape).image
        self._refuse_newer(engine.release_of(self._engine, image))
        self.discard()
        self._start_new(shape or self.shape)

    def _refuse_newer(self, release: str | None) -> None:
        """A container that exists, too: a newer backup may have been restored since it ran."""
        self._volume.make()
        with self._volume.database() as folder:
            refuse_newer(folder, release)

    def discard(self) -> None:
        """Remove the container; the volume stays, and so do its log and its last kill."""
        container = self._find()
        if container is None:
            return
        self._counts.add(oom_kills=int(usage.oom_killed(container)))
        with docker_errors(f"removing container {self.called}"):
            with self._kept_log.open("ab") as file:
                file.write(container.logs())
            container.remove(force=True, v=True)

    def replace_volume(self, options: Iterable[tuple[str, str]]) -> None:
        """Lose container and volume; an empty volume, made with the driver's `options`, takes over."""
        self.discard()
        self._volume.remove()
        self._volume.make(options)

    def cut_network(self) -> None:
        """Take it off its network; a restart does not bring it back there."""
        with docker_errors(f"disconnecting container {self.called}"):
            for name in self._container().attrs["NetworkSettings"]["Networks"]:
                self._engine.networks.get(name).disconnect(self.called)

    # ---- pause ----------------------------------------------------------------------------------
    def pause(self) -> None:
        """Freeze every process in it: connections are taken, nothing is answered."""
        with docker_errors(f"pausing container {self.called}"):
            self._container().pause()

    def unpause(self) -> None:
        """Let it go on; one that is not paused is fine."""
        container = self._container()
        if container.status == "paused":
            with docker_errors(f"waking container {self.called}"):
                container.unpause()

    # ---- metrics --------------------------------------------------------------------------------
    def metrics(self) -> Usage:
        """Memory and disk in use, restarts, out-of-memory kills."""
        container, counts = self._find(), self._counts.read()
        running = container is not None and container.status == "running"
        engine_restarts = int(container.attrs["RestartCount"]) if container else 0
        return Usage(
            memory_bytes=usage.memory_bytes(container) if container and running else None,
            memory_limit_bytes=self.shape.memory_mb * MB if self.shape.memory_mb else None,
            disk_bytes=int(self._volume.run("du", "-sk", HERE).split()[0]) * 1024,
            disk_limit_bytes=self.shape.disk_mb * MB if self.shape.disk_mb else None,
            restarts=max(0, counts["starts"] - 1) + engine_restarts,
            oom_kills=counts["oom_kills"] + int(bool(container and usage.oom_killed(container))),
        )

    # ---- volume, snapshots, logs ----------------------------------------------------------------
    @contextlib.contextmanager
    def volume(self) -> Iterator[Path]:
        """What the stopped server's volume holds; changes are copied back at the end.

        Raises Refused while it runs. Where the caller fails, the volume stays as it was.
        """
        if self.running():
            raise Refused(f"Volume {self.called} belongs to a running container; stop it first.")
        self._volume.make()
        with tempfile.TemporaryDirectory(prefix="volume-", dir=self.home) as scratch:
            data = Path(scratch) / "data"
            data.mkdir()
            self._volume.fetch(data)
            before = _state_of(data)
            yield data
            if _state_of(data) != before:
                self._volume.fill(data)

    def copy_running(self, into: Path, *, bytes_per_s: float | None = None) -> None:
        """What the volume holds, whatever the server does to it meanwhile: this is no backup."""
        into.mkdir(parents=True, exist_ok=True)
        self._volume.fetch(into, bytes_per_s=bytes_per_s)

    def live_data(self) -> Path:
        """The volume as the engine keeps it; raises Unavailable where that is out of our reach."""
        return self._volume.place()

    def beside(self, *words: str) -> str:
        """Run a command of the image's own beside the server, with its volume at volume.HERE."""
        return self._volume.run(*words)

    def snapshot(self, name: str | None = None, method: str = "volume-copy") -> Backup:
        """Back up with one of METHODS; the server runs afterwards."""
        return METHODS[method].take(self, self.home / "snapshots", name=name, scopes=self.scopes)

    def snapshots(self) -> list[Backup]:
        return catalog.list_backups(self.home / "snapshots")

    def restore(self, backup_id: str) -> None:
        """Put a snapshot back into the emptied volume; the server must be stopped, and stays so."""
        backup = catalog.find(self.snapshots(), backup_id)
        method_of(backup).put_back(backup, self)

    def logs(self, lines: int = 200) -> str:
        """The last lines of the server's log, of containers that are gone too."""
        kept = self._kept_log.read_text("utf-8", "replace") if self._kept_log.is_file() else ""
        container = self._find()
        text = kept + (container.logs().decode("utf-8", "replace") if container else "")
        return "\n".join(text.splitlines()[-lines:])

    def remove(self) -> None:
        """Remove the container, its volume, and the home with everything in it."""
        self.discard()
        self._volume.remove()
        shutil.rmtree(self.home, ignore_errors=True)

    # ---- the engine's side ----------------------------------------------------------------------
    @cached_property
    def _labels(self) -> dict[str, str]:
        owned = {engine.OWNER: process_tags.tag(self._owner)} if self._owner else {}
        return {engine.RUN: id_of(self.home), **owned}

    @property
    def _volume(self) -> Volume:
        return Volume(self._engine, self.called, self.shape.image, self._labels)

    @property
    def _kept_log(self) -> Path:
        return self.home / "logs" / "server.log"

    def _find(self) -> Container | None:
        from docker.errors import NotFound

        with docker_errors(f"looking for container {self.called}"):
            try:
                return self._engine.containers.get(self.called)
            except NotFound:
                return None

    def _container(self) -> Container:
        found = self._find()
        if found is None:
            raise Refused(f"There is no container {self.called}.", next_step="ops start")
        return found


class _Died(BaseException):
    """Out of `wait_until` at once: a server that exited will not become ready."""


def _state_of(data: Path) -> list[tuple[str, int, int, int]]:
    """Every file with its size, inode and time of change, which no writer can set back."""
    return sorted((path.relative_to(data).as_posix(), *_stat(path)) for path in data.rglob("*"))


def _stat(path: Path) -> tuple[int, int, int]:
    found = path.lstat()
    return (found.st_size, found.st_ino, found.st_ctime_ns)
