"""RB-1: the container engine itself dies. Only one that the settings name is killed."""

import shlex
import subprocess

import pytest

from chromadrill.checks.objectives import data_loss, disaster_seen, recovery_time
from chromadrill.core.model import Scope
from chromadrill.disasters.container import EngineKilled
from chromadrill.workload.writer import Writer, read_complete_writes

pytestmark = [pytest.mark.container, pytest.mark.runbook("RB-1")]


@pytest.mark.needs("recreate")
def test_engine_is_started_again_without_losing_an_acknowledged_write(
    engine_of_ours, drill, outage, chroma, fingerprint, writes, objectives
):
    """On-call starts the engine, then the server: every acknowledged write is there, in time."""
    disaster = EngineKilled(engine_of_ours.engine_pid_file)
    with drill.given("clients are writing"), Writer(drill.target.url, writes) as writer:
        writer.wait_for(100)
        with drill.when(f"disaster: {disaster.what}"):
            injection = outage.inject(disaster)
    with drill.when("on-call starts the engine, then follows RB-1: start"):
        subprocess.run(shlex.split(engine_of_ours.engine_start), check=True, timeout=120)
        drill.ops("start")
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
