"""A volume copy comes back byte for byte, or nothing is touched."""

import contextlib
import dataclasses
import gzip
import os
import shutil
import sqlite3
import tarfile
from pathlib import Path

import pytest

from chromadrill.backups import catalog, files, manifest, volume_copy
from chromadrill.backups.detect import open_existing
from chromadrill.backups.export.zstd_stream import zstd
from chromadrill.backups.registry import method_of
from chromadrill.checks.suite import judge, outcome_of
from chromadrill.chroma.client import Chroma
from chromadrill.chroma.fingerprint import fingerprint_file, live
from chromadrill.chroma.readiness import is_ready
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError, Refused, Unavailable, UsageError
from chromadrill.core.model import Outcome, Scope
from chromadrill.targets.process.target import ProcessTarget
from tests.commands.run import drill
from tests.conftest import fill


@pytest.fixture(scope="module")
def stopped_target(tmp_path_factory):
    """A stopped target, and its one snapshot."""
    target = ProcessTarget(tmp_path_factory.mktemp("copy") / "home", owner=os.getpid())
    target.start()
    with Chroma(target.url) as chroma:
        fill(chroma)
    backup = target.snapshot("first")
    target.stop()
    yield target, backup
    target.remove()


def test_restored_copy_is_proven_by_its_fingerprint_and_a_leftover_journal_is_wiped(stopped_target):
    target, backup = stopped_target
    files.empty(target.data)
    (target.data / "chroma.sqlite3-journal").write_bytes(b"x" * 5000)
    target.restore("latest")
    target.start()
    before = fingerprint_file.load(target.home / "snapshots" / backup.id / "fingerprint")
    with Chroma(target.url) as chroma:
        verdicts = judge(live.observe(chroma, like=before), before)
    target.stop()

    assert outcome_of(verdicts) is Outcome.PASS
    assert not (target.data / "chroma.sqlite3-journal").exists()


def test_backup_of_one_server_is_restored_into_the_home_of_another(stopped_target, tmp_path):
    _, backup = stopped_target
    other = ProcessTarget(tmp_path / "home", owner=os.getpid())
    added = other.add_snapshot(Path(backup.path))
    assert [listed.id for listed in other.snapshots()] == [added.id] == [backup.id]
    other.restore(backup.id)
    assert manifest.files_of(other.data) == manifest.files_of(Path(backup.path) / "data")


@pytest.mark.slow
def test_server_answers_again_while_the_copy_is_proven(stopped_target, monkeypatch):
    target, _ = stopped_target
    answered = []

    def prove(data, before):
        answered.append(wait_until(lambda: is_ready(target.url, [Scope()]), within_s=30, name="it"))
        return ""

    target.start()
    monkeypatch.setattr(volume_copy, "_difference", prove)
    target.snapshot("second")
    target.stop()
    assert answered == [True]


def test_copy_that_cannot_be_proven_leaves_a_running_server_and_no_backup(
    stopped_target, monkeypatch
):
    target, _ = stopped_target
    copy_stopped = volume_copy._copy_stopped

    def copy_with_a_loss(target, to, pool):
        start = copy_stopped(target, to, pool)
        with contextlib.closing(sqlite3.connect(to / "chroma.sqlite3")) as database, database:
            database.execute("delete from embeddings where embedding_id = 'r7'")
        return start

    target.start()
    monkeypatch.setattr(volume_copy, "_copy_stopped", copy_with_a_loss)
    with pytest.raises(Unavailable, match="not what the fingerprint says"):
        target.snapshot("third")
    assert is_ready(target.url, [Scope()])
    assert not list((target.home / "snapshots").glob("*third*"))
    target.stop()


@pytest.fixture
def copied(stopped_target, tmp_path):
    """The stopped target, and a copy of its snapshot to alter."""
    target, backup = stopped_target
    return target, Path(shutil.copytree(backup.path, tmp_path / "copied"))


@contextlib.contextmanager
def is_refused(target, match):
    """A restore within is refused with these words, and touches nothing."""
    before = manifest.files_of(target.data)
    with pytest.raises(Unavailable, match=match):
        yield
    assert manifest.files_of(target.data) == before


