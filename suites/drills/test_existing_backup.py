"""--backup PATH: would this existing backup bring everything back?"""

import pytest

from chromadrill.drill.backup_proof import prove

pytestmark = [pytest.mark.drill, pytest.mark.runbook("RB-2")]


def test_existing_backup_is_proven(drill, existing_backup, settings, user_questions):
    """On-call learns before the disaster what a backup is worth; the original stays untouched."""
    with drill.given("the files are those of the manifest"):
        origin = settings.evidence.production_origin
        drill.note("backup", **existing_backup.facts(), production_origin=origin)
        drill.judge(existing_backup.files)
    with drill.then(
        "it is sound at rest; a copy holds and answers all of it, also after a restart"
    ):
        counts, verdicts, _ = prove(existing_backup, questions=user_questions)
        drill.note("compared", records=sum(counts.values()), collections=dict(counts))
        drill.judge(*verdicts)
    with drill.then("the original was not touched"):
        drill.judge(existing_backup.compare_original())
