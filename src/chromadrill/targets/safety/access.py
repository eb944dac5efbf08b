"""What this process may do on a target's server, declared to `chroma.permissions` before a call."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from chromadrill.chroma.permissions import Access, Permission, access_to, declare
from chromadrill.core.settings import Settings, TargetTable
from chromadrill.core.urls import plain_url
from chromadrill.targets.headers import headers
from chromadrill.targets.safety.rules import READ_ONLY
from chromadrill.targets.safety.target_role import TargetRole

PER_SECOND, BURST = 10.0, 30  # calls of production, whoever makes them


def declare_access(at: TargetRole, url: str, table: TargetTable | None) -> None:
    """Declare what a live server allows: collections of our own, and in production only reading."""
    secrets = headers(at.target, table.headers) if table else {}
    if at.is_production:
        declare_read_only(url, secrets)
    else:
        declare(url, Access(Permission.OWNED, secrets))


def declare_credentials(settings: Settings, url: str) -> None:
    """Show at `url` the headers of the `[targets.NAME]` with this very address, as every door does.

    What may be done there stays as it was declared. Raises UsageError for headers that cannot be made.
    """
    for name, table in settings.targets.items():
        if table.url and table.headers and plain_url(table.url) == plain_url(url):
            known = access_to(url)
            secrets = {**known.secrets, **headers(name, table.headers)}
            declare(url, dataclasses.replace(known, secrets=secrets))


def declare_read_only(url: str, secrets: Mapping[str, SecretStr] | None = None) -> None:
    """From here on this process only reads there, and not faster than production bears."""
    known = access_to(url).secrets if secrets is None else secrets
    declare(url, Access(Permission.READ, known, PER_SECOND, BURST, READ_ONLY))


def allow_writes(url: str, notes: Path | None = None) -> None:
    """From here on this process may write everything there. The safety rules are asked before.

    `notes`: where the ids of the collections that it makes are kept.
    """
    before = access_to(url)
    declare(url, Access(Permission.ANYTHING, before.secrets, notes=notes or before.notes))
