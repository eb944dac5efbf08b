"""Can vectors be of the model that made others?"""

from __future__ import annotations

import numpy as np

# directions that have nothing to do with each other: cosines of deviation 1/sqrt(dimension). The
# largest of some hundreds is 3.2 deviations; a text of the same field is nearer than 5 to some other
STRANGE_DEVIATIONS = 5.0
UNIT_SLACK = 0.01


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """The same directions in length 1: float64 (n, dimension); a row without one stays zero."""
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 0, lengths, 1.0))


def look_strange(vectors: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which of `vectors` (n, dimension) are not of the model that made `known` (m, dimension).

    Strange is what is near to none of `known`, or of another length where all of those have length 1.
    With a low dimension chance is near to everything, and nothing is strange.
    """
    if not len(known):
        return np.zeros(len(vectors), bool)
    limit = min(0.9, STRANGE_DEVIATIONS / np.sqrt(known.shape[1]))
    with np.errstate(all="ignore"):
        nearest = (unit_rows(vectors) @ unit_rows(known).T).max(axis=1)
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    is_unit = bool(np.abs(np.linalg.norm(known.astype(np.float64), axis=1) - 1).max() < 1e-3)
    other_length = (np.abs(lengths - 1) > UNIT_SLACK) if is_unit else np.zeros(len(vectors), bool)
    return np.asarray(~(nearest >= limit) | other_length)
