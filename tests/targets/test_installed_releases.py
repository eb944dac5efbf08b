"""A store of a newer release is refused before anything is started; older servers from the cache."""

import contextlib
import dataclasses
import os
import shutil
import sqlite3
import subprocess
from types import SimpleNamespace

import pytest

from chromadrill.backups import volume_copy
from chromadrill.backups.manifest import files_of
from chromadrill.checks.compat import downgrade_refused, metrics_known, upgrade
from chromadrill.chroma.api_values import collection_info
from chromadrill.chroma.at_rest import database
from chromadrill.chroma.at_rest.releases import HEADS, heads, refuse_newer
from chromadrill.core.errors import Refused, Unavailable
from chromadrill.core.model import Outcome, Scope
from chromadrill.core.records.no_room import NoRoom
from chromadrill.targets.container import engine
from chromadrill.targets.container.loop_device import small_disk
from chromadrill.targets.container.volume import ContainerVolume
from chromadrill.targets.process.installed_releases import (
    InstalledServer,
    install_server,
    installed_server,
)
from chromadrill.targets.process.target import ProcessTarget
from fixtures.scratch import new_scratch

OLD = InstalledServer("1.0.0", ("/bin/false",))  # were it started, it would end at once


@pytest.fixture(scope="module")
def snapshot(server):
    return server.snapshot()


@pytest.fixture
def data(snapshot, tmp_path):
    """A directory of this release."""
    return shutil.copytree(f"{snapshot.path}/data", tmp_path / "data")


def migrate(data, name, head):
    """Say in the store that a migration of a later release was done."""
    with sqlite3.connect(data / "chroma.sqlite3") as store:
        store.execute("update migrations set version=? where dir=? and version=?",
                         [head, name, HEADS["1.5.9"][name]])  # fmt: skip
    store.close()


def test_migrations_of_our_own_release_are_the_known_ones(data):
    assert heads(data) == HEADS[installed_server().release]


@pytest.mark.parametrize("release", ["0.6.3", "0.5.23", "1.0.0"])
def test_older_release_is_refused_with_wanted_and_got(data, release):
    with pytest.raises(Refused) as refused:
        refuse_newer(data, release)

    assert "it has metadb 6, sysdb 10" in str(refused.value)
    assert "sysdb 9 at most" in str(refused.value)
    assert "Use Chroma 1.5.0 or newer" in refused.value.next_step


@pytest.mark.parametrize(
    ("release", "taken_for"), [("1.0.20", "1.0.0"), ("1.4.1", "1.3.0"), ("v1.2.2-debian", "1.0.0")]
)
def test_release_that_was_not_measured_counts_as_the_newest_known_below_it(
    data, release, taken_for
):
    with pytest.raises(Refused, match=rf"\(taken for {taken_for}, the nearest that was measured\)"):
        refuse_newer(data, release)


@pytest.mark.parametrize("release", ["1.5.9", "1.5.8", "1.5.10", "2.0.0"])
def test_release_that_can_open_it_is_not_refused(data, release, caplog):
    refuse_newer(data, release)
    assert not caplog.messages


@pytest.mark.parametrize("release", [None, "latest"])
def test_release_that_nobody_knows_is_told_and_not_passed_in_silence(data, release, caplog):
    refuse_newer(data, release)
    assert "is not known: it is newer than 0.6.3" in caplog.text
    assert "use a newer one" in caplog.text


def test_store_newer_than_all_that_is_known_is_told_to_a_newer_release(data, caplog):
    migrate(data, "sysdb", 11)
    refuse_newer(data, "1.6.0")
    assert "it is newer than 1.5.9" in caplog.text


