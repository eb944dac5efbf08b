"""Files appear whole or not at all, and a size is the same wherever it is asked for."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from chromadrill.core.files import atomic_file, remove_tree, size_of, write_atomic


def test_size_is_of_a_file_or_of_all_files_below_a_folder(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a").write_bytes(b"12345")
    (tmp_path / ".hidden").write_bytes(b"123")
    assert size_of(tmp_path) == 8
    assert size_of(tmp_path / ".hidden") == 3
    assert size_of(tmp_path / "none") == 0


def test_link_to_nothing_counts_nothing(tmp_path):
    (tmp_path / "gone").symlink_to(tmp_path / "none")
    assert size_of(tmp_path) == 0


@pytest.mark.parametrize("content", ["Füße\n", b"\x00\xff"])
def test_file_is_replaced_and_nothing_is_left_beside_it(tmp_path, content):
    file = tmp_path / "metrics.prom"
    file.write_text("old")
    write_atomic(file, content)
    assert file.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.prom"]


def test_writer_that_fails_leaves_the_old_content_and_nothing_else(tmp_path):
    file = tmp_path / "a"
    file.write_text("old")
    with pytest.raises(TypeError), atomic_file(file) as new:
        new.writelines([b"half", 7])
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_private_file_is_its_owners_alone_and_others_are_as_the_umask_says(tmp_path):
    before = os.umask(0o022)
    try:
        with atomic_file(tmp_path / "private", private=True) as file:
            file.write(b"x")
        write_atomic(tmp_path / "public", b"x")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"private": 0o600, "public": 0o644}


def test_folder_that_was_restored_read_only_is_removed():
    """As a user, that is: root may delete anywhere."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        folder = Path(tempfile.mkdtemp())
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "b" / "file").write_text("x")
        (folder / "a" / "b").chmod(0o500)
        (folder / "a").chmod(0o500)
        remove_tree(folder)
        assert not folder.exists()
    finally:
        if is_root:
            os.seteuid(0)
