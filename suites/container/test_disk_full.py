"""The volume is full: while clients write, when the server starts, and when a backup is restored."""

import pytest

from chromadrill.checks.objectives import data_loss, disaster_seen, recovery_time
from chromadrill.core.model import Scope
from chromadrill.disasters.container import (
    DISK_FULL,
    DISK_FULL_AT_START,
    free_disk,
    on_another_volume,
)
from chromadrill.workload.writer import Writer, read_complete_writes

pytestmark = [pytest.mark.container, pytest.mark.needs("recreate")]


class TestOnASmallDisk:
    """The container's own volume lies on a disk of 64 MB."""

    @pytest.fixture
    def target(self, on_small_disk):
        return on_small_disk

    @pytest.mark.runbook("RB-1")
    @pytest.mark.parametrize("disk", [64], indirect=True, ids=["64MB"])
    @pytest.mark.parametrize(
        ("disaster", "word"),
        [(DISK_FULL, "restart"), (DISK_FULL_AT_START, "start")],
        ids=str,
    )
    def test_full_disk_is_freed_and_no_acknowledged_write_is_lost(
        self, drill, outage, chroma, fingerprint, writes, objectives, disaster, word
    ):
        """On-call frees space, then restarts: clients write again, and nothing is lost."""
        with (
            drill.given("clients are writing"),
            Writer(drill.target.url, writes) as writer,
        ):
            writer.wait_for(100)
            with drill.when(f"disaster: {disaster.what}"):
                injection = outage.inject(disaster, seen_by=writer.first_refused)
            with drill.when(f"on-call frees space, then follows RB-1: {word}; the clients go on"):
                free_disk(drill.target)
                drill.ops(word)
                recovered_s = outage.wait_for_recovery(within_s=objectives.rb1_recovery_s)
                writer.wait_for(len(writer.acknowledged) + 10)
        with drill.then("every acknowledged write and every record is there"):
            present = read_complete_writes(chroma, writes)
            chroma.delete_collection(Scope(), writes.name)
            proven = drill.prove(fingerprint)
            drill.judge(
                disaster_seen(injection),
                data_loss(writer.acknowledged, present, injection.epoch, limit_s=None),
                recovery_time(recovered_s, objectives.rb1_recovery_s, proven=proven),
            )


@pytest.mark.runbook("RB-2")
@pytest.mark.parametrize("disk", [12], indirect=True, ids=["12MB"])
def test_restore_onto_a_disk_that_is_too_small_is_refused(drill, outage, disk, objectives):
    """On-call is told that there is no room, and restores onto a larger disk."""
    smaller = on_another_volume(disk)
    with drill.given("a snapshot"):
        snapshot = drill.backup(drill.ops("snapshot"))
    with drill.when(f"disaster: {smaller.what}"):
        injection = outage.inject(smaller)
    with drill.when("on-call follows RB-2, and the restore finds no room"):
        drill.ops("stop")
        drill.expect_refusal("ops", "restore", snapshot.id, message="space")
    with drill.when("the platform gives a larger disk, and on-call follows RB-2 again"):
        drill.target.replace_volume(())
        drill.ops("restore", snapshot.id)
        drill.ops("start")
        recovered_s = outage.wait_for_recovery(within_s=objectives.rb2_recovery_s)
    with drill.then("everything in the snapshot is back and answers"):
        proven = drill.prove(snapshot.fingerprint)
        drill.judge(
            disaster_seen(injection),
            recovery_time(recovered_s, objectives.rb2_recovery_s, proven=proven),
        )
