"""RB-2 on a target whose files cannot be had: the data is damaged over the API, a backup restored."""

import pytest

from chromadrill.checks.availability import availability
from chromadrill.checks.objectives import data_loss, disaster_seen, recovery_time
from chromadrill.core.model import Scope
from chromadrill.disasters.api import CollectionDropped, RecordsDeleted, VectorsReplaced
from chromadrill.workload.data.standard import MAIN
from chromadrill.workload.writer import Writer, read_complete_writes

pytestmark = [pytest.mark.drill, pytest.mark.runbook("RB-2")]

DAMAGE = [
    (CollectionDropped(Scope(), MAIN), "volume-copy"),
    (RecordsDeleted(Scope(), MAIN), "volume-copy"),
    (VectorsReplaced(Scope(), MAIN), "volume-copy"),
    (VectorsReplaced(Scope(), MAIN), "export"),
]


@pytest.mark.needs("restart")
@pytest.mark.needs("snapshot")
@pytest.mark.lacks("volume")
@pytest.mark.parametrize(("disaster", "method"), DAMAGE, ids=str)
def test_backup_is_restored_by_the_platform(
    drill, outage, chroma, writes, objectives, disaster, method
):
    """On-call restores what the platform or an export kept: all of it is back, in time."""
    with drill.given("a backup, and clients that went on writing after it"):
        backup = drill.backup(drill.ops("snapshot", "--method", method))
        with Writer(drill.target.url, writes) as writer:
            writer.wait_for(25)
    with drill.when(f"disaster: {disaster.what}"):
        injection = outage.inject(disaster)
    with drill.when("on-call follows RB-2: stop, restore, start"):
        drill.ops("stop")
        drill.ops("restore", backup.id)
        drill.ops("start")
        recovered_s = outage.wait_for_recovery(within_s=objectives.rb2_recovery_s)
    with drill.then("everything in the backup is back and answers, also after a restart"):
        proven = drill.prove(backup.fingerprint, imported=backup.imported)
        present = read_complete_writes(chroma, chroma.collection(writes.scope, writes.name))
        drill.judge(
            disaster_seen(injection),
            recovery_time(recovered_s, objectives.rb2_recovery_s, proven=proven),
            *availability(outage.client_view(), objectives),
            data_loss(writer.acknowledged, present, injection.epoch, objectives.data_loss_s),
        )
