"""Every fault of the catalogue that leaves something: all of it comes back, and nothing else does.

The comparator is not the harness's: raw values of the sound store, as a server answers them, against
raw values of what came out.
"""

import os
from collections import Counter

import pytest

from chromadrill.backups.manifest import files_of
from chromadrill.chroma.at_rest import StoreUnknown
from chromadrill.core.errors import Unavailable
from chromadrill.disasters.catalogue.faults import FAULT_SPECS, bind
from chromadrill.recovery.salvage.readable_store import readable_store
from chromadrill.recovery.salvage.reading import read_all
from suites.salvage.expectations import CUT, DOUBTFUL, SILENT
from suites.salvage.raw_values import SQLITE, record_of

pytestmark = pytest.mark.salvage
COUNTED = (
    "ids_left", "ids_read", "documents_left", "documents_back", "vectors_left", "vectors_back",
    "brought_back", "exact", "earlier", "wrong_vectors", "wrong_texts", "unknown",
)  # fmt: skip


class Outcome:
    """What came out of a salvage, by id: each record that was taken, and each loss."""

    def __init__(self, data, before):
        self.records, self.losses, self.is_paged = {}, [], False
        try:
            with readable_store(data, before) as readable:
                self.is_paged = readable.remains is not None
                read_all(readable, before, self.losses.append, lambda _: None, self._take)
        except (Unavailable, StoreUnknown):
            pass  # nothing came out of it

    def _take(self, _, pages):
        for page in pages:
            rows = zip(
                page.ids, page.documents, page.metadatas, page.uris, page.vectors, strict=True
            )
            for id_, *values in rows:
                self.records.setdefault(id_, []).append(record_of(*values))


def compare(outcome, sound, left):
    """Count, over ids of the sound store, what is right and wrong in what was taken.

    `earlier`: records as they were at the store's earlier instant, which some faults bring back.
    """
    count = Counter(dict.fromkeys(COUNTED, 0))
    lost = {line["id"] for line in outcome.losses if line["lost"].startswith("its vector is")}
    for id_, true in sound.records.items():
        versions = outcome.records.get(id_, [])
        is_read = bool(versions) or id_ in lost
        count["ids_left"] += id_ in left.ids
        count["ids_read"] += is_read and id_ in left.ids
        count["vectors_left"] += id_ in left.vectors
        is_exact = any(one.vector == true.vector for one in versions)
        count["vectors_back"] += is_exact and id_ in left.vectors
        count["brought_back"] += bool(versions)
        count["exact"] += true in versions
        of_now = [one for one in versions if one != sound.older.get(id_)]
        count["earlier"] += true not in versions and len(of_now) < len(versions)
        count["wrong_vectors"] += any(one.vector != true.vector for one in of_now)
        if versions:  # the text of a record without a vector is taken by nobody
            is_left = id_ in left.documents and id_ in left.ids
            count["documents_left"] += is_left
            count["documents_back"] += is_left and any(
                one.document == true.document for one in versions
            )
            count["wrong_texts"] += any(one[:3] != true[:3] for one in of_now)
    unknown = outcome.records.keys() - sound.records.keys()
    count["unknown"] = sum([sound.older.get(id_)] != outcome.records[id_] for id_ in unknown)
    return count


@pytest.mark.parametrize("spec", FAULT_SPECS, ids=lambda spec: f"{spec.family}-{spec.name}")
def test_what_a_fault_leaves_comes_back(seeded_store, sound, copy, record_property, spec):
    if spec.needs_non_root and os.geteuid() == 0:
        pytest.skip("root may read everything: run it as another user")
    bind(spec, seeded_store.data, seeded_store.older).inject(copy)
    files = files_of(copy)
    if not (copy / SQLITE).is_file():  # the command refuses: nothing is left
        record_property("salvage", {"family": spec.family, "name": spec.name, "what": spec.what})
        return
    left = sound.left_in(copy)
    row = {"family": spec.family, "name": spec.name, "what": spec.what}
    for kind, before in (("alone", None), ("proven", seeded_store.before)):
        outcome = Outcome(copy, before)
        count = compare(outcome, sound, left)
        row[kind] = {**count, "listed": len(outcome.losses), "is_paged": outcome.is_paged}
    record_property("salvage", row)

    assert files_of(copy) == files, "the original was changed"
    require_bars(spec.name, row["proven"], is_proven=True)
    require_bars(spec.name, row["alone"], is_proven=False)


def require_bars(name, count, *, is_proven):
    """All that is readable came back, nothing wrong; without a fingerprint some cannot be told."""
    share = CUT.get(name, 1)
    if is_proven or name not in SILENT:
        assert count["wrong_vectors"] == 0, count
    if is_proven or name not in DOUBTFUL | SILENT:
        assert count["vectors_back"] >= share * count["vectors_left"], count
    if is_proven or name not in DOUBTFUL:
        assert count["ids_read"] >= share * count["ids_left"], count
        assert count["documents_back"] >= share * count["documents_left"], count
