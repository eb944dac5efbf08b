"""Options that several commands share, and what they mean together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from chromadrill.core.errors import UsageError, did_you_mean
from chromadrill.core.model import Scope

EXAMPLE = "--url http://127.0.0.1:8000"
DEFAULT_TENANT, DEFAULT_DATABASE = Scope().tenant, Scope().database

Url = Annotated[
    str | None,
    typer.Option(envvar="CHROMA_URL", show_envvar=True, metavar="URL", help="the server"),
]
DataPath = Annotated[
    Path | None,
    typer.Option("--path", metavar="DIR", help="a data directory, read without a server"),
]
Tenant = Annotated[str, typer.Option(metavar="NAME", show_default=True)]
Database = Annotated[str, typer.Option(metavar="NAME", show_default=True)]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope", metavar="TENANT/DATABASE", help="instead of --tenant and --database; repeatable"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="one JSON object on standard output")]
CollectionName = Annotated[
    str | None, typer.Option("--collection-name", metavar="NAME", help="this collection alone")
]
All = Annotated[bool, typer.Option("--all", help="every collection of the scopes")]
DrillConfig = Annotated[
    Path | None, typer.Option("--drill-config", metavar="FILE", help="another drill.toml")
]
TargetName = Annotated[
    str | None,
    typer.Option("--target", metavar="T", help="name, URL or package.module:Class (process)"),
]
BreakGlassUrl = Annotated[
    str | None,
    typer.Option(
        "--break-glass",
        metavar="URL",
        help="write to production too: for a person in an incident, who repeats the URL",
    ),
]


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The server of a command and the scopes in it, as they were typed."""

    url: str | None
    tenant: str
    database: str
    scope: list[str] | None

    def scopes(self) -> tuple[Scope, ...]:
        """The scopes named; empty where none was, so that a fingerprint's own can be taken."""
        if self.scope:
            return tuple(scope_named(text) for text in self.scope)
        named = Scope(self.tenant, self.database)
        return () if named == Scope() else (named,)

    def require_url(self) -> str:
        if not self.url:
            raise UsageError(f"--url (or CHROMA_URL) is missing, e.g. {EXAMPLE}.")
        return self.url

    def source(self, path: Path | None) -> str | Path:
        """The directory or the URL that was typed; CHROMA_URL's, where neither was."""
        if path is None and not self.url:
            raise UsageError(f"Name a server or its files: {EXAMPLE}, or --path DIR.")
        if path is None:
            return self.require_url()
        if self.url and self.url != os.environ.get("CHROMA_URL"):
            raise UsageError("--url and --path: name one of them.")
        return path


def scope_named(text: str) -> Scope:
    """The scope of `--scope TENANT/DATABASE`."""
    try:
        return Scope.parse(text)
    except ValueError as error:
        raise UsageError(f"--scope: {error}") from error


def require_one_of(options: Mapping[str, object]) -> None:
    """Raise UsageError unless exactly one of the options was typed."""
    typed = [name for name, value in options.items() if value not in (None, False)]
    if len(typed) > 1:
        raise UsageError(f"{' and '.join(typed)}: name one of them.")
    if not typed:
        raise UsageError(f"One of {', '.join(options)} is missing.")


def require_known(option: str, value: str | None, known: Mapping[str, object]) -> None:
    """Raise UsageError, with the nearest, for a value that is not one of the known."""
    if value is not None and value not in known:
        raise UsageError(f"{option} {value}: no such. {did_you_mean(value, known)}")