@pytest.mark.parametrize(
    ("image", "labels", "release"),
    [
        ("chromadb/chroma:1.0.0", {}, "1.0.0"),
        (f"chromadb/chroma:1.0.0@sha256:{'a1' * 32}", {}, "1.0.0"),
        ("chromadb/chroma:v1.0.0", {}, "1.0.0"),
        ("chromadb/chroma:1.0.0-debian", {}, "1.0.0"),
        ("chromadb/chroma:latest", {"chroma.version": "1.0.0"}, "1.0.0"),
        ("chromadb/chroma:latest", {}, None),
        ("127.0.0.1:5000/chroma", {}, None),
        ("127.0.0.1/chroma", {}, None),
        (f"chromadb/chroma@sha256:{'12' * 32}", {}, None),
    ],
)
def test_release_of_an_image_is_read_from_its_label_or_any_form_of_tag(image, labels, release):
    images = SimpleNamespace(get=lambda name: SimpleNamespace(labels=labels))
    assert engine.release_of(SimpleNamespace(images=images), image) == release


def test_store_of_a_release_that_is_not_out_yet_is_refused_by_ours(data):
    migrate(data, "sysdb", 11)
    with pytest.raises(Refused, match="it has sysdb 11, and that release knows sysdb 10"):
        refuse_newer(data, installed_server().release)


def test_newer_store_with_a_log_is_refused_without_room_for_a_copy_of_it(data, monkeypatch, caplog):
    def no_room(source, target):
        raise NoRoom(f"A private copy of {source}", 1)

    migrate(data, "sysdb", 11)
    (data / "chroma.sqlite3-wal").write_bytes(bytes(64))
    monkeypatch.setattr(database, "copy_privately", no_room)
    with pytest.raises(Refused, match="it has sysdb 11"):
        refuse_newer(data, "1.5.9")
    assert "does not fit in the temporary folder" in caplog.text


@pytest.mark.parametrize("content", [None, b"", b"junk" * 1000])
def test_where_there_is_no_store_the_start_will_tell(tmp_path, content):
    if content is not None:
        (tmp_path / "chroma.sqlite3").write_bytes(content)
    refuse_newer(tmp_path, "1.0.0")


def test_older_server_is_not_started_on_a_newer_directory(data, tmp_path):
    target = ProcessTarget(tmp_path / "home", owner=os.getpid(), server=OLD)
    shutil.copytree(data, target.data, dirs_exist_ok=True)
    before = files_of(target.data)
    with pytest.raises(Refused, match=r"newer than Chroma 1\.0\.0"):
        target.start()

    assert not (target.home / "state.json").exists()
    assert files_of(target.data) == before


def test_newer_backup_is_not_restored_into_an_older_server(snapshot, tmp_path):
    target = ProcessTarget(tmp_path / "home", owner=os.getpid(), server=OLD)
    (target.data / "kept").write_text("kept")
    with pytest.raises(Refused, match=r"newer than Chroma 1\.0\.0"):
        volume_copy.put_back(snapshot, target)

    assert [path.name for path in target.data.iterdir()] == ["kept"]


def test_server_in_the_cache_is_taken_from_there_and_finds_no_other_release(tmp_path):
    folders = [tmp_path / f"chromadb-0.0.1-py3.{minor}" for minor in range(11, 20)]
    for folder in folders:
        folder.mkdir()
    server = install_server("0.0.1", tmp_path)  # no index has it: it was not installed anew
    ran = subprocess.run([*server.command, "run"], capture_output=True, text=True, check=False)

    assert server.release == "0.0.1"
    # nothing is in that folder, and the server of this environment must not step in
    assert "No module named 'chromadb'" in ran.stderr


def test_listing_of_a_server_up_to_1_0_says_nothing_about_the_index():
    raw = {"id": "i", "name": "n", "tenant": "t", "database": "d", "metadata": {"hnsw:space": "ip"}}
    listed = {"_type": "x", "hnsw_configuration": {"space": "l2", "M": 16}}
    info = collection_info({**raw, "configuration_json": listed})

    assert info.configuration is None
    assert not info.listing_decides
    assert info.space == "ip"


