"""Backups of older releases come back in this one; this one's are refused by older servers."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from chromadrill.backups import catalog, volume_copy
from chromadrill.backups.files import copy_tree
from chromadrill.backups.manifest import files_of
from chromadrill.checks.compat import downgrade_refused, metrics_known, upgrade
from chromadrill.checks.suite import judge_files
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import at_rest, live
from chromadrill.core.errors import Refused
from chromadrill.core.model import Scope
from chromadrill.workload.data import legacy

pytestmark = [pytest.mark.compat, pytest.mark.runbook("RB-2")]


def test_backup_of_an_older_release_comes_back_in_this_one(
    drill, filled_older, record_cell, tmp_path
):
    """On-call can upgrade, and can restore what was backed up before the upgrade."""
    with drill.given("a volume copy made by the older release, and its fingerprint"):
        backup, before = volume_copy_of(filled_older, tmp_path)
        verdicts = judge_files(at_rest.observe(Path(backup.path) / "data", like=before), before)
        drill.judge(*(replace(v, check=f"{v.check} at rest") for v in verdicts))
    with drill.when("it is restored into this release"):
        volume_copy.put_back(backup, drill.target)
        drill.target.start()
        startup_s = drill.target.startup_s
    with drill.then("everything is there and answers as before, also after a restart"):
        spaces = {c.info.name: c.info.space for c in before.collections.values()}
        drill.judge(metrics_known(legacy.METRICS, spaces))
        releases = filled_older.release, drill.target.release
        verdict = upgrade(*releases, before.records, proven=drill.prove(before))
        drill.judge(verdict)
    measured = {"records": before.records, "startup_s": round(startup_s, 3)}
    record_cell(filled_older, drill.target, verdict, **measured)


def test_downgrade_is_refused_before_anything_is_started(drill, older, record_cell):
    """On-call is told, instead of finding a server that panics on files it cannot read."""
    refusals = {}
    with drill.given("a snapshot of this release"):
        drill.target.start()
        with Chroma(drill.target.url) as chroma:
            legacy.fill(chroma)
        snapshot = drill.target.snapshot()
    with drill.when("it is restored into an older release"):
        refusals["restore"] = refusal(lambda: volume_copy.put_back(snapshot, older))
    with drill.when("the older release is started on a volume of this one"):
        with older.volume() as data:
            shutil.copytree(Path(snapshot.path) / "data", data, dirs_exist_ok=True)
            files = files_of(data)
        refusals["start"] = refusal(older.start)
    with drill.then("both are refused, nothing was started, nothing was changed"):
        started = older.running()
        older.stop()
        with older.volume() as data:
            changed = files_of(data) != files
        verdict = downgrade_refused(refusals, started=started, changed=changed)
        drill.judge(verdict)
    record_cell(drill.target, older, verdict, records=None, startup_s=None)


def volume_copy_of(server, into):
    """As the backup method takes it. The method asks for a health check, which 0.x does not have."""
    with Chroma(server.url) as chroma:
        before = live.fingerprint(chroma, [Scope()])
    server.stop()
    with catalog.new_folder(into, "older") as folder:
        with server.volume() as data:
            copy_tree(data, folder / "data")
        about = {"target": server.name, "release": server.release}
        method = volume_copy.METHOD
        catalog.describe(folder, before, backup_id="older", method=method, source=about)
    return catalog.open_backup(into / "older"), before


def refusal(attempt):
    """What an attempt was refused with, None where it was done."""
    try:
        attempt()
    except Refused as error:
        return str(error)
    return None
