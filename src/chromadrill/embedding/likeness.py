"""How like vectors are in direction."""

from __future__ import annotations

import numpy as np


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Of two vectors; NaN where one has no direction."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else float("nan")


def cosines(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of every row with every row, float64 of shape (ones, others); NaN without a direction."""
    a, b = ones.astype(np.float64), others.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)[None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(lengths == 0, np.nan, (a @ b.T) / lengths))


def row_cosines(ones: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Row by row, of two matrices (n, dimension): float64 (n,); NaN without a direction."""
    a, b = ones.astype(np.float64), others.astype(np.float64)
    with np.errstate(all="ignore"):  # a damaged vector may hold NaN or 1e300
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        return np.asarray(np.einsum("ij,ij->i", a, b) / np.where(lengths > 0, lengths, np.nan))


def is_shuffled(wanted: np.ndarray, got: np.ndarray, least: float) -> bool:
    """Whether `got` are the rows of `wanted` in another order: each is there, and not all in place."""
    alike = cosines(wanted, got) >= least
    if bool(np.diagonal(alike).all()):
        return False
    return bool(alike.any(axis=1).all()) and len(wanted) > 1
