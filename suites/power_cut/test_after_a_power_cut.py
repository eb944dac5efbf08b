"""RB-1 after a power cut: look before the first start, then the shortest way back that is proven."""

import pytest

from chromadrill.checks.objectives import data_loss, disaster_seen, recovery_time
from chromadrill.core.model import Scope
from chromadrill.disasters.power_cut import PowerCutOfServer, on_own_disk, replace_data
from chromadrill.targets.process.target import ProcessTarget
from chromadrill.workload.writer import Writer, random_vector, read_complete_writes

pytestmark = [pytest.mark.powercut, pytest.mark.runbook("RB-1")]

FLUSHED = 1_400  # writes; the index is written at 1,000, and nobody syncs it


@pytest.mark.needs("snapshot")
def test_server_comes_back_after_a_power_cut(
    drill, outage, chroma, writes, healthy_backup, objectives, tmp_path
):
    """On-call looks at rest first, then starts, replays or restores: all of it is back, in time."""
    if not isinstance(drill.target, ProcessTarget):
        pytest.skip(f"{drill.target.name} does not run on a disk of its own")
    data, replayed = str(drill.target.data), tmp_path / "replayed"
    with on_own_disk(drill.target) as disk:
        with drill.given("a snapshot, and clients that went on writing after it"):
            snapshot = healthy_backup("volume-copy")
            writer = Writer(drill.target.url, writes, batch=100, vectors=random_vector)
            with writer:
                writer.wait_for(FLUSHED)
                with drill.when("the power is cut while they write"):
                    cut = PowerCutOfServer(disk, lambda: list(writer.acknowledged))
                    injection = outage.inject(cut)
        with drill.when("on-call follows RB-1: look at rest, then nothing, replay or restore"):
            way = "nothing"
            if not drill.check("validate", "--path", data, "--all"):
                way = "replay"
                if drill.check("replay", "--path", data, "--into", str(replayed)):
                    replace_data(drill.target, replayed)
                else:
                    way = "restore"
                    drill.ops("restore", snapshot.id)
            drill.note("way back", way=way)
            drill.ops("start")
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
