"""Can vectors be of the model that made others?"""

from __future__ import annotations

import numpy as np

# cosines of directions that have nothing to do with each other have a deviation of 1/sqrt(dimension);
# one in 150,000 is beyond 4.5 of them
CHANCE_DEVIATIONS = 4.5
OWN_SHARE = 0.95  # of the vectors that are known: so many must be nearer than chance to another one
UNIT_SLACK = 0.01


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """The same directions in length 1: float64 (n, dimension); a row without one stays zero."""
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 0, lengths, 1.0))


def is_strange(vectors: np.ndarray, known: np.ndarray) -> list[bool | None]:
    """Whether each of `vectors` (n, dimension) is not of the model that made `known` (m, dimension).

    A text of the field is nearer to some known one than chance brings directions together. A vector
    that is not is strange, if nearly all known ones are that near to another; else nobody can tell:
    None. So is one of another length, where all known ones have length 1.
    """
    if not len(known):
        return [None] * len(vectors)
    limit = CHANCE_DEVIATIONS / np.sqrt(known.shape[1])
    directions = unit_rows(known)
    with np.errstate(all="ignore"):
        is_near = (unit_rows(vectors) @ directions.T).max(axis=1) >= limit
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    among = directions @ directions.T
    np.fill_diagonal(among, -1.0)
    is_telling = len(known) > 1 and float((among.max(axis=1) >= limit).mean()) >= OWN_SHARE
    has_unit = bool(np.abs(np.linalg.norm(known.astype(np.float64), axis=1) - 1).max() < 1e-3)
    return [
        True if has_unit and abs(length - 1) > UNIT_SLACK
        else False if near
        else True if is_telling
        else None
        for near, length in zip(is_near.tolist(), lengths.tolist(), strict=True)
    ]  # fmt: skip
