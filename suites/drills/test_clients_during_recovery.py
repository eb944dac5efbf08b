"""RB-6: what clients see of a disaster and of its recovery."""

import pytest

from chromadrill.checks.availability import availability
from chromadrill.checks.objectives import recovery_time, was_seen

pytestmark = [pytest.mark.drill, pytest.mark.runbook("RB-6")]


@pytest.mark.needs("restart")
@pytest.mark.needs("snapshot")
def test_clients_search_through_a_restore(watched, objectives, loss):
    """On-call learns how long clients got errors, and how long wrong answers of a healthy server."""
    drill = watched
    with drill.given("a snapshot"):
        snapshot = drill.backup(drill.ops("snapshot"))
    with drill.clients_searching():
        with drill.when(f"disaster while clients search: {loss.what}"):
            injection = drill.inject(loss)
        with drill.when("on-call follows RB-2: stop, restore, start"):
            for words in (("stop",), ("restore", snapshot.id), ("start",)):
                drill.ops(*words)
            recovered_s = drill.recovered(within_s=objectives.rb6_recovery_s)
        with drill.then("clients are served again, and stay so"):
            drill.watch_on(for_s=10)
    with drill.then("everything is back and answers as fast as it must, cold and warm"):
        proven = drill.prove(snapshot.fingerprint)
        drill.judged(
            was_seen(injection),
            recovery_time(recovered_s, objectives.rb6_recovery_s, proven=proven),
            *availability(drill.clients_saw(), objectives),
        )
