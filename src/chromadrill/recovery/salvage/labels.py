"""Which row of an index is whose: labels that have two witnesses, and those that have one."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chromadrill.chroma.at_rest.id_hashes import Hashes, IdMap, Numbers
from chromadrill.chroma.remains.index import IndexRemains


class Labels(NamedTuple):
    """`names`: id -> label. `witnessed`: hashes, sorted, of the ids whose label two places say.

    `are_paired`: no place says a label; records and rows were paired in their order.
    """

    names: IdMap
    witnessed: Hashes
    are_paired: bool = False

    def is_witnessed(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Whether the label of each id has a second witness."""
        if not len(self.witnessed):
            return np.zeros(len(hashes), np.bool_)
        places = np.minimum(np.searchsorted(self.witnessed, hashes), len(self.witnessed) - 1)
        return np.asarray(self.witnessed[places] == hashes, np.bool_)


def labels_of(index: IndexRemains, ids: Hashes, numbers: Numbers) -> Labels:
    """Return the labels of records. `numbers`: of the records `ids` in the database, ascending.

    Where the two maps of the pickle disagree or one is cut off, labels that ascend as the records do
    have their second witness in that order.
    """
    if index.is_of_another_length:
        return Labels(index.names, ids[:0])
    if index.labels_agree:
        return Labels(index.names, index.names.hashes)
    labels = index.names.numbers_of(ids)
    has = np.flatnonzero(labels >= 0)
    if not len(has):
        return _paired(index, ids)
    ordered = has[_ascending(labels[has])]
    # a chain of two is no order
    in_order = ids[ordered] if len(ordered) > 2 and 2 * len(ordered) > len(has) else ids[:0]
    return Labels(index.names, np.unique(np.concatenate([index.agreeing, in_order])))


def _paired(index: IndexRemains, ids: Hashes) -> Labels:
    """As many live rows as records, and nothing that says whose: one after the other, unproven."""
    live = index.sorted_labels[~index.is_deleted[index.order]].astype(np.int64)
    if len(live) != len(ids):
        return Labels(IdMap(ids[:0], ids[:0]), ids[:0])
    return Labels(IdMap(ids, live), ids[:0], are_paired=True)


def _ascending(labels: Numbers) -> npt.NDArray[np.int64]:
    """The places of a longest run of ascending labels: one wrong label costs itself alone."""
    ends: list[int] = []
    places: list[int] = []
    before = np.full(len(labels), -1, np.int64)
    for place, label in enumerate(labels.tolist()):
        at = bisect_left(ends, label)
        before[place] = places[at - 1] if at else -1
        if at == len(ends):
            ends.append(label)
            places.append(place)
        else:
            ends[at], places[at] = label, place
    run, place = [], places[-1] if places else -1
    while place >= 0:
        run.append(place)
        place = int(before[place])
    return np.array(run[::-1], np.int64)
