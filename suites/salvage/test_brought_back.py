"""A sample of the faults goes all the way: a new data directory, served and read as clients read it."""

import numpy as np
import pytest

from chromadrill.backups.manifest import files_of
from chromadrill.disasters.catalogue.faults import FAULT_SPECS, bind
from chromadrill.recovery.salvage.bring_back import bring_back
from chromadrill.workload.data.edge_cases import SCOPES
from fixtures.seeded_store import serve
from suites.salvage.raw_values import served_records

pytestmark = pytest.mark.salvage
NAMES = ("header_magic", "data_level0_half", "index_metadata_deleted", "length_deleted")
SERVED = [spec for spec in FAULT_SPECS if spec.name in NAMES]


@pytest.mark.parametrize("spec", SERVED, ids=lambda spec: spec.name)
def test_a_new_data_directory_is_served_with_all_that_was_left(
    seeded_store, sound, copy, tmp_path, spec
):
    bind(spec, seeded_store.data, seeded_store.older).inject(copy)
    files, left, new = files_of(copy), sound.left_in(copy), tmp_path / "new"

    bring_back(copy, new, seeded_store.before)

    assert files_of(copy) == files, "the original was changed"
    with serve(new) as url:
        records = served_records(url, [(one.tenant, one.database) for one in SCOPES])
    assert records.keys() == left.ids & left.vectors
    for id_, record in records.items():
        true = sound.records[id_]
        assert record[:3] == true[:3], id_
        # a cosine collection's vectors are made unit vectors once more: an ulp
        one, two = (np.frombuffer(each.vector, "<f4") for each in (record, true))
        assert np.allclose(one, two, rtol=1e-6, atol=0), id_
