"""RB-1: the kernel kills a server that has too little memory for what it is loaded with."""

import pytest

from chromadrill.checks.objectives import data_loss, disaster_seen, recovery_time
from chromadrill.checks.resources import was_killed_for_memory
from chromadrill.core.model import Scope
from chromadrill.disasters.container import OutOfMemory
from chromadrill.workload.writer import read_complete_writes

pytestmark = [pytest.mark.container, pytest.mark.runbook("RB-1")]


@pytest.mark.needs("recreate")
@pytest.mark.needs("metrics")
def test_server_killed_for_want_of_memory_comes_back_with_more(
    drill, outage, chroma, fingerprint, writes, objectives
):
    """On-call deploys with more memory: what was acknowledged until the kill is there."""
    disaster = OutOfMemory(writes)
    with drill.when(f"disaster: {disaster.what}"):
        injection = outage.inject(disaster)
        drill.judge(was_killed_for_memory(drill.target.metrics()))
    with drill.when("on-call deploys it with its proper memory: recreate"):
        drill.ops("recreate")
        recovered_s = outage.wait_for_recovery(within_s=objectives.rb1_recovery_s)
    with drill.then("every acknowledged record is there, and it is killed no more"):
        present = read_complete_writes(chroma, writes)
        chroma.delete_collection(Scope(), writes.name)
        proven = drill.prove(fingerprint)
        drill.judge(
            disaster_seen(injection),
            data_loss(disaster.acknowledged, present, injection.epoch, limit_s=None),
            recovery_time(recovered_s, objectives.rb1_recovery_s, proven=proven),
        )
