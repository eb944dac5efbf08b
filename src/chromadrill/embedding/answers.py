"""What an embedding function answered, as vectors. Each thing that is wrong with it has a sentence.

A wrong answer that is written makes records that no question finds, and nothing else shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from chromadrill.core.errors import Unavailable
from chromadrill.core.plural import plural


class WrongAnswer(Unavailable):
    """An embedding function answered, and what it answered are not the vectors of the texts."""


def vectors_of(name: str, answer: object, texts: int, dimension: int | None) -> np.ndarray:
    """float32 of shape (texts, dimension). Raises WrongAnswer. `dimension` None: not known yet."""
    if isinstance(answer, np.ndarray):
        answer = list(answer)
    if not isinstance(answer, list | tuple):
        raise _wrong(name, f"answered {type(answer).__name__}, not a list of vectors")
    if len(answer) != texts:
        raise _wrong(name, f"gave {plural(len(answer), 'vector')} for {plural(texts, 'document')}")
    try:
        rows = [np.asarray(row, np.float32) for row in answer]
    except (TypeError, ValueError) as error:
        raise _wrong(name, "gave a vector that holds something else than numbers") from error
    width = dimension or (rows[0].shape[0] if rows[0].ndim == 1 else 0)
    for row in rows:
        if row.ndim != 1 or len(row) != width or not width:
            got = len(row) if row.ndim == 1 else "x".join(map(str, row.shape)) or 1
            raise _wrong(name, f"gave a vector of {got} numbers, wanted {width or 'some'}")
        if not np.isfinite(row).all():
            raise _wrong(name, "gave a vector with NaN or infinity in it")
    return np.stack(rows)


def require_order(name: str, indices: Sequence[int] | None) -> None:
    """Raise WrongAnswer where the service itself says that vectors come in another order.

    chromadb's functions take them as they come, whatever index the service gives each.
    """
    if indices and not all(before < after for before, after in pairwise(indices)):
        raise another_order(name)


def another_order(name: str) -> WrongAnswer:
    return _wrong(name, "gave vectors in another order than that of the documents")


def _wrong(name: str, what: str) -> WrongAnswer:
    return WrongAnswer(
        f"{name} {what}. Nothing of that answer was written.",
        next_step="See what answers there; the same command goes on where this one stopped.",
    )
