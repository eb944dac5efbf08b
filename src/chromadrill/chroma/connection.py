"""The first contact with a server: is it a Chroma that this harness speaks to?"""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from chromadrill.chroma.access_errors import REFUSED
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.core.http import http_client
from chromadrill.core.urls import without_password


def connect(
    url: str, *, timeout_s: float = 30.0, headers: Mapping[str, str] | None = None
) -> Chroma:
    """Return a client of a Chroma 1.x server; raise Unavailable with what answered instead."""
    if "/api/" in url:
        raise Unavailable(
            f"{without_password(url)} names a path of the API. Give the server's base URL.",
            next_step="Chroma 1.x answers 410 on /api/v1; this harness speaks /api/v2 itself.",
        )
    chroma = Chroma(url, timeout_s=timeout_s, headers=headers, behind_gateway=True)
    try:
        chroma.heartbeat()
        chroma.healthcheck()
    except (CallFailed, KeyError, TypeError, ValueError) as error:
        chroma.close()
        raise Unavailable(what_answered(url, error)) from error
    return chroma


def what_answered(address: str, error: Exception) -> str:
    """Why the first contact with `address` ended in `error`, and what helps."""
    url = without_password(address)
    if isinstance(error, CallFailed) and error.status == 0 and not error.is_access:
        return f"No answer from {url}: {error.message}. Is the server running, and the port right?"
    if isinstance(error, CallFailed) and error.is_access and error.status in (0, *REFUSED):
        return f"No way to the data of {url}: {error}"
    try:
        with http_client(address, base_url=True, timeout_s=5) as client:
            old = client.get("/api/v1/heartbeat")
        speaks_v1 = old.status_code == 200 and "nanosecond heartbeat" in old.text
    except httpx.HTTPError:
        speaks_v1 = False
    if speaks_v1:
        return (
            f"{url} is a Chroma server older than 1.0 (it answers /api/v1 and has no"
            " /api/v2/healthcheck). This harness needs Chroma 1.x: upgrade the server."
        )
    return f"{url} answers, but is not a Chroma 1.x server: {error}"
