"""What is known of all records that a split makes of a source, in flat memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import orjson

from chromadrill.recovery.sources.rows import Row
from chromadrill.recovery.text_digests import text_digests

SUMS = 1 << 64


class RecordIds:
    """The ids of all records, 8 bytes each, and a sum over what they hold: two readings are compared."""

    def __init__(self) -> None:
        self._parts: list[npt.NDArray[np.uint64]] = []
        self._sorted: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
        self.count, self.sum = 0, 0

    def add(self, records: Sequence[Row]) -> None:
        """Take in records; all of them come before `repeated` and `holds` are asked."""
        self._parts.append(_keys([record.id for record in records]))
        self.count += len(records)
        self.sum = (self.sum + content_sum(records)) % SUMS

    def repeated(self) -> npt.NDArray[np.uint64]:
        """The digests of ids that come more than once."""
        self._sorted = np.sort(np.concatenate([*self._parts, np.empty(0, np.uint64)]))
        self._parts = []
        return np.unique(self._sorted[1:][self._sorted[1:] == self._sorted[:-1]])

    def holds(self, ids: Sequence[str]) -> set[str]:
        """Those of `ids` that are here."""
        known = np.isin(_keys(ids), self._sorted) if ids else np.empty(0, bool)
        return {record for record, is_known in zip(ids, known.tolist(), strict=True) if is_known}


def having(records: Sequence[Row], keys: npt.NDArray[np.uint64]) -> list[str]:
    """The ids of those records whose ids have these digests."""
    ids = [record.id for record in records]
    has = np.isin(_keys(ids), keys).tolist() if ids else []
    return [record for record, is_one in zip(ids, has, strict=True) if is_one]


def content_sum(records: Sequence[Row]) -> int:
    """A number of the records, whatever their order; below 2 ** 64."""
    texts = [
        orjson.dumps(
            [record.id, record.content, record.metadata, record.uri], option=orjson.OPT_SORT_KEYS
        ).decode()
        for record in records
    ]
    return int(sum(text_digests(texts)[:, 0].tolist()) % SUMS) if texts else 0


def _keys(ids: Sequence[str]) -> npt.NDArray[np.uint64]:
    return text_digests(ids)[:, 0]
