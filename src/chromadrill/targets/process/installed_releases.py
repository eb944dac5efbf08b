"""The servers that target `process` can run: the installed release, and older ones in a cache."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from chromadrill.core.errors import Unavailable
from chromadrill.core.installer import command_path, install, user_cache

BINDINGS = "chromadb_rust_bindings"  # from 1.0 on the whole server


@dataclass(frozen=True, slots=True)
class InstalledServer:
    """A release of Chroma, and the command that its `run` is a word of."""

    release: str
    command: tuple[str, ...]


def installed_server() -> InstalledServer:
    """The server of this environment; raises Unavailable where there is none.

    Its library is started without Python's chromadb: the command `chroma` imports all of that (0.6 s
    of processor time) before it calls the same library.
    """
    bindings = importlib.util.find_spec(BINDINGS)
    if bindings is None or bindings.origin is None:
        command = command_path("chroma")
        if command is None:
            raise Unavailable("No `chroma` command here.", next_step="pip install chromadb==1.5.9")
        return InstalledServer(version("chromadb"), (command,))
    return _launched(version("chromadb"), Path(bindings.origin).parents[1])


def _launched(release: str, folder: Path) -> InstalledServer:
    """The server that is installed in `folder`, by our launcher."""
    launcher = Path(__file__).with_name("launcher.py")
    return InstalledServer(release, (sys.executable, "-I", "-S", str(launcher), str(folder)))


def install_server(release: str, cache: Path | None = None) -> InstalledServer:
    """An older server, installed once below `cache` and kept; raises Unavailable where it cannot be.

    From 1.0 on the whole server is one library of the wheel: nothing else is installed with it.
    """
    from filelock import FileLock

    python = f"py{sys.version_info.major}.{sys.version_info.minor}"
    folder = (cache or user_cache()) / f"chromadb-{release}-{python}"
    server = _launched(release, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if folder.is_dir():
            return server
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        alone = [] if release.startswith("0.") else ["--no-deps"]
        install(f"chromadb=={release}", partial, *alone)
        partial.rename(folder)
    return server
