"""Addresses of servers: two spellings of one server are told to be one."""

from __future__ import annotations

import urllib.parse

HERE = "127.0.0.1"


def origin(url: str) -> str:
    """HOST:PORT, the port of the scheme where none is said; every name of this machine is one.

    Names are not asked for: what a name means can change during a run.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return url
    if host in ("localhost", "::1", "0.0.0.0", "::ffff:127.0.0.1") or host.startswith("127."):  # noqa: S104
        host = HERE
    return f"{host}:{port}"


def same_server(one: str, other: str) -> bool:
    """Whether both lead to one server: https in front of a host is the same host's http."""
    plain = [each.removesuffix(":80").removesuffix(":443") for each in (origin(one), origin(other))]
    return plain[0] == plain[1]
