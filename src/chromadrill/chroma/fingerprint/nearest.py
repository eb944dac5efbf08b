"""The exact nearest neighbours of some vectors among all records, read page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

NEIGHBOURS = 10
# of a distance in float32, times dimension and size: four times what the sum of so many products
# can be wrong by. What is that near to the tenth neighbour is calculated again in float64
ROUGHNESS = 2.0**-22
# of a product in float32, times dimension and size: what a server's sum of so many can be wrong by
ROUNDING = 2.0**-24
SHORTEST = 1e-15  # the square of a length below this is none in float32


class NearestNeighbours:
    """The NEIGHBOURS nearest records of each of `queries`, float32 (q, dimension), in flat memory."""

    def __init__(self, queries: np.ndarray, space: str) -> None:
        self._queries, self._space = queries, space
        self._best: list[tuple[np.ndarray, list[str]]] = [(np.empty(0), []) for _ in queries]
        self._best_lengths = [np.empty(0) for _ in queries]
        self._reach = np.full(
            len(queries), np.inf
        )  # distance of the last neighbour, once there are ten

    def read(self, ids: Sequence[str], vectors: np.ndarray, keep: np.ndarray) -> None:
        """Take in the next records, float32 (n, dimension); `keep`, bool (q, n): who may be whose."""
        if not len(self._queries):
            return
        with np.errstate(all="ignore"):  # damaged vectors may hold NaN, or overflow
            for row, places in self._candidates(vectors, keep):
                exact, lengths = _exact(self._queries[row], vectors[places], self._space)
                self._merge(row, exact, [ids[place] for place in places.tolist()], lengths)

    def value(self, row: int) -> tuple[np.ndarray, list[str]]:
        """Return the distances of query `row` to its neighbours, nearest first, and their ids."""
        return self._best[row]

    def rounding(self, row: int) -> tuple[float, ...]:
        """Return how far a right server's distance of query `row` to each neighbour may be off.

        It is that of inner products, which is the larger the longer both vectors are; products of normal
        vectors are near 0 beside it. In the other spaces it is a part of the distance: nothing.
        """
        if self._space != "ip":
            return ()
        query = self._queries[row]
        own = float(np.linalg.norm(query.astype(np.float64))) * len(query) * ROUNDING
        return tuple((own * self._best_lengths[row]).tolist())

    def _candidates(
        self, vectors: np.ndarray, keep: np.ndarray
    ) -> Iterator[tuple[int, np.ndarray]]:
        """The rows that may be among the neighbours of a query, by distances in float32."""
        rough, slack = _rough_distances(self._queries, vectors, self._space)
        # both are NaN where one is
        is_sound = np.isfinite(rough.min()) and np.isfinite(rough.max())
        # in float32: what this rounds away is a thirtieth of the slack at most
        bounds = (self._reach + slack).astype(np.float32)[:, None]
        near = keep & (rough <= bounds) if is_sound else keep
        for row in np.flatnonzero(near.any(axis=1)):  # after some pages few queries have any
            places = np.flatnonzero(near[row])
            if is_sound and len(places) > 2 * NEIGHBOURS:
                places = _nearest(places, rough[row], 2 * slack[row])
            yield int(row), places

    def _merge(self, row: int, exact: np.ndarray, names: list[str], lengths: np.ndarray) -> None:
        known, known_names = self._best[row]
        values, names = np.concatenate([known, exact]), known_names + names
        order = np.argsort(values, kind="stable")[:NEIGHBOURS]
        self._best[row] = (values[order], [names[place] for place in order])
        self._best_lengths[row] = np.concatenate([self._best_lengths[row], lengths])[order]
        if len(order) == NEIGHBOURS:
            self._reach[row] = values[order[-1]]


def _nearest(places: np.ndarray, rough: np.ndarray, slack: float) -> np.ndarray:
    """Those of `places` whose distance in float32 is that of the tenth nearest, or within `slack`."""
    near = rough[places]
    tenth = np.partition(near, NEIGHBOURS - 1)[NEIGHBOURS - 1]
    chosen: np.ndarray = places[near <= tenth + slack]
    return chosen


def _rough_distances(a: np.ndarray, v: np.ndarray, space: str) -> tuple[np.ndarray, np.ndarray]:
    """Return distances in float32, (queries, vectors), and how wrong those of each query can be.

    The distances are NaN where the squares of a vector are too small or too large for float32.
    """
    lengths, own = _lengths(v), _lengths(a)
    rough: np.ndarray = a @ v.T
    longest = lengths.max()
    # in place: there is one for each query and record
    if space == "cosine":
        rough /= -own[:, None]  # 1 - product / own / lengths
        rough /= lengths
        rough += 1
        scale = np.ones(len(a))
    elif space == "l2":
        rough *= -2
        rough += (own * own)[:, None]
        rough += lengths * lengths
        scale = (own + longest) ** 2
    else:
        np.subtract(1 + 0 * lengths, rough, out=rough)
        scale = np.linalg.norm(a, axis=1) * longest + 1  # also of a query that has no length
    return rough, scale.astype(np.float64) * (a.shape[1] + 8) * ROUGHNESS


def _lengths(rows: np.ndarray) -> np.ndarray:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.where((lengths < SHORTEST) | np.isinf(lengths), np.float32(np.nan), lengths)


def distances(queries: np.ndarray, vectors: np.ndarray, space: str) -> np.ndarray:
    """Return Chroma's distances, float64 of shape (queries, vectors).

    `space`: l2 gives the square, cosine 1 - cosine, ip 1 - product.
    """
    with np.errstate(all="ignore"):  # damaged vectors may hold NaN
        rows = [_exact(query, vectors, space)[0] for query in queries]
        return np.array(rows).reshape(len(queries), len(vectors))


def _exact(query: np.ndarray, vectors: np.ndarray, space: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances of one query, float64 (n,), and the lengths of the vectors."""
    own, v = query.astype(np.float64), vectors.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", v, v))
    # by the differences: squares of long vectors cancel to nothing of the distance
    if space == "l2":
        differences = v - own
        return np.einsum("ij,ij->i", differences, differences), lengths
    product = v @ own
    if space == "cosine":
        scale = np.sqrt(own @ own) * lengths
        product /= np.where(scale == 0, 1.0, scale)
    return 1.0 - product, lengths