def test_backup_that_was_changed_is_refused_and_the_volume_untouched(copied):
    target, folder = copied
    with (folder / "data" / "chroma.sqlite3").open("r+b") as file:
        file.seek(5000)
        file.write(b"!")
    with is_refused(target, "not what its manifest says"):
        volume_copy.restore(catalog.open_backup(folder), target.data)


def test_snapshot_of_an_older_release_is_compared_by_its_sha256(copied):
    target, folder = copied
    content = manifest.read(folder)
    for file in content["files"]:
        assert len(file.pop(manifest.XXH3)) == 32
    manifest.write(folder, content)
    volume_copy.restore(catalog.open_backup(folder), target.data)
    assert manifest.files_of(target.data) == manifest.files_of(folder / "data")

    file = next(one for one in content["files"] if one["path"] == "chroma.sqlite3")
    file["sha256"] = file["sha256"][::-1]
    manifest.write(folder, content)
    with is_refused(target, r"chroma\.sqlite3 changed"):
        volume_copy.restore(catalog.open_backup(folder), target.data)


def test_restore_compares_xxh3_and_a_proof_sha256(copied, tmp_path):
    target, folder = copied
    whole = manifest.read(folder)
    first, *others = whole["files"]

    manifest.write(folder, {**whole, "files": [{**first, manifest.XXH3: "0" * 32}, *others]})
    with is_refused(target, f"{first['path']} changed"):
        volume_copy.restore(catalog.open_backup(folder), target.data)
    assert open_existing(folder, tmp_path / "one").files.outcome is Outcome.PASS

    manifest.write(folder, {**whole, "files": [{**first, manifest.SHA256: "0" * 64}, *others]})
    volume_copy.restore(catalog.open_backup(folder), target.data)
    assert open_existing(folder, tmp_path / "two").files.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    "files", [None, 5, ["chroma.sqlite3"], [{"path": "chroma.sqlite3"}], [{"bytes": 1}]]
)
def test_manifest_whose_list_cannot_be_read_is_a_sentence(copied, files):
    target, folder = copied
    manifest.write(folder, {**manifest.read(folder), "files": files})
    with is_refused(target, "list of files cannot be read"):
        volume_copy.restore(catalog.open_backup(folder), target.data)


@pytest.mark.parametrize("change", ["missing", "extra"])
def test_manifest_is_compared_both_ways(copied, change):
    _, folder = copied
    if change == "missing":
        (folder / "data" / "chroma.sqlite3").unlink()
    else:
        (folder / "data" / "more").write_text("x")
    assert manifest.compare_files(folder, manifest.read(folder)).outcome is Outcome.FAIL


def test_folder_without_fingerprint_is_refused(copied):
    _, folder = copied
    (folder / "fingerprint").unlink()
    with pytest.raises(Unavailable, match="no fingerprint beside"):
        catalog.open_backup(folder)


def test_folder_that_is_no_backup_is_refused(tmp_path):
    with pytest.raises(Unavailable, match="not a backup of ours"):
        catalog.open_backup(tmp_path)


def test_manifest_that_spells_the_method_as_older_releases_did_is_read(stopped_target):
    _, backup = stopped_target
    assert backup.method == "volume-copy"
    assert method_of(dataclasses.replace(backup, method="volume copy")) is volume_copy
    with pytest.raises(UsageError, match="Did you mean 'volume-copy'"):
        method_of(dataclasses.replace(backup, method="volume-copi"))


def test_no_room_is_said_before_a_copy_begins(stopped_target, monkeypatch):
    target, backup = stopped_target
    before = manifest.files_of(target.data)
    usage = shutil.disk_usage(target.data)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(volume_copy, "size_of", lambda _: 0)
    with pytest.raises(Refused, match="No room"):
        volume_copy.restore(backup, target.data)
    assert manifest.files_of(target.data) == before


def test_taken_name_and_unknown_id_are_sentences(stopped_target):
    target, _ = stopped_target
    with pytest.raises(Refused, match="exists already"):
        target.snapshot("first")
    with pytest.raises(UsageError, match="Did you mean 'first'"):
        target.restore("frist")


