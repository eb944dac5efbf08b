"""What makes a function's vectors, as one hash: its name and its configuration without keys."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

# neither what opens the door nor how it is called makes other vectors; a hash holds no secret either
_NO_PART = re.compile(
    "key|token|secret|password|credential|header|env_var|timeout|retr|batch|thread|device"
    "|organization|user",
    re.IGNORECASE,
)
_PASSWORD = re.compile("(://)[^/@]*@")


def configuration_sha256(name: str, config: Any) -> str:
    """SHA-256 (hexadecimal) of canonical JSON. Order, empty values, keys and secrets change nothing."""
    text = json.dumps([name, _essential(config)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _essential(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            str(key): _essential(part)
            for key, part in value.items()
            if part is not None and not _NO_PART.search(str(key))
        }
    if isinstance(value, list | tuple):
        return [_essential(part) for part in value]
    return _PASSWORD.sub(r"\1", value) if isinstance(value, str) else value
