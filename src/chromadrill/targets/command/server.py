"""A server behind the user's commands: start, stop, kill, restart, is it running, its log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.readiness import is_ready
from chromadrill.core.clock import now, wait_until
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import Scope
from chromadrill.core.redaction import mask_output
from chromadrill.core.urls import without_password
from chromadrill.targets.command.shell import ShellCommands

LIMITS_S = {
    "start": 120.0, "stop": 120.0, "kill": 60.0, "restart": 240.0, "running": 30.0,
    "snapshot": 1800.0, "snapshots": 60.0, "restore": 1800.0, "logs": 30.0,
}  # fmt: skip
ENDS_S = 30.0  # until it takes no more connections


class CommandTarget:
    """A server at `url`, and commands that act on it."""

    def __init__(
        self,
        commands: ShellCommands,
        home: Path,
        url: str,
        scopes: Sequence[Scope],
        answers_s: float,
    ) -> None:
        self.name, self.home, self.scopes = commands.target, home, tuple(scopes)
        self._commands, self._url, self._answers_s = commands, url.rstrip("/"), answers_s
        self.startup_s: float | None = None

    @property
    def url(self) -> str:
        """Where the server answers."""
        return self._url

    def facts(self) -> Mapping[str, str]:
        """What identifies this deployment in a report."""
        with Chroma(self.url, timeout_s=10) as chroma:
            facts = {"kind": "command", "url": chroma.url}
            try:
                return {**facts, **chroma.versions()}
            except CallFailed:
                return facts  # a server that is down has no version to tell

    def _run(self, name: str, **values: str | int) -> str:
        return self._commands.run(name, limit_s=LIMITS_S[name], **self._common, **values)

    @property
    def _common(self) -> dict[str, str]:
        """The placeholders that every command knows, with their values."""
        return {"home": str(self.home), "url": self.url, "target": self.name}


class LogCommands(CommandTarget):
    """Capability `logs`."""

    def logs(self, lines: int = 200) -> str:
        """The last lines of what the command `logs` prints."""
        return "\n".join(self._run("logs", lines=lines).splitlines()[-lines:])


class RestartCommands(CommandTarget):
    """Capability `restart`."""

    kill_is = "server killed by a command of its platform, or stopped where it has none"

    def start(self) -> None:
        """Run `start`, and return when the server answers a real query."""
        if self.running():
            raise Refused(f"{self.name} runs already; nothing was started.")
        self._up("start")

    def restart(self) -> None:
        """Run `restart` where there is such a command, else `stop` and `start`."""
        if "restart" in self._commands.texts:
            self._up("restart")
            return
        self.stop()
        self.start()

    def _up(self, command: str) -> None:
        started = now()
        try:
            self._run(command)
            wait_until(
                self._answers,
                within_s=self._answers_s,
                name=f"an answer of {without_password(self.url)}",
            )
        except Unavailable as error:
            logs = self.logs(12) if isinstance(self, LogCommands) else "(no command for logs)"
            raise Unavailable(
                f"{error.sentence} The server's last lines:\n{mask_output(logs)}",
                next_step=error.next_step,
            ) from error
        self.startup_s = now() - started

    def _answers(self) -> bool:
        return is_ready(self.url, self.scopes)

    def stop(self) -> None:
        """Run `stop`, but not for a server that is stopped already.

        Raises Unavailable where the server runs on.
        """
        self._down("stop")

    def kill(self) -> None:
        """Run `kill`, or `stop` where there is no such command."""
        self._down("kill" if "kill" in self._commands.texts else "stop")

    def _down(self, command: str) -> None:
        if not self.running():
            return
        self._run(command)
        wait_until(lambda: not self.running(), within_s=ENDS_S, name=f"the end of {self.name}")

    def running(self) -> bool:
        """By the command `running`, exit code 0 or not; else whether anything takes connections."""
        if "running" in self._commands.texts:
            limit_s = LIMITS_S["running"]
            return self._commands.succeeds("running", limit_s=limit_s, **self._common)
        with Chroma(self.url, timeout_s=5) as chroma:
            try:
                chroma.heartbeat()
            except CallFailed as error:
                return error.status != 0 or error.is_timeout
        return True
