"""A simulator from its start to its end, and the settings that lead a user to it."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chromadrill.core.clock import wait_until
from chromadrill.core.errors import Refused
from chromadrill.targets.home import MARKER, claim, free_port
from chromadrill.targets.railway.simulator.faults import require_known
from chromadrill.targets.railway.simulator.http import PATH, Tokens, serve
from chromadrill.targets.railway.simulator.platform import VOLUME_MB, Platform

STARTUP_S = 90.0
LOCK = "simulator.lock"
FOLDERS = ("volumes", "backups", "deployments", "written-back")


@dataclass(frozen=True, slots=True)
class RailwaySimulator:
    """A platform that answers on `endpoint`; its token lies in `token_file`."""

    home: Path
    endpoint: str
    platform: Platform
    tokens: Tokens

    @property
    def url(self) -> str:
        """Where the service's Chroma answers."""
        return f"http://127.0.0.1:{self.platform.service.port}"

    @property
    def config(self) -> Path:
        """The drill.toml in the home."""
        return self.home / "drill.toml"

    @property
    def token_file(self) -> Path:
        """The file of the project token."""
        return self.home / "project-token"

    def environment(self) -> dict[str, str]:
        """With these variables `--target staging` is this platform's service."""
        return {"RAILWAY_TOKEN_FILE": str(self.token_file), "DRILL_CONFIG": str(self.config)}

    def toml(self) -> str:
        """The drill.toml whose target `staging` is this platform's service."""
        return (
            "# a simulated Railway: it proves the drill's way, not Railway's\n"
            "[targets.staging]\n"
            'kind = "railway"\n'
            f'endpoint = "{self.endpoint}"\n'
            'environment = "staging"\n'
            'service = "chroma"\n'
            f'url = "{self.url}"\n'
            f'home = "{self.home / "target"}"\n'
            "[environments.staging]\n"
            "exclusive = true\n"
        )


@contextmanager
def simulator(
    home: Path, *, port: int = 0, fault: str | None = None, volume_mb: int = VOLUME_MB
) -> Iterator[RailwaySimulator]:
    """A new platform in `home`, with its service deployed; what an earlier one left there is removed.

    Raises Refused for a home that is not ours, in use, or a port that is taken.
    """
    require_known(fault)
    home = home.absolute()
    if (home / MARKER).is_file() and not (home / LOCK).is_file():
        raise Refused(f"{home} is the home of another target; nothing was touched.")
    claim(home, FOLDERS)
    with _only_one(home):
        for folder in (*FOLDERS, "target"):
            shutil.rmtree(home / folder, ignore_errors=True)
        tokens = Tokens()
        platform = Platform(home, port=free_port(), fault=fault, volume_mb=volume_mb)
        try:
            server = serve(platform, tokens, port)
        except OSError as error:
            raise Refused(f"Port {port}: {error.strerror}; nothing was started.") from error
        running = RailwaySimulator(
            home, f"http://127.0.0.1:{server.server_address[1]}{PATH}", platform, tokens
        )
        _write_private(running.token_file, tokens.project)
        _write_private(home / "account-token", tokens.account)
        _write_private(running.config, running.toml())
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            platform.service.deploy()
            wait_until(platform.service.is_idle, within_s=STARTUP_S, name="the first deployment")
            yield running
        finally:
            server.shutdown()
            server.server_close()
            platform.service.close()


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    with (home / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(f"{home}: another simulator runs there.") from error
        yield