@pytest.mark.slow
def test_older_image_is_not_started_on_a_newer_volume_within_reach_or_not(
    data, settings, tmp_path, monkeypatch
):
    target = new_scratch(tmp_path, settings, [Scope()], kind="container")
    try:
        with target.volume() as volume:
            shutil.copytree(data, volume, dirs_exist_ok=True)
        monkeypatch.setattr(engine, "release_of", lambda client, image, by_id=None: "1.0.0")
        for attempt in (target.start, target.recreate):
            with pytest.raises(Refused, match=r"newer than Chroma 1\.0\.0"):
                attempt()
        monkeypatch.setattr(ContainerVolume, "host_path", out_of_reach)
        with pytest.raises(Refused, match=r"newer than Chroma 1\.0\.0"):
            target.start()
        assert not target.running()
        target.replace_volume(())  # an empty one has no database to be fetched
        target.start()
    finally:
        target.remove()


@pytest.mark.slow
def test_newer_store_under_an_existing_container_of_an_older_image_is_refused(
    snapshot, settings, tmp_path
):
    target = new_scratch(tmp_path, settings, [Scope()], kind="container")
    newer = target.spec
    older = dataclasses.replace(
        newer, image=newer.image.replace(newer.image.rpartition(":")[2], "1.0.0")
    )
    try:
        try:
            engine.require_image(engine.connect(), older.image)
        except Unavailable as error:
            pytest.skip(str(error))
        target.recreate(older)
        target.stop()
        assert target.spec == newer
        assert target.release == "1.0.0"
        with pytest.raises(Refused, match=r"newer than Chroma 1\.0\.0"):
            volume_copy.put_back(snapshot, target)
        with target.volume() as volume:  # past all refusals
            volume_copy.restore(snapshot, volume)
        with pytest.raises(Refused, match=r"newer than Chroma 1\.0\.0"):
            target.start()
    finally:
        target.remove()


@pytest.mark.slow
def test_newer_store_on_a_disk_of_its_own_is_refused(data, settings, tmp_path, monkeypatch):
    target = new_scratch(tmp_path, settings, [Scope()], kind="container")
    try:
        with contextlib.ExitStack() as stack:
            try:
                disk = stack.enter_context(small_disk(32))
            except Unavailable as error:
                pytest.skip(str(error))
            target.replace_volume(disk)
            with target.volume() as volume:
                shutil.copytree(data, volume, dirs_exist_ok=True)
            monkeypatch.setattr(engine, "release_of", lambda client, image, by_id=None: "1.0.0")
            with pytest.raises(Refused, match=r"newer than Chroma 1\.0\.0"):
                target.start()
            target.remove()
    finally:
        target.remove()


def out_of_reach(self):
    raise Unavailable("out of reach")


# ---- checks -------------------------------------------------------------------------------------
def test_upgrade_is_red_where_the_ladder_is_and_unknown_of_nothing():
    assert upgrade("1.0.0", "1.5.9", 7, proven=True).outcome is Outcome.PASS
    assert upgrade("1.0.0", "1.5.9", 7, proven=False).outcome is Outcome.FAIL
    assert upgrade("1.0.0", "1.5.9", 0, proven=True).outcome is Outcome.UNKNOWN


def test_wrong_metric_in_the_fingerprint_is_red():
    assert metrics_known({"a": "ip"}, {"a": "ip"}).outcome is Outcome.PASS
    assert "a uses ip, told l2" in metrics_known({"a": "ip"}, {"a": "l2"}).message
    assert metrics_known({"a": "ip"}, {}).outcome is Outcome.FAIL


def test_downgrade_that_was_done_or_half_done_is_red():
    refused = {"restore": "newer", "start": "newer"}
    good = downgrade_refused(refused, started=False, changed=False)

    assert good.outcome is Outcome.PASS
    for attempts, started, changed in (
        ({**refused, "start": None}, False, False),
        (refused, True, False),
        (refused, False, True),
        ({}, False, False),
    ):
        verdict = downgrade_refused(attempts, started=started, changed=changed)
        assert verdict.outcome is Outcome.FAIL
