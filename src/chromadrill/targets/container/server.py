"""The container of one name: found on the engine, started, stopped, frozen, removed; its log and memory.

The name is the only thing that is remembered: the engine keeps the state, so several processes may
act on the same container. What a removed container wrote to its log is kept in the home.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chromadrill.core.errors import Refused
from chromadrill.targets.container.engine import docker_errors
from chromadrill.targets.counts import Counts
from chromadrill.targets.own_server import ServerEnded

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

STOP_S = 15


@dataclass(frozen=True, slots=True)
class ServerContainer:
    """`log`: the file that keeps the log of removed containers. `counts`: starts and kills."""

    engine: DockerClient
    name: str
    log: Path
    counts: Counts

    def find(self) -> Container | None:
        """The container as it is now; None where there is none."""
        from docker.errors import NotFound

        with docker_errors(f"looking for container {self.name}"):
            try:
                return self.engine.containers.get(self.name)
            except NotFound:
                return None

    def get(self) -> Container:
        """The container as it is now; raises Refused where there is none."""
        container = self.find()
        if container is None:
            raise Refused(
                f"There is no container {self.name}.", next_step="chromadrill ops --target T start"
            )
        return container

    def running(self) -> bool:
        """Whether it has not ended: a paused one holds its volume, too."""
        container = self.find()
        return container is not None and container.status in ("running", "paused", "restarting")

    def require_alive(self) -> None:
        """Raise ServerEnded, with the exit code, for a container that has ended."""
        container = self.get()
        if container.status in ("exited", "dead"):
            state = container.attrs["State"]
            killed = ", out of memory" if state.get("OOMKilled") else ""
            raise ServerEnded(f"exit code {state['ExitCode']}{killed}")

    def start(self) -> None:
        """Start the container that is there."""
        container = self.get()
        self.counts.add(starts=1, oom_kills=int(is_oom_killed(container)))
        with docker_errors(f"starting container {self.name}"):
            container.start()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after 15 s. Stopped already is fine; a paused one is woken first."""
        if self.running():
            self.unpause()
            with docker_errors(f"stopping container {self.name}"):
                self.get().stop(timeout=STOP_S)

    def kill(self) -> None:
        """SIGKILL, as the kernel's out-of-memory killer does."""
        if not self.running():
            return
        self.unpause()
        with docker_errors(f"killing container {self.name}"):
            container = self.get()
            container.kill()
            container.wait(timeout=STOP_S)

    def pause(self) -> None:
        """Freeze every process in it: connections are taken, nothing is answered."""
        with docker_errors(f"pausing container {self.name}"):
            self.get().pause()

    def unpause(self) -> None:
        """Let it go on; one that is not paused is fine."""
        container = self.get()
        if container.status == "paused":
            with docker_errors(f"waking container {self.name}"):
                container.unpause()

    def cut_network(self) -> None:
        """Take it off its network; a restart does not bring it back there."""
        with docker_errors(f"disconnecting container {self.name}"):
            for network in self.get().attrs["NetworkSettings"]["Networks"]:
                self.engine.networks.get(network).disconnect(self.name)

    def remove(self, *, only_unstarted: bool = False) -> None:
        """Remove it; its log and its last kill are kept. None there is fine.

        `only_unstarted`: not one that ever ran. Where two commands make it at once, the engine refuses
        one of them the name: the container that is there is the other's.
        """
        container = self.find()
        if container is None or (only_unstarted and container.status != "created"):
            return
        self.counts.add(oom_kills=int(is_oom_killed(container)))
        with docker_errors(f"removing container {self.name}"):
            with self.log.open("ab") as file:
                file.write(container.logs())
            container.remove(force=True, v=True)

    def logs(self, lines: int) -> str:
        """The last lines of the log, of removed containers too."""
        text = self.log.read_text("utf-8", "replace") if self.log.is_file() else ""
        container = self.find()
        if container is not None:
            text += container.logs().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])


def is_oom_killed(container: Container) -> bool:
    """Whether the kernel ended its last run for want of memory."""
    return bool(container.attrs["State"].get("OOMKilled"))


def memory_bytes(container: Container) -> int:
    """What it holds now, without the page cache that the kernel gives back at once."""
    with docker_errors(f"asking what {container.name} uses"):
        stats = container.client.api.stats(container.id, stream=False, one_shot=True)
    memory = stats.get("memory_stats") or {}
    cache = (memory.get("stats") or {}).get("inactive_file", 0)
    return max(0, int(memory.get("usage", 0)) - int(cache))
