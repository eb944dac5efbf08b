"""Disasters of the service: the data is not touched."""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.core.errors import DrillError
from chromadrill.core.protocols import DescribesKill, Restartable, Target


@dataclass(frozen=True, slots=True)
class ServerKill:
    """The server process dies at once, as under the out-of-memory killer."""

    what: str = "server killed with SIGKILL"
    name: str = "killed"

    def inject(self, target: Target) -> None:
        if not isinstance(target, Restartable):
            raise DrillError(f"{target.name} cannot be killed: no capability 'restart'.")
        target.kill()


def server_kill(target: Target) -> ServerKill:
    """The end of the server, in the words of a target that cannot send a signal itself."""
    return ServerKill(target.kill_is) if isinstance(target, DescribesKill) else ServerKill()
