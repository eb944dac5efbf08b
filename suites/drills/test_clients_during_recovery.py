"""RB-6: what clients see of a disaster and of its recovery."""

import pytest

from chromadrill.checks.availability import availability
from chromadrill.checks.objectives import disaster_seen, recovery_time

pytestmark = [pytest.mark.drill, pytest.mark.runbook("RB-6")]


@pytest.mark.needs("restart")
@pytest.mark.needs("snapshot")
def test_clients_search_through_a_restore(drill, outage, clients_searching, objectives, loss):
    """On-call learns how long clients got errors, and how long wrong answers of a healthy server."""
    with drill.given("a snapshot"):
        snapshot = drill.backup(drill.ops("snapshot"))
    with clients_searching:
        with drill.when(f"disaster while clients search: {loss.what}"):
            injection = outage.inject(loss)
        with drill.when("on-call follows RB-2: stop, restore, start"):
            drill.ops("stop")
            drill.ops("restore", snapshot.id)
            drill.ops("start")
            recovered_s = outage.wait_for_recovery(within_s=objectives.rb6_recovery_s)
        with drill.then("clients are served again, and stay so"):
            outage.keep_watching(for_s=10)
    with drill.then("everything is back and answers as fast as it must, cold and warm"):
        proven = drill.prove(snapshot.fingerprint)
        drill.judge(
            disaster_seen(injection),
            recovery_time(recovered_s, objectives.rb6_recovery_s, proven=proven),
            *availability(outage.client_view(), objectives),
        )
