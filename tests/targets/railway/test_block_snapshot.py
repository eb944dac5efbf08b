"""The stand-in of a block snapshot: what nobody synced is not in it, as far as the kernel tells."""

import os

import pytest

from chromadrill.targets.railway.simulator import block_snapshot, page_cache
from chromadrill.targets.railway.simulator.page_cache import PAGE, in_memory_alone, tells_memory


@pytest.fixture
def told(tmp_path):
    """Where the kernel tells what is in memory alone."""
    if not tells_memory(tmp_path):
        pytest.skip("this kernel, or this file system, does not tell")


def sync(path):
    with path.open("rb") as file:
        os.fsync(file.fileno())


@pytest.fixture
def index(tmp_path):
    """A file of an index: five pages, on the disk."""
    path = tmp_path / "data_level0.bin"
    path.write_bytes(b"a" * 5 * PAGE)
    sync(path)
    return path


@pytest.mark.usefixtures("told")
def test_bytes_in_memory_alone_are_known(index):
    assert in_memory_alone(index, is_told=True) == []
    with index.open("r+b") as file:
        file.seek(2 * PAGE + 5)
        file.write(b"b")
    # the kernel keeps pages in folios of several, which are dirty as a whole
    ((begin, end),) = in_memory_alone(index, is_told=True)
    assert begin <= 2 * PAGE < 3 * PAGE <= end
    sync(index)
    assert in_memory_alone(index, is_told=True) == []


@pytest.mark.usefixtures("told")
def test_file_that_nobody_synced_is_empty_and_a_longer_one_ends_where_it_did(index, tmp_path):
    new = tmp_path / "length.bin"
    new.write_bytes(b"n" * 3 * PAGE + b"n")
    assert block_snapshot.on_disk(new, tmp_path / "none", is_told=True) == b""
    before = tmp_path / "before.bin"
    before.write_bytes(index.read_bytes())
    with index.open("r+b") as file:
        file.write(b"b" * PAGE)
        file.seek(0, os.SEEK_END)
        file.write(b"c" * 2 * PAGE)
    assert block_snapshot.on_disk(index, before, is_told=True) == b"a" * 5 * PAGE
    unknown = block_snapshot.on_disk(index, tmp_path / "none", is_told=True)
    assert len(unknown) <= 5 * PAGE
    assert b"b" not in unknown
    assert b"c" not in unknown


def test_kernel_that_does_not_tell_leaves_the_clock(tmp_path, index, monkeypatch):
    def fail(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(page_cache, "_count", fail)
    assert not tells_memory(tmp_path)
    assert in_memory_alone(index, is_told=False) == [(0, 5 * PAGE)]
    os.utime(index, (1, 1))
    assert in_memory_alone(index, is_told=False) == []


def test_snapshot_has_the_database_and_remembers_what_was_on_the_disk(tmp_path):
    volume, kept = tmp_path / "volumes" / "0", tmp_path / "written-back" / "0"
    (volume / "segment").mkdir(parents=True)
    (volume / "notes").write_text("all of it")
    (volume / "segment" / "header.bin").write_bytes(b"old")
    block_snapshot.remember(volume, kept)
    (volume / "segment" / "header.bin").write_bytes(b"new")
    block_snapshot.take(volume, kept, tmp_path / "backup")

    assert (tmp_path / "backup" / "notes").read_text() == "all of it"
    on_disk = (tmp_path / "backup" / "segment" / "header.bin").read_bytes()
    assert on_disk in (b"old", b"new")  # the kernel may have written it by now
    assert (kept / "segment" / "header.bin").read_bytes() == on_disk
