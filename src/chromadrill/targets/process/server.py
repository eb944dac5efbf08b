"""The `chroma run` of one home: started by a supervisor, known by the lock, ended by signals.

HOME/lock         held by the supervisor and by its server, while either lives
HOME/state.json   the pids of both, and how the server ended; written by who has the lock alone
HOME/ended-by-us  this run of the server was ended by a command of ours

Several processes may act on one home, and start a server at once: what they share is in these files.
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
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psutil

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError, Refused, Unavailable
from chromadrill.targets.own_server import ServerEnded
from chromadrill.targets.process import supervisor

STOP_S = 15.0
BEGINS_S = 15.0  # from the start of a supervisor until it has written down its server's pid
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
        """Start `command` under a supervisor, and return the supervisor when it has the home.

        `owner`: pid of the process with which the server ends. Raises Refused where another start
        was faster; of that server nothing is touched.
        """
        order = {
            "start": uuid.uuid4().hex,  # pids come again: in each container anew
            "command": list(command),
            "environment": ENVIRONMENT,
            "owner": owner,
        }
        script = [supervisor.__file__, str(self.home), json.dumps(order)]
        begun = subprocess.Popen(
            [sys.executable, "-I", "-S", *script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            wait_until(
                lambda: begun.poll() is not None or self._state_of(begun),
                within_s=BEGINS_S, name="the server's supervisor", every_s=0.01,
            )  # fmt: skip
        except BaseException:
            begun.kill()
            raise
        if begun.returncode == supervisor.HOME_TAKEN:
            raise Refused(f"A server already runs in {self.home}: another command has started it.")
        return begun

    def require_alive(self, begun: subprocess.Popen[bytes]) -> None:
        """Raise ServerEnded, with the reason, where the server of that supervisor has ended."""
        is_over = begun.poll() is not None  # asked first: it writes how the server ended, then ends
        state = self._state_of(begun)
        if "exit" in state:
            begun.wait(STOP_S)  # it has the lock of the home until its own end
            raise ServerEnded(f"exit code {state['exit']}")
        if is_over:
            raise ServerEnded("its supervisor too")

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
        """Send the signal and wait; SIGKILL after 15 s. A server that has ended already is fine.

        Raises Unavailable for one that runs and whose pid is not known.
        """
        pid = self._pid_to_end()
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

    def _pid_to_end(self) -> int | None:
        """The server's pid, which is written a moment after the lock is taken; None: none runs."""
        try:
            wait_until(
                lambda: not self.running() or self.pid() is not None,
                within_s=BEGINS_S, name="the server's pid", every_s=0.01,
            )  # fmt: skip
        except Unavailable as error:
            raise Unavailable(
                f"A server runs in {self.home}, and state.json there does not say its pid: it runs on.",
                next_step=f"`fuser {self.home / 'lock'}` names its processes: end those by hand.",
            ) from error
        return self.pid()

    def _wait_for_end(self, *, every_s: float) -> None:
        wait_until(
            lambda: not self.running(), within_s=STOP_S, name="the server's end", every_s=every_s
        )

    def _state_of(self, begun: subprocess.Popen[bytes]) -> dict[str, object]:
        """What that supervisor wrote; nothing while the state is that of another run."""
        state, order = self._state(), json.loads(cast("list[str]", begun.args)[-1])
        return state if state.get("start") == order["start"] else {}

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
