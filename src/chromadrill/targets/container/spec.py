"""How a container is made: all that is not in its volume. Takes effect in the next container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chromadrill.targets.container.engine import docker_errors

PORT = "8000/tcp"
MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """`mount`: where the volume is mounted, which must be where the server keeps its data.

    `memory_mb` is enforced; `disk_mb` is the volume's size by contract, and what is used is judged
    against it.
    """

    image: str
    mount: str = "/data"
    memory_mb: int | None = None
    disk_mb: int | None = None
    read_only: bool = False

    def facts(self) -> dict[str, str]:
        """The limits, for a report."""
        sizes = {"memory": self.memory_mb, "disk": self.disk_mb}
        return {key: f"{size} MB" for key, size in sizes.items() if size}

    def environment(self) -> dict[str, str]:
        """The same as settings, for another process."""
        variables = {"CHROMA_IMAGE": self.image, "CHROMA_DATA_DIR": self.mount}
        for key, size in (("MEMORY_MB", self.memory_mb), ("DISK_MB", self.disk_mb)):
            if size:
                variables[f"DRILL_CONTAINER__{key}"] = str(size)
        return variables

    def launch(self, name: str, port: int, labels: Mapping[str, str]) -> None:
        """Make and start a container on the volume of the same name, on one port of 127.0.0.1."""
        from testcontainers.core.container import DockerContainer

        limits = {}
        if self.memory_mb:  # the same figure twice: no swap
            limits = {"mem_limit": self.memory_mb * MB, "memswap_limit": self.memory_mb * MB}
        container = (
            DockerContainer(self.image, name=name)
            .with_volume_mapping(name, self.mount, "ro" if self.read_only else "rw")
            .with_env("ANONYMIZED_TELEMETRY", "False")
            .with_kwargs(labels=dict(labels), **limits)
        )
        # a fixed port outlives restarts; testcontainers' own method takes no address
        container.ports = {PORT: ("127.0.0.1", port)}  # type: ignore[dict-item]
        with docker_errors(f"making container {name} of {self.image}"):
            container.start()
