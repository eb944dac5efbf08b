"""--backup PATH: would this existing backup bring everything back?"""

import pytest

from chromadrill.backups import manifest

pytestmark = [pytest.mark.drill, pytest.mark.runbook("RB-2")]


def test_existing_backup_is_proven(drill, existing_backup):
    """On-call learns before the disaster what a backup is worth; the original stays untouched."""
    with drill.given("the files are those of the manifest"):
        drill.judged(existing_backup.files)
    with drill.then("a scratch server on a copy holds and answers all of it, also after a restart"):
        drill.prove(existing_backup.fingerprint)
    with drill.then("the original was not touched"):
        drill.judged(manifest.untouched(existing_backup.folder, existing_backup.listing))
