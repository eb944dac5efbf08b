"""Files of packages, by uv or pip: into a folder of ours, never into an environment."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from chromadrill.core.errors import Unavailable

INSTALL_S = 900


def user_cache() -> Path:
    """Where what was downloaded is kept for the next run; raises Unavailable for a user without one."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chromadrill"
    except RuntimeError as error:  # a user that the system does not know
        raise Unavailable(
            "This user has no home directory.", next_step="Set XDG_CACHE_HOME."
        ) from error


def install(requirement: str, folder: Path, *options: str, timeout_s: float = INSTALL_S) -> None:
    """Unpack a package and what it needs into `folder`, from the indexes this machine is set up for.

    Where uv cannot, pip is asked: an index may be configured for one of them alone. Raises
    Unavailable with what the last of them said; `folder` is then absent.
    """
    failures = []
    for name, command in _installers():
        line = [*command, *options, "--target", str(folder), requirement]
        try:
            ran = subprocess.run(
                line, capture_output=True, text=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired:
            failures.append(f"{name}: no answer within {timeout_s:g} s")
        else:
            if not ran.returncode:
                return
            last = (ran.stderr.strip() or ran.stdout.strip()).splitlines()[-1:]
            failures.append(f"{name}: {' '.join(last).strip()}")
        shutil.rmtree(folder, ignore_errors=True)
    if not failures:
        raise Unavailable(f"Neither uv nor pip is here to install {requirement} with.")
    raise Unavailable(f"{requirement} cannot be installed. {'; '.join(failures)}.")


def _installers() -> Iterator[tuple[str, list[str]]]:
    """uv, this interpreter's pip, or any other pip, which then runs in this interpreter."""
    if uv := command_path("uv"):
        # trap: a link would share with uv's cache what is damaged here, and come back with it
        copy = ["--link-mode", "copy"]
        yield "uv", [uv, "pip", "install", "--quiet", *copy, "--python", sys.executable]
    install = ["install", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "2"]
    if importlib.util.find_spec("pip"):
        yield "pip", [sys.executable, "-m", "pip", *install]
    elif pip := command_path("pip3") or command_path("pip"):
        yield "pip", [pip, "--python", sys.executable, *install]


def command_path(name: str) -> str | None:
    """The program beside this interpreter, else the one in the PATH."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.is_file() else shutil.which(name)
