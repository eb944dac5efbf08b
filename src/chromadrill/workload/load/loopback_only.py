"""Where load may go: to this machine, nowhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

from chromadrill.core.errors import UsageError
from chromadrill.core.urls import is_loopback, require_server_url, without_password


def require_loopback(url: str | None) -> str:
    """The URL, if it names a loopback address; raises UsageError for every other one.

    No name but localhost is looked up: what a name means can change during a run.
    """
    if not url:
        raise UsageError("--host is missing.", next_step="Give --host http://127.0.0.1:8000.")
    require_server_url(url, "--host")
    parts = urlsplit(url)
    if parts.scheme != "http" or "/api/" in f"{parts.path}/":
        raise UsageError(
            f"--host {without_password(url)} is not a base URL such as http://127.0.0.1:8000."
        )
    if not is_loopback(parts.hostname or ""):
        raise UsageError(
            f"--host {without_password(url)} is not on this machine; load goes to loopback"
            " addresses only.",
            next_step="Run it on the server's own machine, against 127.0.0.1.",
        )
    return url.rstrip("/")
