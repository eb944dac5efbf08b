"""RB-1: the service is down, the data is intact."""

import pytest

from chromadrill.checks.availability import availability
from chromadrill.checks.objectives import data_loss, disaster_seen, recovery_time, within
from chromadrill.core.model import Scope
from chromadrill.disasters.service import server_kill
from chromadrill.workload.changing_writer import ChangingWriter
from chromadrill.workload.writer import read_complete_writes

pytestmark = [pytest.mark.drill, pytest.mark.runbook("RB-1")]


@pytest.mark.needs("restart")
@pytest.mark.needs("logs")
def test_killed_server_is_restarted_without_losing_an_acknowledged_write(
    drill, outage, chroma, fingerprint, writes, objectives
):
    """On-call restarts a killed service: every write it had acknowledged is there, in time."""
    with drill.given("clients write, change and delete; on-call reads the log first"):
        drill.ops("logs", "--lines", "50")
        with ChangingWriter(drill.target.url, writes) as writer:
            writer.wait_for(100)
            with drill.when("the server is killed while they write"):
                injection = outage.inject(server_kill(drill.target))
    with drill.when("on-call follows RB-1: restart"):
        drill.ops("restart")
        recovered_s = outage.wait_for_recovery(within_s=objectives.rb1_recovery_s)
    with drill.then("every acknowledged write and every record is there, also after a restart"):
        present = read_complete_writes(chroma, writes)
        chroma.delete_collection(Scope(), writes.name)
        proven = drill.prove(fingerprint)
        drill.judge(
            disaster_seen(injection),
            data_loss(writer.ledger(), present, injection.epoch, limit_s=None),
            recovery_time(recovered_s, objectives.rb1_recovery_s, proven=proven),
            *availability(outage.client_view(), objectives),
            within("startup", drill.startup_s, objectives.startup_s, what="server start"),
        )
