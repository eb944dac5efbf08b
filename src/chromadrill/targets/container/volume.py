"""A volume of the engine: fetched into a folder, filled from one. Helpers run the server's image.

The content travels through the engine's copy, so it does not matter whether the engine keeps its
volumes where we could reach them.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chromadrill.backups.files import CHUNK, pace
from chromadrill.core.errors import Unavailable
from chromadrill.targets.container.archive import pack, unpack
from chromadrill.targets.container.engine import docker_errors

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

DATABASE = "chroma.sqlite3"
MOUNT = "/volume"  # where our helpers see the volume


@dataclass(frozen=True, slots=True)
class ContainerVolume:
    """The volume `name`; helpers run from `image`, with `labels`, and without a network."""

    engine: DockerClient
    name: str
    image: str
    labels: Mapping[str, str]

    def create(self, options: Iterable[tuple[str, str]] = ()) -> None:
        """Create it, empty; one that exists is left as it is.

        `options` of the engine's local driver put it on a device; else it is a folder of the engine's.
        """
        from docker.errors import NotFound

        with docker_errors(f"making volume {self.name}"):
            try:
                self.engine.volumes.get(self.name)
            except NotFound:
                self.engine.volumes.create(
                    self.name, driver="local", driver_opts=dict(options), labels=dict(self.labels)
                )

    def remove(self) -> None:
        """Remove it with all it holds; one that does not exist is fine."""
        from docker.errors import NotFound

        with docker_errors(f"removing volume {self.name}"), contextlib.suppress(NotFound):
            self.engine.volumes.get(self.name).remove(force=True)

    def fetch(self, into: Path, *, bytes_per_s: float | None = None) -> None:
        """Copy what it holds into the folder `into`, no faster than that."""
        with docker_errors(f"reading volume {self.name}"), self.holder() as holder:
            chunks, _ = holder.get_archive(MOUNT, chunk_size=CHUNK)
            unpack(chunks, into, keep_pace=pace(bytes_per_s))

    @contextlib.contextmanager
    def database(self) -> Iterator[Path]:
        """A folder with its `chroma.sqlite3` to be read, if it holds one."""
        from docker.errors import NotFound

        path = None
        # one with driver options is mounted there only while a container has it
        if not self._attributes().get("Options"):
            with contextlib.suppress(Unavailable):
                path = self.host_path()
        if path is not None:
            yield path
            return
        with tempfile.TemporaryDirectory() as scratch, self.holder() as holder:
            with docker_errors(f"reading volume {self.name}"), contextlib.suppress(NotFound):
                chunks, _ = holder.get_archive(f"{MOUNT}/{DATABASE}")
                unpack(chunks, Path(scratch))
            yield Path(scratch)

    def host_path(self) -> Path:
        """Where the engine keeps it; raises Unavailable where that is out of our reach."""
        path = Path(self._attributes()["Mountpoint"])
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise Unavailable(
                f"The engine keeps volume {self.name} at {path}, out of this user's reach.",
                next_step="Run it as root, on the engine's own machine.",
            )
        return path

    def fill(self, source: Path) -> None:
        """Empty it, hidden files too, then copy what `source` holds. Raises DrillError when full."""
        self.run("find", MOUNT, "-mindepth", "1", "-delete")
        with (
            tempfile.TemporaryFile(dir=source.parent) as file,
            docker_errors(f"filling volume {self.name}"),
            self.holder() as holder,
        ):
            pack(source, file)
            holder.put_archive(MOUNT, file)

    def run(self, *command: str) -> str:
        """Run a command of the image's own beside the volume, which is at MOUNT; its output."""
        with docker_errors(f"running {' '.join(command)} on volume {self.name}"):
            output = self.engine.containers.run(
                self.image,
                entrypoint=command[0],
                command=list(command[1:]),
                remove=True,
                network_mode="none",
                labels=dict(self.labels),
                volumes=self._mounts(),
            )
        return str(output.decode("utf-8", "replace"))

    @contextlib.contextmanager
    def holder(self) -> Iterator[Container]:
        """A container that is never started: the engine copies into and out of it."""
        holder = self.engine.containers.create(
            self.image, labels=dict(self.labels), volumes=self._mounts()
        )
        try:
            yield holder
        finally:
            holder.remove(force=True, v=True)  # and the volumes that the image itself declares

    def _attributes(self) -> dict[str, Any]:
        with docker_errors(f"looking for volume {self.name}"):
            return dict(self.engine.volumes.get(self.name).attrs)

    def _mounts(self) -> dict[str, dict[str, str]]:
        return {self.name: {"bind": MOUNT, "mode": "rw"}}
