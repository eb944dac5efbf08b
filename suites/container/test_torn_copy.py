"""RB-2: a volume copied while the server writes is no backup, and is found out."""

import numpy as np
import pytest

from chromadrill.disasters.container import torn_copy

pytestmark = [pytest.mark.container, pytest.mark.runbook("RB-2")]
ROWS = 2000  # more than the index keeps in memory: its files change


@pytest.mark.needs("recreate")
@pytest.mark.needs("snapshot")
def test_copy_of_a_volume_that_is_written_to_is_refused(drill, chroma, writes, tmp_path):
    """On-call learns before the disaster that the copy is torn; the snapshot of the same day holds."""

    def write(first):
        ids = [f"row-{first + n}" for n in range(ROWS)]
        vectors = np.random.default_rng(first).normal(size=(ROWS, 8)).astype(np.float32)
        chroma.upsert(writes, ids=ids, vectors=vectors, documents=ids)

    torn = tmp_path / "torn"
    with drill.given("a server that holds records, and a snapshot of it"):
        write(0)
        snapshot = drill.backup(drill.ops("snapshot"))
    with drill.when("somebody copies the volume, and clients write before the copy has ended"):
        torn_copy(drill.target, torn, meanwhile=lambda: write(ROWS))
        drill.note("compared", records=chroma.count(writes), collections={writes.key: 2 * ROWS})
    with drill.then("the copy is refused, and the snapshot is not"):
        validate = ("validate", "--all", "--serve", "--path")
        drill.expect_refusal(*validate, str(torn), message="FAIL")
        beside = str(snapshot.path / "fingerprint")
        drill.command(*validate, str(snapshot.path), "--fingerprint", beside)
