"""By which metric a collection really answers: its listing does not always say.

Measured on 1.5.9. At creation the metadata `hnsw:space` counts only where configuration and schema
are the defaults; from then on the listing is the truth. A collection made by 0.6 lists the bare
defaults whatever it uses, its metadata decides. One of 1.x whose metadata was replaced later lists
just the same, and there the metadata means nothing: those two only a question tells apart.
"""

from __future__ import annotations

import numpy as np

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.model import CollectionInfo

_ASKED = 8  # records tried: a zero vector has no direction


def true_space(chroma: Chroma, info: CollectionInfo) -> str:
    """The metric that queries use: asked of the server where the listing does not decide.

    An empty collection is taken at its word. Raises CallFailed.
    """
    if info.listing_decides:
        return info.space
    return measured_space(chroma, info) or info.space


def measured_space(chroma: Chroma, info: CollectionInfo) -> str | None:
    """The metric by which a collection answers, from one record and its distance; None if empty.

    The question is the record's own vector, doubled and turned a little: the three metrics then
    differ widely.
    """
    got = chroma.get(info, include=("embeddings",), limit=_ASKED)
    for record, row in zip(got["ids"], got.get("embeddings") or [], strict=False):
        vector = np.asarray(row, np.float64)
        size = float(np.linalg.norm(vector)) if row is not None else 0.0
        if not np.isfinite(size) or size == 0:
            continue
        asked = (2 * vector + 0.5 * np.roll(vector, 1)).astype(np.float32).astype(np.float64)
        distances = {
            "l2": float(((vector - asked) ** 2).sum()),
            "cosine": 1 - float(vector @ asked) / size / float(np.linalg.norm(asked)),
            "ip": 1 - float(vector @ asked),
        }
        found = _distance(chroma, info, record, asked)
        fits = [
            space
            for space, distance in distances.items()
            if found is not None and abs(found - distance) <= 1e-3 * max(abs(distance), 1e-3)
        ]
        if len(fits) == 1:
            return fits[0]
    return None


def _distance(chroma: Chroma, info: CollectionInfo, record: str, asked: np.ndarray) -> float | None:
    try:
        answer = chroma.query(info, asked[None, :], n_results=1, ids=[record])
    except CallFailed as error:
        if error.status == 0 or error.status >= 500:
            raise
        return None  # an older server that cannot ask about one record
    # 0.6 does not mind `ids`: its nearest may be another record
    near = dict(zip(answer["ids"][0], answer["distances"][0], strict=True)).get(record)
    return None if near is None else float(near)
