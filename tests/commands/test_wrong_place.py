"""A path that is not the store itself: what nobody could read is not reported as missing."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
import pytest

from chromadrill.backups.detect import open_existing
from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from chromadrill.targets.process.target import ProcessTarget
from tests.commands.run import exit_code


@pytest.fixture(scope="module")
def store(server, tmp_path_factory):
    """A store at rest and its fingerprint beside it."""
    folder = tmp_path_factory.mktemp("place")
    shutil.copytree(server.home / "data", folder / "store")
    arguments = ["fingerprint", "--path", folder / "store", "--output", folder / "fp"]
    assert exit_code(*map(str, arguments)) == 0
    return folder / "store"


@pytest.fixture(scope="module")
def synced_store(tmp_path_factory):
    """A store whose index is in its files, and its fingerprint."""
    folder = tmp_path_factory.mktemp("synced")
    target = ProcessTarget(folder / "home", owner=os.getpid())
    target.start()
    with Chroma(target.url) as chroma:
        hnsw = {"sync_threshold": 100, "batch_size": 100}
        info = chroma.create_collection(Scope(), "synced", hnsw=hnsw)
        ids = [f"r{n}" for n in range(150)]
        vectors = np.random.default_rng(5).normal(size=(150, 8)).astype(np.float32)
        chroma.upsert(info, ids=ids, vectors=vectors, documents=ids)
    target.stop()
    shutil.copytree(target.home / "data", folder / "store")
    target.remove()
    arguments = ["fingerprint", "--path", folder / "store", "--output", folder / "fp"]
    assert exit_code(*map(str, arguments)) == 0
    return folder / "store", folder / "fp"


def validated(path, store, capsys):
    capsys.readouterr()
    code = exit_code(
        "validate", "--path", str(path), "--all", "--fingerprint", str(store.parent / "fp")
    )
    return code, "".join(capsys.readouterr())


def test_store_restored_some_folders_too_deep_is_missing_and_found(store, tmp_path, capsys):
    shutil.copytree(store, tmp_path / "home" / "me" / "db")
    code, text = validated(tmp_path, store, capsys)
    assert (code, f"Did you mean {tmp_path}/home/me/db?" in " ".join(text.split())) == (1, True), (
        text
    )


@pytest.mark.parametrize("suffix", ["tar.gz", "tar.xz", "tar.bz2"])
def test_archive_is_not_called_empty_and_the_command_that_takes_it_does(
    store, tmp_path, capsys, suffix
):
    archive = tmp_path / f"store.{suffix}"
    with tarfile.open(archive, f"w:{suffix[4:]}") as tar:
        tar.add(store, "home/me/db")
    code, text = validated(archive, store, capsys)
    assert (code, f"chromadrill prove {archive}" in text) == (2, True), text
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert open_existing(archive, scratch).data == scratch / "home" / "me" / "db"


def test_zip_is_to_be_unpacked(store, tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "store.zip", "w") as packed:
        packed.write(store / "chroma.sqlite3")
    code, text = validated(tmp_path / "store.zip", store, capsys)
    assert (code, "Unpack it" in text) == (2, True), text


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="a mode binds whoever is not root")
@pytest.mark.parametrize("what", ["segment", "index file", "sibling"])
def test_what_this_user_may_not_read_is_unknown(synced_store, tmp_path, what):
    store, file = synced_store
    copy = tmp_path / "copy"
    shutil.copytree(store, copy)
    segment = next(path for path in copy.iterdir() if path.is_dir())
    closed = {"segment": segment, "index file": segment / "link_lists.bin"}.get(what)
    path = copy
    if closed is None:
        closed, path = tmp_path / "closed", tmp_path / "none"
        closed.mkdir()
    closed.chmod(0)
    ran = subprocess.run(
        [shutil.which("setpriv"), "--bounding-set=-dac_override,-dac_read_search", sys.executable, "-m",
         "chromadrill", "validate", "--path", path, "--all", "--fingerprint", file],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    closed.chmod(0o700)
    if what == "sibling":
        assert (ran.returncode, "Permission denied" in ran.stderr) == (1, False), ran.stderr
        assert "does not exist" in ran.stdout
    else:
        assert (ran.returncode, "FAIL" in ran.stdout) == (2, False), ran.stdout + ran.stderr
        assert "may not be read by this user" in ran.stdout
