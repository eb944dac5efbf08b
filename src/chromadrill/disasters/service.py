"""Disasters of the service: the data is not touched."""

from __future__ import annotations

from dataclasses import dataclass

from chromadrill.core.errors import DrillError
from chromadrill.core.protocols import Restartable, Target


@dataclass(frozen=True, slots=True)
class Killed:
    """The server process dies at once, as under the out-of-memory killer."""

    what: str = "server killed with SIGKILL"
    name: str = "killed"

    def inject(self, target: Target) -> None:
        if not isinstance(target, Restartable):
            raise DrillError(f"{target.name} cannot be killed: no capability 'restart'.")
        target.kill()


def killed(target: Target) -> Killed:
    """The end of the server, in the words of a target that cannot send a signal itself."""
    return Killed(getattr(target, "kill_is", Killed().what))
