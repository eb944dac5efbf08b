"""The records of a large collection that are read again after a restart.

A server that was read to its end is started again on the same files. What can have changed by that is
the index that it loads, and what the log had for it: every count and every answer shows that, and so do
the newest records and a sample of all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from chromadrill.chroma.client import CallFailed, Chroma
from chromadrill.chroma.fingerprint.digests import RECORDS
from chromadrill.chroma.fingerprint.grader import SELF_RECALL_MAX, LowestHashes
from chromadrill.core.model import CollectionPrint, Fingerprint, Observation
from chromadrill.core.records.streams import KEY, Records, RecordsInMemory

NEWEST = 1000  # records: what an index file may lack, by default, before it is written


@dataclass(frozen=True, slots=True)
class RestartSample:
    """`first`: what was read before the restart. `ids`: by collection, who is read again.

    A collection that is not in `ids` is read to its end.
    """

    first: Fingerprint
    ids: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of(self, fingerprint: Fingerprint) -> Fingerprint:
        """Return the fingerprint with the records of the sample alone; its counts stay."""
        collections = {
            key: dataclasses.replace(one, records=_chosen(one.records, self.ids[key]))
            if key in self.ids
            else one
            for key, one in fingerprint.collections.items()
        }
        return dataclasses.replace(fingerprint, collections=collections)


def choose(chroma: Chroma, observation: Observation) -> RestartSample:
    """Return whom to read again of what was just read of `chroma`."""
    ids: dict[str, list[str]] = {}
    for key, one in observation.fingerprint.collections.items():
        if one.count > SELF_RECALL_MAX and len(one.records) == one.count:
            try:
                ids[key] = sorted({*_lowest(one), *_newest(chroma, one)})
            except CallFailed:
                continue  # then it is read to its end, which says what is the matter
    return RestartSample(observation.fingerprint, ids)


def _lowest(collection: CollectionPrint) -> list[str]:
    lowest = LowestHashes(SELF_RECALL_MAX)
    for table in collection.records.batches():
        lowest.add(table[KEY].to_pylist())
    return lowest.ids()


def _newest(chroma: Chroma, collection: CollectionPrint) -> list[str]:
    raw = chroma.get(collection.info, limit=NEWEST, offset=collection.count - NEWEST)
    return list(raw["ids"])


def _chosen(records: Records, ids: Sequence[str]) -> Records:
    wanted = pa.array(ids, pa.string())
    parts = [table.filter(pc.is_in(table[KEY], wanted)) for table in records.batches()]
    return RecordsInMemory(pa.concat_tables([RECORDS.empty_table(), *parts]).combine_chunks())
