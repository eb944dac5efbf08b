"""Target `process`: a real `chroma run` on this machine, in a home directory of its own.

A home holds `data/` (the volume), `logs/server.log`, `snapshots/`, and a marker that says it is
ours. Several processes may act on one home (the drill, the runbook's commands): what they share is
in its files, and the lock in it belongs to the running server alone.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from chromadrill.backups import files
from chromadrill.chroma.at_rest.releases import refuse_newer
from chromadrill.core.errors import Refused
from chromadrill.core.files import size_of
from chromadrill.core.model import Scope, Usage
from chromadrill.targets.counts import Counts
from chromadrill.targets.home import MARKER, claim, port_of
from chromadrill.targets.kinds import TargetSpec, variables_of
from chromadrill.targets.own_server import STARTUP_S, OwnServer
from chromadrill.targets.process.installed_releases import InstalledServer, installed_server
from chromadrill.targets.process.server import ServerProcess, require_free_port

MB = 1024 * 1024


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


class ProcessTarget(OwnServer):
    """A `chroma run` process. `home` must be ours, empty, or not exist.

    `owner`: pid of the process with which the server ends (None: it runs until it is stopped).
    `scopes`: what readiness asks of, besides the default tenant and database.
    `memory_mb`, `disk_mb`: what it may use by contract; nothing enforces them here.
    `server`: that of another release (default: this environment's own). `request_bytes`: the largest
    request that it takes, where Chroma's own 40 MiB are too few.
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
        server: InstalledServer | None = None,
        request_bytes: int | None = None,
    ) -> None:
        super().__init__(home, name=name, scopes=scopes, startup_limit_s=startup_s)
        self.data = self.home / "data"
        self.memory_mb, self.disk_mb = memory_mb, disk_mb
        self._release, self._owner = server, owner
        self._request_bytes = request_bytes
        self._process = ServerProcess(self.home)
        self._counts = Counts(self.home)
        is_new = not (self.home / MARKER).is_file()
        claim(self.home, ("logs", "snapshots"))
        if is_new:  # a volume that is lost is not made again: that would hide it
            self.data.mkdir(exist_ok=True)

    @property
    def port(self) -> int:
        """Chosen once for a home, so that the URL outlives a restart."""
        return port_of(self.home)

    @property
    def url(self) -> str:
        """On this machine alone."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def release(self) -> str:
        """Chroma's release as it was installed: a server of 1.x does not tell it rightly."""
        return self._release.release if self._release else version("chromadb")

    def facts(self) -> Mapping[str, str]:
        """What identifies this deployment in a report."""
        return {"kind": "process", "chromadb": self.release, "url": self.url}

    def environment(self) -> Mapping[str, str]:
        """What makes `chromadrill ops` in another process act on this very target."""
        return variables_of("process", self.name, self.home, self.scopes, self._owner)

    # ---- restart --------------------------------------------------------------------------------
    def start(self) -> None:
        """Start the server and return when it answers a real query, not only a heartbeat.

        Raises Refused when one runs already, or the data is of a newer release. Raises Unavailable,
        with the log's end, when it does not come.
        """
        if self.running():
            raise Refused(f"A server already runs on {self.data} (pid {self.pid()}).")
        refuse_newer(self.data, self.release)
        require_free_port(self.port, self.home)
        oom_kills = int(self._process.is_killed_by_others())  # the start forgets the run before
        chroma = (self._release or installed_server()).command
        supervisor = self._process.launch([*chroma, "run", *self._options()], owner=self._owner)
        self._counts.add(starts=1, oom_kills=oom_kills)
        self._wait_for_answer(
            lambda: self._process.require_alive(supervisor),
            server=f"The server on {self.data}",
            log=f"Last lines of {self._process.log}",
        )

    def _options(self) -> Sequence[str]:
        if self._request_bytes is None:
            return "--path", str(self.data), "--host", "127.0.0.1", "--port", str(self.port)
        # no option and no variable of the environment sets it (measured, 1.5.9), only a file
        configuration = self.home / "chroma.yaml"
        values = {
            "persist_path": str(self.data),
            "listen_address": "127.0.0.1",
            "port": self.port,
            "max_payload_size_bytes": self._request_bytes,
        }
        configuration.write_text(json.dumps(values))  # JSON is YAML
        return (str(configuration),)

    def stop(self) -> None:
        """End the server with SIGTERM and wait; SIGKILL after 15 s. Stopped already is fine."""
        self._process.end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as the kernel's out-of-memory killer does."""
        self._process.end(signal.SIGKILL)

    def pause(self) -> None:
        """SIGSTOP: connections are taken, nothing is answered."""
        self._process.pause()

    def unpause(self) -> None:
        """Let it go on; one that is not paused is fine."""
        self._process.unpause()

    def running(self) -> bool:
        """Whether a server, or its supervisor, holds the lock of the home."""
        return self._process.running()

    def pid(self) -> int | None:
        """The server's pid while it runs."""
        return self._process.pid()

    # ---- metrics --------------------------------------------------------------------------------
    def metrics(self) -> Usage:
        """Memory and disk in use, restarts, and ends by a SIGKILL that none of our commands sent.

        On a bare machine that is all that can be seen of the kernel's out-of-memory killer.
        """
        counts = self._counts.read()
        return Usage(
            memory_bytes=self._process.memory_bytes(),
            memory_limit_bytes=self.memory_mb * MB if self.memory_mb else None,
            disk_bytes=size_of(self.data),
            disk_limit_bytes=self.disk_mb * MB if self.disk_mb else None,
            restarts=max(0, counts["starts"] - 1),
            oom_kills=counts["oom_kills"] + int(self._process.is_killed_by_others()),
        )

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

    def logs(self, lines: int = 200) -> str:
        """The last lines of the server's log."""
        return self._process.logs(lines)

    def remove(self) -> None:
        """Stop the server and remove the home with everything in it."""
        self.kill()
        if (self.home / MARKER).is_file():
            shutil.rmtree(self.home)
