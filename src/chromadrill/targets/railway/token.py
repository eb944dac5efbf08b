"""The token: from the environment or a file. Never from drill.toml, never in a message."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from chromadrill.core.errors import UsageError

# a project token is scoped to one environment; where both are set it wins, as in the vendor's CLI
PROJECT, ACCOUNT = "RAILWAY_TOKEN", "RAILWAY_API_TOKEN"


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is "project" or "account" (an account's or a workspace's)."""

    kind: str
    value: SecretStr

    def headers(self) -> dict[str, str]:
        """The header that shows it to the platform."""
        secret = self.value.get_secret_value()
        if self.kind == "project":
            return {"Project-Access-Token": secret}  # without "Bearer"
        return {"Authorization": f"Bearer {secret}"}


def from_environment(environ: Mapping[str, str] | None = None) -> Token:
    """RAILWAY_TOKEN, RAILWAY_API_TOKEN, or a file named by either with _FILE appended.

    Raises UsageError when there is none, or it cannot be a token.
    """
    environ = os.environ if environ is None else environ
    for variable, kind in ((PROJECT, "project"), (ACCOUNT, "account")):
        for name in (variable, f"{variable}_FILE"):
            if environ.get(name):
                return Token(kind, SecretStr(_read_value(name, environ[name])))
    raise UsageError(
        "No token for Railway: neither RAILWAY_TOKEN nor RAILWAY_API_TOKEN is set.",
        next_step="Set one of them, or RAILWAY_TOKEN_FILE to a file that holds it.",
    )


def _read_value(name: str, value: str) -> str:
    if name.endswith("_FILE"):
        try:
            value = Path(value).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{name}: {type(error).__name__}: cannot be read.") from error
    value = value.strip()
    # httpx would name the whole header in its error
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise UsageError(f"{name} holds no token: wanted printable ASCII without blanks.")
    return value
