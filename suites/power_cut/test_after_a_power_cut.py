"""RB-1 after a power cut: look before the first start, then the shortest way back that is proven."""

import pytest

from chromadrill.checks.objectives import data_loss, disaster_seen, recovery_time
from chromadrill.core.model import Scope
from chromadrill.disasters.power_cut import PowerCutOfServer, on_own_disk
from chromadrill.drill.way_back import walk_back
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.writer import Writer, random_vector, read_complete_writes

pytestmark = [
    pytest.mark.powercut,
    pytest.mark.runbook("RB-1"),
    pytest.mark.usefixtures("needs_a_disk"),
]

FLUSHED = 1_400  # writes; the index is written at 1,000, and nobody syncs it


@pytest.fixture
def disk(target):
    """The target's data lie on a disk of its own."""
    if not isinstance(target, ProcessTarget):
        pytest.skip(f"{target.name} does not run on a disk of its own")
    with on_own_disk(target) as disk:
        yield disk


def test_server_comes_back_after_a_power_cut(
    drill, outage, chroma, writes, disk, healthy_backup, objectives, tmp_path
):
    """On-call looks at rest first, then starts, replays or restores: all of it is back, in time."""
    with drill.given("a snapshot, and clients that went on writing after it"):
        snapshot = healthy_backup("volume-copy")
    with Writer(drill.target.url, writes, batch=100, vectors=random_vector) as writer:
        writer.wait_for(FLUSHED)
        with drill.when("the power is cut while they write"):
            cut = PowerCutOfServer(disk, lambda: list(writer.acknowledged))
            injection = outage.inject(cut)
    with drill.when("on-call follows RB-1: look at rest, then nothing, replay or restore"):
        way = walk_back(drill, drill.target, snapshot.id, tmp_path)
        recovered_s = outage.wait_for_recovery(within_s=objectives.rb2_recovery_s)
    with drill.then("every record is there, also after a restart; what is lost is known"):
        present = read_complete_writes(chroma, chroma.collection(Scope(), writes.name))
        if present:  # the snapshot was taken before them
            chroma.delete(writes, list(present))
        proven = drill.prove(snapshot.fingerprint)
        # a restore goes back to its snapshot; the other ways must not lose a single write
        limit_s = objectives.data_loss_s if way == "restore" else None
        drill.judge(
            disaster_seen(injection),
            recovery_time(recovered_s, objectives.rb2_recovery_s, proven=proven),
            data_loss(cut.before, present, injection.epoch, limit_s),
        )
