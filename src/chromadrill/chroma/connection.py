"""The first contact with a server: is it a Chroma that this harness speaks to?"""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx

from chromadrill.chroma.access_errors import PROXY, REFUSED
from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.errors import Unavailable
from chromadrill.core.http import http_client
from chromadrill.core.urls import without_password

RELEASE = re.compile(r"[0-9]+(\.[0-9]+){1,3}[0-9a-z.]*")


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
    if (
        isinstance(error, CallFailed)
        and error.is_access
        and (error.status in (0, *REFUSED) or error.message.startswith(PROXY))
    ):
        return f"No way to the data of {url}: {error}"
    release = _release_before_1(address)
    if release is None:
        return f"{url} answers, but is not a Chroma 1.x server: {error}"
    return (
        f"{url} is a Chroma server older than 1.0: {release}, which answers /api/v1 alone."
        f" This harness needs Chroma 1.x. {upgrade_of(release)}"
    )


def _release_before_1(address: str) -> str | None:
    """The release of a server that has /api/v1; None where there is none."""
    try:
        with http_client(address, base_url=True, timeout_s=5) as client:
            heartbeat, version = client.get("/api/v1/heartbeat"), client.get("/api/v1/version")
    except httpx.HTTPError:
        return None
    if heartbeat.status_code != 200 or "nanosecond heartbeat" not in heartbeat.text:
        return None
    release = version.text.strip().strip('"')
    return f"release {release}" if RELEASE.fullmatch(release) else "its release is not told"


def upgrade_of(release: str) -> str:
    """The way from a release before 1.0 to this one; from before 0.5 there is a step between."""
    first = "Stop it, and copy its data directory."
    middle = (
        " Start Chroma 0.6.3 once on the copy (pip install chromadb==0.6.3; chroma run --path COPY),"
        " which upgrades the files, and stop it."
    )
    last = " Start Chroma 1.5.9 on the copy, and try again with that server."
    is_near = release.startswith(("release 0.5.", "release 0.6."))
    return first + ("" if is_near else middle) + last
