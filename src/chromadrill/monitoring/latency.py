"""How long a search takes, as its client sees it: raw samples, one query at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.clock import now
from chromadrill.model import Samples, Scope


def time_searches(chroma: Chroma, scopes: Sequence[Scope], wanted: int) -> Samples:
    """Ask `wanted` questions, records' own vectors, of the largest collection.

    A failed query, and one that returns nothing, is an error, never a fast answer. No collection
    with records: no samples.
    """
    infos = [(chroma.count(i), i) for s in scopes for i in chroma.collections(s)]
    count, info = max(infos, key=lambda each: each[0], default=(0, None))
    if info is None or not count:
        return Samples(())
    vectors = np.concatenate(
        [
            chroma.page(info, limit=50, offset=int(at)).vectors
            for at in np.linspace(0, max(0, count - 50), 4)
        ]
    )
    samples: list[float] = []
    errors: list[str] = []
    for number in range(wanted):
        started = now()
        try:
            found = chroma.query(info, vectors[number % len(vectors)][None, :])
        except CallFailed as error:
            errors.append(str(error))
            continue
        samples.append(1000 * (now() - started))
        if not found["ids"][0]:
            errors.append("a search returned nothing")
    return Samples(tuple(samples), tuple(errors))
