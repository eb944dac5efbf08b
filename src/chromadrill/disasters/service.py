"""Disasters of the service: the data is not touched."""

from __future__ import annotations

from chromadrill.errors import DrillError
from chromadrill.protocols import Restartable, Target


class Killed:
    """The server process dies at once, as under the out-of-memory killer."""

    name = "killed"
    what = "server killed with SIGKILL"

    def strike(self, target: Target) -> None:
        if not isinstance(target, Restartable):
            raise DrillError(f"{target.name} cannot be killed: no capability 'restart'.")
        target.kill()
