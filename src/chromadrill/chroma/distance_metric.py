"""The metric by which a collection really answers. It is measured and never believed.

No listing and no metadata can be relied upon: a collection of 0.4 to 0.6 whose metadata was replaced
lists l2, names no metric, and answers by cosine (chroma 2515).

Measured on 1.5.9. At creation the metadata `hnsw:space` counts only where configuration and schema
are the defaults; from then on the listing is the truth. A collection made by 0.6 lists the bare
defaults whatever it uses: its metadata decides. A collection of 1.x whose metadata was replaced
later lists just the same, and there the metadata means nothing. Only a query tells these two apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.core.model import CollectionInfo

Vector = npt.NDArray[np.float64]
_RECORDS = 8  # tried
_MORE = 1000  # looked at where those have no direction (zero vectors)


def true_space(chroma: Chroma, info: CollectionInfo) -> str:
    """Return the metric of queries, l2, cosine or ip, as the server's own answer shows it.

    A collection without a vector that tells the metrics apart is taken at its word. Raises CallFailed.
    """
    return space_of_answers(chroma, info) or info.space


def space_of_answers(chroma: Chroma, info: CollectionInfo) -> str | None:
    """Return the metric by which a collection answers, None if it is empty. Raises CallFailed.

    The query vector is one record's own, doubled and turned a little: by the distance of that record
    from it the three metrics differ widely.
    """
    vectors = _vectors(chroma, info, _RECORDS)
    if len(vectors) == _RECORDS and not any(map(_has_direction, vectors.values())):
        vectors = _vectors(chroma, info, _MORE)
    directed = [record for record, vector in vectors.items() if _has_direction(vector)]
    for record in directed[:_RECORDS]:
        vector = vectors[record]
        size = float(np.linalg.norm(vector))
        query = (2 * vector + 0.5 * np.roll(vector, 1)).astype(np.float32).astype(np.float64)
        distances = {
            "l2": float(((vector - query) ** 2).sum()),
            "cosine": 1 - float(vector @ query) / size / float(np.linalg.norm(query)),
            "ip": 1 - float(vector @ query),
        }
        answer = _distance(chroma, info, record, query)
        fits = [
            space
            for space, distance in distances.items()
            if answer is not None and abs(answer - distance) <= 1e-3 * max(abs(distance), 1e-3)
        ]
        if len(fits) == 1:
            return fits[0]
    zero = next((record for record, vector in vectors.items() if not vector.any()), None)
    return None if directed or zero is None else _space_of_zero(chroma, info, zero, vectors[zero])


def _space_of_zero(chroma: Chroma, info: CollectionInfo, record: str, zero: Vector) -> str | None:
    """The metric of a collection of zero vectors: cosine and ip answer 1 to any question alike."""
    query = zero + 2
    answer = _distance(chroma, info, record, query)
    if answer is None:
        return None
    if abs(answer - float((query**2).sum())) <= 1e-3:
        return "l2"
    named = (info.space, (info.metadata or {}).get("hnsw:space"))
    return next((space for space in named if space in ("cosine", "ip")), "cosine")


def _vectors(chroma: Chroma, info: CollectionInfo, count: int) -> dict[str, Vector]:
    raw = chroma.get(info, include=("embeddings",), limit=count)
    rows = zip(raw["ids"], raw.get("embeddings") or [], strict=False)
    return {record: np.asarray(row, np.float64) for record, row in rows if row is not None}


def _has_direction(vector: Vector) -> bool:
    size = float(np.linalg.norm(vector))
    return bool(np.isfinite(size)) and size > 0


def _distance(chroma: Chroma, info: CollectionInfo, record: str, query: Vector) -> float | None:
    try:
        answer = chroma.query(info, query[None, :], n_results=1, ids=[record])
    except CallFailed as error:
        if error.status == 0 or error.status >= 500:
            raise
        return None  # an older server that cannot ask about one record
    # 0.6 does not mind `ids`: its nearest may be another record
    distances = dict(zip(answer["ids"][0], answer["distances"][0], strict=True))
    near = distances.get(record)
    return None if near is None else float(near)
