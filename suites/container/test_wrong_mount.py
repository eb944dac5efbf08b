"""RB-2: the volume is mounted where the server keeps nothing; its data is in the container's layer."""

from dataclasses import replace

import pytest

from chromadrill.backups.files import empty
from chromadrill.checks.objectives import disaster_seen, recovery_time
from chromadrill.disasters.container import redeployment

pytestmark = [pytest.mark.container, pytest.mark.runbook("RB-2")]
WRONG = "/chroma/chroma"
MISPLACED = redeployment(
    "wrong-mount",
    f"deployed anew with the volume at {WRONG}: the data was in the old container",
    lambda shape: replace(shape, mount=WRONG),
)


@pytest.mark.needs("recreate")
@pytest.mark.needs("snapshot")
def test_data_beside_the_volume_is_lost_at_deployment_and_its_backup_is_refused(
    drill, outage, chroma, dataset, objectives
):
    """On-call cannot take an empty volume for a backup; an export brings back what was lost."""
    with drill.given("the server has never written to its volume; a copy of it is no backup"):
        drill.target.stop()
        with drill.target.volume() as data:
            empty(data)
        MISPLACED.inject(drill.target)
        dataset.load(chroma)
        drill.expect_refusal("ops", "snapshot", message="is not what the fingerprint says")
        snapshot = drill.backup(drill.ops("snapshot", "--method", "export"))
    with drill.when(f"disaster: {MISPLACED.what}"):
        injection = outage.inject(MISPLACED)
    with drill.when("on-call mounts the volume where it belongs, and restores the export"):
        drill.ops("recreate")
        drill.ops("stop")
        drill.ops("restore", snapshot.id)
        drill.ops("start")
        recovered_s = outage.wait_for_recovery(within_s=objectives.rb2_recovery_s)
    with drill.then("everything is back, and now it outlives the container"):
        outage.end_watch()  # what follows is the drill's own doing
        drill.ops("recreate")
        proven = drill.prove(snapshot.fingerprint, imported=snapshot.imported)
        drill.judge(
            disaster_seen(injection),
            recovery_time(recovered_s, objectives.rb2_recovery_s, proven=proven),
        )
