"""RB-4: a collection comes back from its export."""

import pytest

from chromadrill.checks.availability import availability
from chromadrill.checks.objectives import disaster_seen, recovery_time
from chromadrill.core.model import Scope
from chromadrill.disasters.api import CollectionDropped
from chromadrill.workload.data.standard import MAIN

pytestmark = [pytest.mark.drill, pytest.mark.runbook("RB-4")]


@pytest.mark.needs("restart")
def test_dropped_collection_is_restored_from_its_export(
    drill, outage, fingerprint, objectives, tmp_path
):
    """On-call imports one collection: all of it is back, and the others were not touched."""
    file = str(tmp_path / "embeddings_backup.json")
    with drill.given("an export of the collection, by the runbook's command"):
        drill.command("backup", "--collection-name", MAIN, "--output-file", file)
    with drill.when("disaster: the collection is dropped"):
        injection = outage.inject(CollectionDropped(Scope(), MAIN))
    with drill.when("on-call follows RB-4: restore it from the export"):
        drill.command("restore", "--input-file", file)
        recovered_s = outage.wait_for_recovery(within_s=objectives.rb4_recovery_s)
    with drill.then("it is back and answers, the others are untouched, also after a restart"):
        proven = drill.prove(fingerprint, imported=[f"{Scope()}/{MAIN}"])
        drill.judge(
            disaster_seen(injection),
            recovery_time(recovered_s, objectives.rb4_recovery_s, proven=proven),
            *availability(outage.client_view(), objectives),
        )
