"""RB-2: the data is lost or damaged; the latest snapshot is restored."""

import pytest

from chromadrill.checks.availability import availability
from chromadrill.checks.objectives import data_loss, disaster_seen, recovery_time
from chromadrill.disasters.files import DATABASE_CORRUPTED, SEGMENT_DELETED, VOLUME_LOST
from chromadrill.workload.writer import Writer, read_complete_writes

pytestmark = [pytest.mark.drill, pytest.mark.runbook("RB-2")]


@pytest.mark.needs("restart")
@pytest.mark.needs("volume")
@pytest.mark.needs("snapshot")
@pytest.mark.parametrize("method", ["volume-copy", "export"])
@pytest.mark.parametrize("disaster", [VOLUME_LOST, DATABASE_CORRUPTED, SEGMENT_DELETED], ids=str)
def test_snapshot_is_restored(
    drill, outage, chroma, writes, healthy_backup, objectives, disaster, method
):
    """On-call restores the latest snapshot: all of it is back, in time, and answers correctly."""
    with drill.given("a snapshot, and clients that went on writing after it"):
        snapshot = healthy_backup(method)
        with Writer(drill.target.url, writes) as writer:
            writer.wait_for(25)
    with drill.when(f"disaster: {disaster.what}"):
        injection = outage.inject(disaster)
    with drill.when("on-call follows RB-2: stop, restore, start"):
        drill.ops("stop")
        drill.ops("restore", snapshot.id)
        drill.ops("start")
        recovered_s = outage.wait_for_recovery(within_s=objectives.rb2_recovery_s)
    with drill.then("everything in the snapshot is back and answers, also after a restart"):
        proven = drill.prove(snapshot.fingerprint, imported=snapshot.imported)
        present = read_complete_writes(chroma, chroma.collection(writes.scope, writes.name))
        drill.judge(
            disaster_seen(injection),
            recovery_time(recovered_s, objectives.rb2_recovery_s, proven=proven),
            *availability(outage.client_view(), objectives),
            data_loss(writer.acknowledged, present, injection.epoch, objectives.data_loss_s),
        )
