"""`drill.json.sig`: the holder of the key can verify that the record is the sealed one.

HMAC-SHA256: whoever can verify can also sign. The signature keeps out those without the key, no more.
"""

from __future__ import annotations

import hmac
from pathlib import Path

from chromadrill.core.errors import UsageError
from chromadrill.core.model import Verdict
from chromadrill.evidence.record import RECORD

SIGNATURE = f"{RECORD}.sig"
CHECK = "signature"
SHORTEST_KEY = 16  # bytes: a shorter one is a word, and can be guessed


def sign(path: Path, key: bytes) -> str:
    """Write the signature of `path` (a drill.json) beside it, and return it: 64 hex digits."""
    signature = _signature(path.read_bytes(), key)
    path.with_name(path.name + ".sig").write_text(signature + "\n", "ascii")
    return signature


def verify_signature(path: Path, key: bytes) -> Verdict:
    """Whether the signature beside `path` (a drill.json) was made of these bytes with this key."""
    beside = path.with_name(path.name + ".sig")
    try:
        claimed = beside.read_bytes().strip()
    except FileNotFoundError:
        return Verdict.unknown(CHECK, f"{path.name} is not signed")
    except OSError as error:
        return Verdict.unknown(CHECK, f"{beside.name} cannot be read: {error.strerror}")
    try:
        right = _signature(path.read_bytes(), key).encode()
    except OSError as error:
        return Verdict.unknown(CHECK, f"{path.name} cannot be read: {error.strerror}")
    if hmac.compare_digest(claimed, right):
        return Verdict.passed(CHECK, f"{path.name} is signed with the key")
    return Verdict.failed(CHECK, f"{path.name} was altered after it was signed, or by another key")


def _signature(data: bytes, key: bytes) -> str:
    if len(key) < SHORTEST_KEY:
        raise UsageError(f"A key to sign with has at least {SHORTEST_KEY} bytes, got {len(key)}.")
    return hmac.digest(key, data, "sha256").hex()
