"""The one door for secrets: values that must never reach a file of a run."""

from __future__ import annotations

import base64
import html
import ipaddress
import json
import os
import re
import urllib.parse
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from chromadrill.core.urls import password_of

MASK = b"**********"
# up to the last @: a password may hold / and @. Rather a path too much than a part of one too little
# PASSWORD itself is the word of our own examples
_PASSWORD = re.compile(rb"(://[^/\s:@\"']*:)(?!PASSWORD@)[^\x00-\x20\"']{1,1000}@")
_TOKEN = re.compile(rb"(https?://)[^/\s:@\"'<>]+@")
# what the words of somebody else's command call a secret: NAME=VALUE, NAME: VALUE, --NAME VALUE
_NAMES = (
    rb"[\w-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|credential)"
    rb"[\w-]*"
)
_NAMED = re.compile(
    rb"(?i)((?:\b" + _NAMES + rb"[\"']?\s*[:=]\s*|--" + _NAMES + rb"\s+"
    rb"|\bauthorization[\"']?\s*[:=]\s*(?:\w+\s+)?)[\"']?)[^\s\"',;]+"
)
LONGEST = 10_000  # a file that holds more is no secret
_SECRET_WORDS = (
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "API_KEY",
    "ACCESS_KEY",
    "ACCOUNT_KEY",
    "PRIVATE_KEY",
    "SIGNING_KEY",
    "DATABASE_URL",
    "CREDENTIAL",
    "NOTIFY",
)
_WORD = re.compile(r"[A-Za-z_]+")
SHORTEST = 8  # a shorter value would mask ordinary words
_PASSWORDS: set[bytes] = set()  # of URLs that this process was given


def hide_password(url: str) -> None:
    """Mask the password of this URL from now on, and its parts, since libraries quote those.

    A part of letters alone stays: as `chromadb` or `postgres` it would mask words of every report.
    In a URL it is masked all the same.
    """
    password = password_of(url)
    parts = {password, urllib.parse.unquote(password), *re.split("[/?#@:]", password)}
    _PASSWORDS.update(
        part.encode("utf-8", "surrogatepass")
        for part in parts
        if len(part) >= SHORTEST and not part.isalpha() and not _is_address(part)
    )
    if password:  # as the library sends it, and a gateway may quote it
        user = urllib.parse.unquote(url.partition("://")[2].partition(":")[0])
        pair = f"{user}:{urllib.parse.unquote(password)}".encode("utf-8", "surrogatepass")
        _PASSWORDS.add(base64.b64encode(pair))


def hide_secret(value: str) -> None:
    """Mask the value of a header from now on, and its parts: "Bearer TOKEN" is TOKEN elsewhere."""
    _PASSWORDS.update(
        part.encode("utf-8", "surrogatepass")
        for part in (value, *value.split())
        if len(part) >= SHORTEST
    )


def forget_passwords() -> None:
    """Mask no password of a URL any more that was given so far; for tests in one process."""
    _PASSWORDS.clear()


def _is_address(text: str) -> bool:
    """127.0.0.1 is in every report, and no secret."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def secrets_of(environ: Iterable[tuple[str, str]] | None = None) -> list[bytes]:
    """Values of environment variables whose names say that they are secret, longest first.

    And the passwords of URLs that were given (`hide_password`).
    """
    values = {
        _value_of(name, value)
        for name, value in (os.environ.items() if environ is None else environ)
        if len(value) >= SHORTEST and _is_secret(name.upper(), value)
    }
    return sorted(values | (_PASSWORDS if environ is None else set()), key=len, reverse=True)


def _is_secret(name: str, value: str) -> bool:
    if any(word in name for word in _SECRET_WORDS):
        return True
    # SORT_KEY=created_at is none, and would mask that word wherever it stands
    return "_KEY" in name and _WORD.fullmatch(value) is None


def _value_of(name: str, value: str) -> bytes:
    """The value, or what is in the file that it names (RAILWAY_TOKEN_FILE)."""
    plain = value.encode("utf-8", "surrogateescape")  # a variable may hold any bytes
    if not name.upper().endswith("_FILE"):
        return plain
    try:
        content = Path(value).read_bytes().strip()
    except OSError:
        return plain
    return content if SHORTEST <= len(content) <= LONGEST else plain


def redact(data: bytes, secrets: Iterable[bytes]) -> bytes:
    """Mask the secrets, however they are escaped, and the password of any URL whoever wrote it."""
    forms = {form for secret in secrets for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        data = data.replace(form, MASK)
    if b"@" not in data:
        return data
    data = _PASSWORD.sub(rb"\1" + MASK + b"@", data)
    return _TOKEN.sub(rb"\1" + MASK + b"@", data)


@cache
def _forms(secret: bytes) -> frozenset[bytes]:
    """The secret as it is, as JSON, JSON in JSON and Python write it, and all that in XML or HTML."""
    text = secret.decode("utf-8", "surrogateescape")
    written = {text, repr(text)[1:-1]}
    for ascii_only in (True, False):
        inside = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        written |= {inside, json.dumps(inside, ensure_ascii=ascii_only)[1:-1]}
    marked = {
        mark
        for form in written
        for bare in (html.escape(form, quote=False),)
        for mark in (
            bare,
            bare.replace('"', "&quot;"),  # an attribute
            html.escape(form),
            bare.replace('"', "&#34;").replace("'", "&#39;"),  # by a template
        )
    }
    return frozenset(form.encode("utf-8", "surrogateescape") for form in written | marked)


def mask_secrets(text: str) -> str:
    """The text as it may be shown: secrets of the environment and passwords of URLs are masked."""
    try:
        data = text.encode("utf-8", "surrogateescape")  # as the environment has it
    except UnicodeEncodeError:
        data = text.encode("utf-8", "surrogatepass")
    return redact(data, secrets_of()).decode("utf-8", "replace")


def mask_output(text: str) -> str:
    """`mask_secrets` for what another program printed: also values that it calls a secret itself.

    A command of the user's may print a password that stands in a file of its own, not in our
    environment.
    """
    return _NAMED.sub(rb"\1" + MASK, mask_secrets(text).encode()).decode("utf-8", "replace")


def redact_folder(folder: Path, secrets: Iterable[bytes]) -> int:
    """Rewrite every file below `folder` that holds a secret; returns how many."""
    secrets, changed = list(secrets), 0
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            before = path.read_bytes()
            after = redact(before, secrets)
            if after != before:
                path.write_bytes(after)
                changed += 1
    return changed
