"""--backup NAME or PATH: would this existing backup bring everything back?"""

import pytest

pytestmark = [pytest.mark.drill, pytest.mark.runbook("RB-2")]


def test_existing_backup_is_proven(drill, artefact_proof):
    """On-call learns before the disaster what a backup is worth; the original stays untouched."""
    with drill.given("the backup is fetched, and its files are those of the manifest"):
        is_here = artefact_proof.fetch()
    if is_here:
        with drill.then(
            "it is sound at rest; a copy holds and answers all of it, also after a restart"
        ):
            artefact_proof.prove()
        with drill.then("the original was not touched"):
            artefact_proof.compare_original()
    artefact_proof.remember()
