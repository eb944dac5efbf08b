"""RB-8: the monthly drill, as its six steps."""

import numpy as np
import pytest

from chromadrill.checks.availability import availability
from chromadrill.checks.objectives import disaster_seen, recovery_time, within
from chromadrill.core.clock import now
from chromadrill.core.model import Scope

pytestmark = [pytest.mark.drill, pytest.mark.runbook("RB-8")]


@pytest.mark.needs("restart")
@pytest.mark.needs("snapshot")
def test_monthly_drill_in_six_steps(drill, outage, chroma, objectives, run_name, corruption):
    """Create, snapshot, corrupt, restore, validate, document: the runbook's monthly exercise."""
    with drill.given("1. a new collection"):
        started = now()
        created = chroma.create_collection(Scope(), f"drill-{run_name}-monthly")
        creation_s = now() - started
        ids = [f"record-{n}" for n in range(100)]
        chroma.upsert(created, ids=ids, vectors=np.eye(100, dtype=np.float32), documents=ids)
    with drill.given("2. a snapshot"):
        snapshot = drill.backup(drill.ops("snapshot"))
    with drill.when("3. the database is corrupted"):
        injection = outage.inject(corruption)
    with drill.when("4. the snapshot is restored"):
        drill.ops("stop")
        drill.ops("restore", snapshot.id)
        drill.ops("start")
        recovered_s = outage.wait_for_recovery(within_s=objectives.rb8_recovery_s)
    with drill.then("5. it is validated"):
        proven = drill.prove(snapshot.fingerprint)
    with drill.then("6. the recovery time is documented"):
        drill.judge(
            disaster_seen(injection),
            recovery_time(recovered_s, objectives.rb8_recovery_s, proven=proven),
            *availability(outage.client_view(), objectives),
            within(
                "collection creation", creation_s, objectives.collection_creation_s, what="made"
            ),
        )
