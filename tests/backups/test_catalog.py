"""The snapshots of a server: one that is damaged or was never finished keeps none of the others away."""

import os
import subprocess
import sys

import numpy as np
import pytest

from chromadrill.backups import catalog
from chromadrill.chroma.at_rest import database
from chromadrill.chroma.client import Chroma
from chromadrill.core.errors import Refused, UsageError
from chromadrill.core.model import Scope
from chromadrill.core.process_tags import tag
from chromadrill.core.records.no_room import NoRoom
from chromadrill.targets.process.target import ProcessTarget
from tests.conftest import fill, fingerprint


def make(folder, name):
    with catalog.new_folder(folder, name) as backup:
        (backup / "data").mkdir(parents=True)
        (backup / "data" / "chroma.sqlite3").write_bytes(b"x")
        catalog.describe(backup, fingerprint(), backup_id=name, method="volume-copy", source={})
    return folder / name


@pytest.mark.parametrize("damage", ["fingerprint", "manifest", "manifest without its id"])
def test_damaged_snapshot_is_left_out_with_its_reason_and_the_others_are_there(
    tmp_path, caplog, damage
):
    make(tmp_path, "good")
    bad = make(tmp_path, "bad")
    if damage == "fingerprint":
        (bad / "fingerprint").write_bytes(b"x")
    elif damage == "manifest":
        (bad / "manifest.json").write_text("{")
    else:
        text = (bad / "manifest.json").read_text()
        (bad / "manifest.json").write_text(text.replace('"id"', '"name"'))
    backups = catalog.list_backups(tmp_path)
    assert [backup.id for backup in backups] == ["good"]
    assert "The snapshot bad is left out" in caplog.text
    assert catalog.find(backups, "good").id == "good"
    with pytest.raises(Refused, match="bad cannot be opened, and may be newer than good"):
        catalog.find(backups, "latest")
    with pytest.raises(UsageError, match="No backup 'bad'"):
        catalog.find(backups, "bad")


def test_what_a_killed_run_had_begun_goes_with_the_next_and_that_of_a_living_one_stays(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    dead = tag(ended.pid)
    ended.wait()
    for owner in (dead, tag(os.getppid())):
        (tmp_path / f".night.{owner}.partial" / "data").mkdir(parents=True)
    make(tmp_path, "next")
    assert {entry.name for entry in tmp_path.iterdir()} == {
        "next", f".night.{tag(os.getppid())}.partial"}  # fmt: skip


def no_room(source, target):
    raise NoRoom(f"A private copy of {source}", 1)


@pytest.mark.slow
def test_export_is_not_put_back_over_databases_that_it_does_not_hold(tmp_path, monkeypatch):
    target = ProcessTarget(tmp_path / "home", owner=os.getpid())
    other = Scope("acme", "app")
    try:
        target.start()
        with Chroma(target.url) as chroma:
            fill(chroma)
            backup = target.snapshot("night", method="export")
            chroma.create_tenant(other.tenant)
            chroma.create_database(other)
            info = chroma.create_collection(other, "theirs")
            chroma.upsert(info, ids=["x"], vectors=np.ones((1, 3), np.float32))
        target.stop()
        with pytest.raises(Refused, match=r"acme/app, which the backup does not: .* touched"):
            target.restore(backup.id)
        # as a server that is killed in a transaction leaves it: and no room for a private copy
        journal = target.data / "chroma.sqlite3-journal"
        journal.write_bytes(bytes(512))
        with monkeypatch.context() as full:
            full.setattr(database, "copy_privately", no_room)
            with pytest.raises(Refused, match="acme/app"):
                target.restore(backup.id)
        journal.unlink()
        target.start()
        with Chroma(target.url) as chroma:
            assert chroma.count(chroma.collection(other, "theirs")) == 1
            chroma.delete_collection(other, "theirs")
            chroma.delete_collection(Scope(), "docs")
        target.stop()
        target.restore(backup.id)
        target.start()
        with Chroma(target.url) as chroma:
            assert chroma.count(chroma.collection(Scope(), "docs")) == 30
    finally:
        target.remove()
