"""PostgreSQL's driver and its URLs: what libpq reads in one, and what may be shown of it."""

from __future__ import annotations

import os
import re
from typing import Any

from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.redaction import hide_password
from chromadrill.core.urls import is_loopback

PRISMA, SQLALCHEMY, JDBC, RAILS = "Prisma", "SQLAlchemy or asyncpg", "JDBC", "Rails or Django"
FOREIGN_PARAMETERS = {
    **dict.fromkeys(("schema", "connection_limit", "pool_timeout", "pgbouncer"), PRISMA),
    **dict.fromkeys(("socket_timeout", "statement_cache_size", "sslaccept", "sslidentity"), PRISMA),
    **dict.fromkeys(("ssl", "server_settings", "command_timeout", "async_fallback"), SQLALCHEMY),
    **dict.fromkeys(("prepared_statement_cache_size", "prepared_statement_name_func"), SQLALCHEMY),
    **dict.fromkeys(("currentSchema", "ApplicationName", "loginTimeout", "sslfactory"), JDBC),
    **dict.fromkeys(("pool", "timeout", "encoding", "conn_max_age", "prepared_statements"), RAILS),
}
_DRIVER = re.compile(r"(jdbc:)postgres(ql)?://|postgres(ql)?\+[a-z0-9_]{1,20}://")


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

    hide_password(url)
    try:
        parts = {key: str(value) for key, value in conninfo.conninfo_to_dict(url).items()}
    except ProgrammingError as error:
        parts, message = None, str(error)
    else:
        message = ""
    # a bare / or @ in a password moves its rest into host, port or database, which are shown
    if (
        parts is None
        or any("@" in parts.get(key, "")[1:] for key in ("host", "dbname"))
        or parts.get("port", "").strip("0123456789,")
    ):
        _refuse_other_dialect(url, message)
        raise UsageError(
            "DATABASE_URL is no PostgreSQL URL.",
            next_step="It looks like postgresql://USER:PASSWORD@HOST:5432/DATABASE; in USER and PASSWORD"
            " write @ as %40, / as %2F, ? as %3F, : as %3A, % as %25.",
        )
    return parts


def _refuse_other_dialect(url: str, message: str) -> None:
    """Raise UsageError, by name, for a URL as another library writes it. `message`: libpq's own.

    Only names that are known are quoted: any other may be a part of a password.
    """
    driver = _DRIVER.match(url)
    if driver:
        raise UsageError(
            f"DATABASE_URL begins with {driver[0]}: that is how another library names its driver.",
            next_step="psql and this command read postgresql:// in its place.",
        )
    parameter = next((name for name in FOREIGN_PARAMETERS if f'"{name}"' in message), None)
    if parameter:
        table = parameter in ("schema", "currentSchema")
        raise UsageError(
            f"DATABASE_URL has the parameter {parameter}, which is of {FOREIGN_PARAMETERS[parameter]}"
            " and not of PostgreSQL.",
            next_step="Leave it out"
            + ('; the schema is named in [source] table = "SCHEMA.TABLE".' if table else "."),
        )
