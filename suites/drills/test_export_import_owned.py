"""RB-4 where nothing can be done to the platform: in a collection of our own, beside everybody's."""

import pytest

from chromadrill.backups.export.exporter import export
from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.importer import restore
from chromadrill.checks.objectives import within
from chromadrill.core.clock import now

pytestmark = [pytest.mark.drill, pytest.mark.runbook("RB-4")]


@pytest.mark.lacks("restart")
def test_collection_of_our_own_comes_back_from_its_export(
    drill, chroma, own_copy, objectives, tmp_path
):
    """On-call can export a collection of this server and import it again, whole and in time."""
    name, scope = own_copy.name, own_copy.scope
    with drill.given("its export"):
        file = export(chroma, tmp_path / "own.jsonl", scopes=[scope], name=name)
    with drill.when("it is deleted, and imported again"):
        chroma.delete_collection(scope, name)
        started = now()
        verdicts = restore(chroma, open_export(file.path))
        took_s = now() - started
    with drill.then("all of it is back, in time"):
        drill.note("compared", records=file.fingerprint.records)
        drill.judge(
            *verdicts,
            within("import", took_s, objectives.rb4_recovery_s, what="deleted to proven"),
        )
