"""The `chroma run` of one home: started by a supervisor, known by the lock, ended by signals.

HOME/lock         held by the supervisor and by its server, while either lives
HOME/order.json   what the supervisor shall run, and with whose end the server ends
HOME/state.json   the server's pid, and how it ended
HOME/ended-by-us  this run of the server was ended by a command of ours

Several processes may act on one home: what they share is in these files.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError, Refused
from chromadrill.targets.own_server import ServerEnded

STOP_S = 15.0
ENVIRONMENT = {"ANONYMIZED_TELEMETRY": "False", "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """The server of `home`, whoever started it."""

    home: Path

    @property
    def log(self) -> Path:
        """Standard output and error of every run of the server."""
        return self.home / "logs" / "server.log"

    def launch(self, command: Sequence[str], *, owner: int | None) -> subprocess.Popen[bytes]:
        """Start `command` under a supervisor, and return the supervisor at once.

        `owner`: pid of the process with which the server ends.
        """
        (self.home / "state.json").unlink(missing_ok=True)
        self._ended_by_us.unlink(missing_ok=True)
        order = {"command": list(command), "environment": ENVIRONMENT, "owner": owner}
        (self.home / "order.json").write_text(json.dumps(order))
        supervisor = Path(__file__).with_name("supervisor.py")
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(supervisor), str(self.home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def require_alive(self, supervisor: subprocess.Popen[bytes]) -> None:
        """Raise ServerEnded, with the reason, for a server that has ended or never began."""
        state = self._state()
        if "error" in state:
            raise ServerEnded(str(state["error"]))
        if "exit" in state:
            supervisor.wait(STOP_S)  # it has the lock of the home until its own end
            raise ServerEnded(f"exit code {state['exit']}")
        if supervisor.poll() is not None and not state:
            raise ServerEnded("the supervisor did not start")

    def running(self) -> bool:
        """Whether anybody holds the lock: true from the supervisor's first moment to the last."""
        try:
            handle = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def pid(self) -> int | None:
        """The server's pid while it runs. Only believed while the lock is held: pids come again."""
        state = self._state()
        if not self.running() or "pid" not in state or "exit" in state:
            return None
        return int(str(state["pid"]))

    def end(self, number: signal.Signals) -> None:
        """Send the signal and wait; SIGKILL after 15 s. A server that has ended already is fine."""
        pid = self.pid()
        if pid is None:
            return
        self._ended_by_us.touch()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            os.kill(pid, signal.SIGCONT)  # a paused one would not hear it
        try:
            self._wait_for_end(every_s=0.02)
        except DrillError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self._wait_for_end(every_s=0.05)

    def pause(self) -> None:
        """SIGSTOP: connections are taken, nothing is answered. Raises Refused where none runs."""
        pid = self.pid()
        if pid is None:
            raise Refused(f"No server runs in {self.home}: there is nothing to pause.")
        os.kill(pid, signal.SIGSTOP)
        # the signal is sent, not yet obeyed: what is copied before that may still be written to
        wait_until(
            lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED,
            within_s=STOP_S,
            name="the server to freeze",
            every_s=0.01,
        )

    def unpause(self) -> None:
        """Let it go on; one that is not paused is fine."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGCONT)

    def is_killed_by_others(self) -> bool:
        """Whether its last run ended by a SIGKILL that none of our commands sent."""
        return self._state().get("exit") == -signal.SIGKILL and not self._ended_by_us.exists()

    def memory_bytes(self) -> int | None:
        """What the process holds in memory; None while none runs."""
        pid = self.pid()
        if pid is None:
            return None
        try:
            return int(psutil.Process(pid).memory_info().rss)
        except psutil.Error:
            return None

    def logs(self, lines: int) -> str:
        """The last lines of the log."""
        if not self.log.is_file():
            return ""
        with self.log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 400 * lines))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])

    @property
    def _ended_by_us(self) -> Path:
        return self.home / "ended-by-us"

    def _wait_for_end(self, *, every_s: float) -> None:
        wait_until(
            lambda: not self.running(), within_s=STOP_S, name="the server's end", every_s=every_s
        )

    def _state(self) -> dict[str, object]:
        try:
            return dict(json.loads((self.home / "state.json").read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}


def require_free_port(port: int, home: Path) -> None:
    """Raise Refused where another program has the port of `home`."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise Refused(
                f"Port {port} of {home} is taken by another program.",
                next_step="End that program, or use another home directory.",
            ) from error