@pytest.mark.parametrize("name", ["../x", ".hidden", "a/b"])
def test_name_that_leaves_the_folder_is_refused(stopped_target, name):
    target, _ = stopped_target
    with pytest.raises(DrillError, match="no name for a snapshot"):
        target.snapshot(name)


@pytest.mark.slow
def test_existing_backup_is_proven_by_one_command_and_stays_untouched(stopped_target, tmp_path):
    _, backup = stopped_target
    run = drill("-m", "drill", f"--backup={backup.path}", reports=tmp_path)
    assert run.returncode == 0, run.stdout
    assert "RESTORE PROVEN" in run.stdout


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.zst"])
def test_archive_of_a_backup_is_found_with_its_fingerprint(stopped_target, tmp_path, suffix):
    _, backup = stopped_target
    archive = tmp_path / f"backup{suffix}"
    plain = tmp_path / "plain.tar"
    with tarfile.open(
        archive if suffix == ".tar.gz" else plain, "w:gz" if suffix == ".tar.gz" else "w"
    ) as tar:
        tar.add(backup.path, arcname="2026")
    if suffix == ".tar":
        plain.rename(archive)
    elif suffix == ".tar.zst":
        archive.write_bytes(zstd.compress(plain.read_bytes()))
    (tmp_path / "scratch").mkdir()
    existing = open_existing(archive, tmp_path / "scratch")

    assert existing.files.outcome is Outcome.PASS
    assert existing.fingerprint is not None


def test_archive_that_would_leave_its_folder_is_refused(tmp_path):
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.add(__file__, arcname="../evil.py")
    (tmp_path / "a" / "scratch").mkdir(parents=True)
    with pytest.raises(Refused, match="would leave its folder"):
        open_existing(tmp_path / "evil.tar", tmp_path / "a" / "scratch")
    assert not (tmp_path / "a" / "evil.py").exists()


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.zst"])
@pytest.mark.parametrize("damage", ["flipped bit", "cut"])
def test_damaged_archive_is_refused_whatever_lies_in_it(tmp_path, suffix, damage):
    (tmp_path / "chroma.sqlite3").write_bytes(os.urandom(100_000))  # what does not pack is stored
    (tmp_path / "scratch").mkdir()
    plain, archive = tmp_path / "plain.tar", tmp_path / f"copy{suffix}"
    with tarfile.open(plain, "w") as tar:
        tar.add(tmp_path / "chroma.sqlite3", arcname="data/chroma.sqlite3")
    checked = {zstd.CompressionParameter.checksum_flag: 1}
    pack = gzip.compress if suffix == ".tar.gz" else lambda raw: zstd.compress(raw, options=checked)
    packed = bytearray(pack(plain.read_bytes()))
    packed[50_000] ^= damage == "flipped bit"
    archive.write_bytes(packed[:-2] if damage == "cut" else packed)
    with pytest.raises(Unavailable, match="cannot be unpacked"):
        open_existing(archive, tmp_path / "scratch")


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "x.tar.zst", "x.zip"])
def test_file_that_is_no_archive_is_a_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(b"hello" * 300)
    (tmp_path / "scratch").mkdir()
    with pytest.raises(Unavailable):
        open_existing(tmp_path / name, tmp_path / "scratch")


@pytest.mark.slow
def test_directory_without_fingerprint_is_judged_and_the_rest_is_unknown(stopped_target, tmp_path):
    _, backup = stopped_target
    run = drill("-m", "drill", f"--backup={backup.path}/data", reports=tmp_path)
    assert run.returncode == 1
    assert "COULD NOT TELL" in run.stdout
    assert "nothing to compare with" in run.stdout


@pytest.mark.slow
def test_existing_backup_with_a_lost_collection_is_not_proven(stopped_target, tmp_path):
    _, backup = stopped_target
    copy = tmp_path / "copy"
    shutil.copytree(backup.path, copy)
    with contextlib.closing(sqlite3.connect(copy / "data" / "chroma.sqlite3")) as db:
        db.execute("DELETE FROM collections")
        db.commit()
    run = drill("-m", "drill", f"--backup={copy}", reports=tmp_path / "reports")
    assert run.returncode == 1
    assert "NOT PROVEN" in run.stdout
