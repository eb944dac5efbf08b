"""Digests of texts as numbers: what is known of millions of them takes 8 bytes each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Digests = npt.NDArray[np.uint64]
_BYTES = 16


def text_digests(texts: Sequence[str]) -> Digests:
    """Return uint64 of shape (len(texts), 2): what a text is looked up by, and what confirms it."""
    hasher = hashlib.blake2b
    data = b"".join(
        hasher(text.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest() for text in texts
    )
    return np.frombuffer(data, "<u8").reshape(len(texts), 2)
