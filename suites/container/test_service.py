"""RB-1 for a container: the deployment is broken in one way or another, the volume is intact."""

import pytest

from chromadrill.checks.objectives import data_loss, disaster_seen, recovery_time
from chromadrill.core.model import Scope
from chromadrill.disasters.container import DISCARDED, NETWORK_CUT, PAUSED, READ_ONLY
from chromadrill.workload.writer import Writer, read_complete_writes

pytestmark = [pytest.mark.container, pytest.mark.runbook("RB-1")]


@pytest.mark.needs("recreate")
@pytest.mark.parametrize(
    ("disaster", "word"),
    [
        (DISCARDED, "start"),
        (PAUSED, "restart"),
        (NETWORK_CUT, "recreate"),
        (READ_ONLY, "recreate"),
    ],
    ids=str,
)
def test_service_is_brought_back_without_losing_an_acknowledged_write(
    drill, outage, chroma, fingerprint, writes, objectives, disaster, word
):
    """On-call learns which command helps: every acknowledged write is there, in time."""
    with (
        drill.given("clients are writing"),
        Writer(drill.target.url, writes) as writer,
    ):
        writer.wait_for(100)
        with drill.when(f"disaster: {disaster.what}"):
            injection = outage.inject(disaster)
        with drill.when(f"on-call follows RB-1: {word}; the clients go on"):
            drill.ops(word)
            recovered_s = outage.wait_for_recovery(within_s=objectives.rb1_recovery_s)
    with drill.then("every acknowledged write and every record is there, also after a restart"):
        present = read_complete_writes(chroma, writes)
        chroma.delete_collection(Scope(), writes.name)
        proven = drill.prove(fingerprint)
        drill.judge(
            disaster_seen(injection),
            data_loss(writer.acknowledged, present, injection.epoch, limit_s=None),
            recovery_time(recovered_s, objectives.rb1_recovery_s, proven=proven),
        )
