"""Sets of record ids as a count and a sum of hashes: in flat memory, whatever the order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

HASH_BYTES = 8
# copied, as a new one parses its options each time
_HASHER = hashlib.blake2b(digest_size=HASH_BYTES)


def id_hashes(ids: Iterable[str]) -> np.ndarray:
    """Return BLAKE2b-64 of each id, uint64 (n,), read as little-endian numbers."""
    return np.frombuffer(b"".join(map(_hash, ids)), "<u8")


def _hash(id_: str) -> bytes:
    hasher = _HASHER.copy()
    hasher.update(id_.encode("utf-8", "surrogatepass"))
    return hasher.digest()


def set_digest(ids: Iterable[str]) -> list[object]:
    """Return [count, digest] of a set of ids, whatever their order."""
    id_set = IdSet()
    id_set.add(id_hashes(ids))
    return id_set.value()


class IdSet:
    """A set of ids as a count and a sum of 64-bit hashes."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, hashes: np.ndarray) -> None:
        """Add the hashes (`id_hashes`) of ids that are not in the set yet."""
        self.count += len(hashes)
        self._sum += int(hashes.sum(dtype=np.uint64))  # modulo 2**64, as the digest is

    def value(self) -> list[object]:
        """Return [count, digest], the digest as 16 hex digits."""
        return [self.count, f"{self._sum & (1 << 64) - 1:016x}"]
