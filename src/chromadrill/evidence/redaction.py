"""The one door for secrets: values that must never reach a file of a run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

MASK = b"**********"
SHORTEST = 8  # a shorter value would mask ordinary words


def secrets_of(environ: Iterable[tuple[str, str]] | None = None) -> list[bytes]:
    """Values of environment variables whose names say that they are secret, longest first."""
    words = ("TOKEN", "SECRET", "PASSWORD", "API_KEY", "DATABASE_URL", "CREDENTIAL", "NOTIFY")
    values = {
        value.encode()
        for name, value in (os.environ.items() if environ is None else environ)
        if any(word in name.upper() for word in words) and len(value) >= SHORTEST
    }
    return sorted(values, key=len, reverse=True)


def redact(data: bytes, secrets: Iterable[bytes]) -> bytes:
    for secret in secrets:
        data = data.replace(secret, MASK)
    return data


def redact_folder(folder: Path, secrets: Iterable[bytes]) -> int:
    """Rewrite every file below `folder` that holds a secret; returns how many."""
    secrets, changed = list(secrets), 0
    for path in sorted(folder.rglob("*")) if secrets else ():
        if path.is_file() and not path.is_symlink():
            before = path.read_bytes()
            after = redact(before, secrets)
            if after != before:
                path.write_bytes(after)
                changed += 1
    return changed
