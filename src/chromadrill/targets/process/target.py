"""Target `process`: a real `chroma run` on this machine, in a home directory of its own.

A home holds `data/` (the volume), `logs/server.log`, `snapshots/`, and a marker that says it is
ours. Several processes may act on one home (the drill, the runbook's commands): what they share is
in its files, and the lock in it belongs to the running server alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

from chromadrill.backups import catalog, files
from chromadrill.backups.registry import METHODS, method_of
from chromadrill.chroma.at_rest.releases import refuse_newer
from chromadrill.chroma.readiness import is_ready
from chromadrill.core.clock import now, wait_until
from chromadrill.core.errors import DrillError, Refused, Unavailable
from chromadrill.core.model import Backup, Scope, Usage
from chromadrill.targets import usage
from chromadrill.targets.home import MARKER, claim, port_of
from chromadrill.targets.kinds import TargetSpec
from chromadrill.targets.process.installed_releases import Server, installed_server

STARTUP_S, STOP_S = 60.0, 15.0
MB = 1024 * 1024
ENDED = "ended-by-us"  # beside the state: this run of the server was ended by a command of ours


def open_process(spec: TargetSpec) -> ProcessTarget:
    """A server of ours in `spec.home`, with the limits of the settings."""
    return ProcessTarget(
        spec.home,
        name=spec.name,
        owner=spec.owner,
        startup_s=max(STARTUP_S, spec.settings.objectives.startup_s),
        scopes=spec.scopes,
        memory_mb=spec.settings.limits.memory_mb,
        disk_mb=spec.settings.limits.disk_mb,
    )


class ProcessTarget:
    """A `chroma run` process. `home` must be ours, empty, or not exist.

    `owner`: pid of the process with which the server ends (None: it runs until it is stopped).
    `scopes`: what readiness asks of, besides the default tenant and database.
    `memory_mb`, `disk_mb`: what it may use by contract; nothing enforces them here.
    `server`: that of another release (default: this environment's own).
    """

    def __init__(
        self,
        home: Path,
        *,
        name: str = "process",
        owner: int | None = None,
        startup_s: float = STARTUP_S,
        scopes: Sequence[Scope] = (Scope(),),
        memory_mb: int | None = None,
        disk_mb: int | None = None,
        server: Server | None = None,
    ) -> None:
        self.name = name
        self._server = server
        self.home = home.absolute()
        self.data = self.home / "data"
        self.scopes = tuple(scopes)
        self._owner = owner
        self._startup_s = startup_s
        self.memory_mb, self.disk_mb = memory_mb, disk_mb
        self._counts = usage.Counts(self.home)
        fresh = not (self.home / MARKER).is_file()
        claim(self.home, ("logs", "snapshots"))
        if fresh:  # a volume that is lost is not made again: that would hide it
            self.data.mkdir(exist_ok=True)

    @property
    def port(self) -> int:
        """Chosen once for a home, so that the URL outlives a restart."""
        return port_of(self.home)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def release(self) -> str:
        """Of Chroma, as it was installed: a server of 1.x does not tell it rightly."""
        return self._server.release if self._server else version("chromadb")

    def facts(self) -> Mapping[str, str]:
        return {"kind": "process", "chromadb": self.release, "url": self.url}

    def environment(self) -> Mapping[str, str]:
        """What makes `chromadrill ops` in another process act on this very target."""
        table = f"DRILL_TARGETS__{self.name.upper()}__"
        found = {
            f"{table}HOME": str(self.home),
            f"{table}SCOPES": ",".join(str(each) for each in self.scopes),
        }
        return {**found, "DRILL_OWNER_PID": str(self._owner)} if self._owner else found

    # ---- restart --------------------------------------------------------------------------------
    def start(self) -> None:
        """Start the server and return when it answers a real query, not only a heartbeat.

        Raises Refused when one runs already, or the data is of a newer release; Unavailable with the
        log's end when it does not come.
        """
        if self.running():
            raise Refused(f"A server already runs on {self.data} (pid {self.pid()}).")
        refuse_newer(self.data, self.release)
        self._refuse_taken_port()
        self._counts.add(starts=1, oom_kills=int(self._killed_by_others()))
        (self.home / "state.json").unlink(missing_ok=True)
        (self.home / ENDED).unlink(missing_ok=True)
        order = {
            "command": [
                *(self._server or installed_server()).command,
                "run",
                "--path",
                str(self.data),
                "--host",
                "127.0.0.1",
                "--port",
                str(self.port),
            ],
            "environment": {"ANONYMIZED_TELEMETRY": "False", "NO_COLOR": "1"},
            "owner": self._owner,
        }
        (self.home / "order.json").write_text(json.dumps(order))
        keeper = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__).with_name("supervisor.py")), str(self.home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started = now()
        try:
            wait_until(lambda: self._ready(keeper), within_s=self._startup_s, name="a real answer")
        except _Died as died:
            raise Unavailable(
                f"The server on {self.data} ended at once ({died}). Its last lines:\n"
                f"{self.logs(12)}",
                next_step="Read the log; restore a backup if the data is damaged.",
            ) from None
        except DrillError as error:
            self.kill()
            raise Unavailable(
                f"{error.what} Last lines of {self.home / 'logs' / 'server.log'}:\n{self.logs(12)}"
            ) from error
        self.startup_s = now() - started

    def _ready(self, keeper: subprocess.Popen[bytes]) -> bool:
        state = self._state()
        if "error" in state:
            raise _Died(str(state["error"]))
        if "exit" in state:
            raise _Died(f"exit code {state['exit']}")
        if keeper.poll() is not None and not state:
            raise _Died("the supervisor did not start")
        return is_ready(self.url, self.scopes)

    def stop(self) -> None:
        """End the server with SIGTERM and wait; SIGKILL after 15 s. Stopped already is fine."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as the kernel's out-of-memory killer does."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: connections are taken, nothing is answered."""
        pid = self.pid()
        if pid is None:
            raise Refused(f"No server runs on {self.data}: there is nothing to pause.")
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

    def _end(self, number: signal.Signals) -> None:
        pid = self.pid()
        if pid is not None:
            (self.home / ENDED).touch()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                os.kill(pid, signal.SIGCONT)  # a paused one would not hear it
            try:
                wait_until(
                    lambda: not self.running(),
                    within_s=STOP_S,
                    name="the server's end",
                    every_s=0.02,
                )
            except DrillError:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                wait_until(lambda: not self.running(), within_s=STOP_S, name="the server's end")

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

    def _state(self) -> dict[str, object]:
        try:
            return dict(json.loads((self.home / "state.json").read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def _refuse_taken_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                raise Refused(
                    f"Port {self.port} of {self.home} is taken by another program.",
                    next_step="End that program, or use another home directory.",
                ) from error

    # ---- metrics --------------------------------------------------------------------------------
    def metrics(self) -> Usage:
        """Memory and disk in use, restarts, and ends by a SIGKILL that none of our commands sent.

        On a bare machine that is all that can be seen of the kernel's out-of-memory killer.
        """
        pid, counts = self.pid(), self._counts.read()
        return Usage(
            memory_bytes=usage.resident_bytes(pid) if pid else None,
            memory_limit_bytes=self.memory_mb * MB if self.memory_mb else None,
            disk_bytes=usage.bytes_below(self.data),
            disk_limit_bytes=self.disk_mb * MB if self.disk_mb else None,
            restarts=max(0, counts["starts"] - 1),
            oom_kills=counts["oom_kills"] + int(self._killed_by_others()),
        )

    def _killed_by_others(self) -> bool:
        return self._state().get("exit") == -signal.SIGKILL and not (self.home / ENDED).exists()

    # ---- volume, snapshots, logs ----------------------------------------------------------------
    @contextlib.contextmanager
    def volume(self) -> Iterator[Path]:
        """The data directory of the stopped server. Raises Refused while it runs."""
        if self.running():
            raise Refused(f"{self.data} belongs to a running server; stop it first.")
        self.data.mkdir(exist_ok=True)
        yield self.data

    def live_data(self) -> Path:
        """The data directory, whoever runs on it."""
        return self.data

    def copy_running(self, into: Path, *, bytes_per_s: float | None = None) -> None:
        """What the data directory holds, whatever the server does to it: this is no backup."""
        files.copy_running(self.data, into, bytes_per_s=bytes_per_s)

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
        log = self.home / "logs" / "server.log"
        if not log.is_file():
            return ""
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 400 * lines))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])

    def close(self) -> None:
        """Stop the server; the home stays."""
        self.stop()

    def remove(self) -> None:
        """Stop the server and remove the home with everything in it."""
        self.kill()
        if (self.home / MARKER).is_file():
            shutil.rmtree(self.home)


class _Died(BaseException):
    """Out of `wait_until` at once: a server that exited will not become ready."""
