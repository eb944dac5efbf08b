"""PostgreSQL's driver and its URLs: what libpq reads in one, and what may be shown of it."""

from __future__ import annotations

import os
from typing import Any

from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.urls import is_loopback


def require_psycopg() -> Any:
    """The package psycopg; raises Unavailable without it."""
    try:
        import psycopg
    except ImportError as error:
        raise Unavailable(
            "A rebuild from PostgreSQL needs the package psycopg.",
            next_step="pip install 'chromadrill[postgres]'",
        ) from error
    return psycopg


def is_on_this_machine(url: str) -> bool:
    """Whether it is a socket or a loopback address: a drill writes into no database elsewhere.

    Raises Unavailable without psycopg, UsageError for a URL that is none.
    """
    # what a URL leaves open, libpq takes from the environment
    parts = _parts(url)
    if parts.get("service") or os.environ.get("PGSERVICE"):
        return False
    hosts = [
        parts.get(key) or os.environ.get(variable, "")
        for key, variable in (("host", "PGHOST"), ("hostaddr", "PGHOSTADDR"))
    ]
    return all(not host or host.startswith("/") or is_loopback(host) for host in hosts)


def host_and_database(url: str) -> str:
    """What may be shown of a URL: no user, no password. Raises as `is_on_this_machine` does."""
    parts = _parts(url)
    return f"{parts.get('host') or 'localhost'}/{parts.get('dbname') or parts.get('user') or ''}"


def _parts(url: str) -> dict[str, str]:
    """What libpq reads in it. Nothing of a URL that is none is quoted: it may be a password."""
    require_psycopg()
    from psycopg import ProgrammingError, conninfo

    try:
        parts = {key: str(value) for key, value in conninfo.conninfo_to_dict(url).items()}
    except ProgrammingError:
        parts = None
    # a bare / or @ in a password moves its rest into host, port or database, which are shown
    if (
        parts is None
        or any("@" in parts.get(key, "")[1:] for key in ("host", "dbname"))
        or parts.get("port", "").strip("0123456789,")
    ):
        raise UsageError(
            "DATABASE_URL is no PostgreSQL URL.",
            next_step="It looks like postgresql://USER:PASSWORD@HOST:5432/DATABASE; in USER and PASSWORD"
            " write @ as %40, / as %2F, ? as %3F, : as %3A, % as %25.",
        )
    return parts
