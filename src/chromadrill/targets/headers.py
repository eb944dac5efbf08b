"""Headers of `[targets.NAME]`: text with {env:VARIABLE} in it. The environment alone has the values."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from chromadrill.core.errors import UsageError

_PLACE = re.compile(r"\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
# by these words evidence knows that a variable is secret, and masks its value wherever it stands
SECRET_WORDS = ("TOKEN", "SECRET", "PASSWORD", "API_KEY", "CREDENTIAL")
FRAMING = (
    "connection",
    "content-length",
    "expect",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)


def headers(
    target: str, wanted: Mapping[str, str], environ: Mapping[str, str] | None = None
) -> dict[str, SecretStr]:
    """Header name -> value. A variable that ends in _FILE names a file that holds the value.

    Raises UsageError for a value written out in the file, for a variable that is not set or whose
    name does not say that it is a secret, and for a value that no header can hold.
    """
    environ = os.environ if environ is None else environ
    values = {}
    for name, text in wanted.items():
        where = f"[targets.{target}.headers] {name}"
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise UsageError(f"{where}: no name of a header.")
        if name.lower() in FRAMING:
            raise UsageError(f"{where}: this header is set by the client for each request.")
        if not _PLACE.search(text):
            raise UsageError(
                f"{where}: a value written out; that is a secret, and does not belong in a file.",
                next_step=f'Write {name} = "{{env:CHROMA_TOKEN}}", and set that variable.',
            )
        value = text
        for variable in _PLACE.findall(text):
            value = value.replace(f"{{env:{variable}}}", _value(where, variable, environ))
        # the HTTP library would name the whole header in its error
        if not value.isascii() or not value.isprintable():
            raise UsageError(f"{where}: its value is not printable ASCII.")
        values[name] = SecretStr(value)
    return values


def _value(where: str, variable: str, environ: Mapping[str, str]) -> str:
    if not any(part in variable.upper() for part in SECRET_WORDS):
        raise UsageError(
            f"{where}: {variable}: the variable's name must say that it is a secret, so that it is"
            f" masked everywhere: one of {', '.join(SECRET_WORDS)} in it."
        )
    value = environ.get(variable, "")
    if value and variable.upper().endswith("_FILE"):
        try:
            value = Path(value).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{where}: {variable}: {type(error).__name__}: not readable."
            ) from error
    if not value.strip():
        raise UsageError(f"{where}: {variable} is not set, or empty.")
    return value.strip()
