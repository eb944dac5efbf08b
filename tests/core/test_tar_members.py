"""What is taken out of an archive stays in the folder, by the Python of Debian 12 too."""

import io
import os
import tarfile
from pathlib import Path

import pytest

import chromadrill
from chromadrill.core.tar_members import OutsideFolder, extract, size_of


def archive(*members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    file.seek(0)
    return tarfile.open(fileobj=file)


def file_named(name, **attributes):
    member = tarfile.TarInfo(name)
    for attribute, value in attributes.items():
        setattr(member, attribute, value)
    return member


@pytest.mark.parametrize("name", ["../x", "a/../../x", "a/../../into-x/x"])
def test_name_that_leads_elsewhere_is_refused(tmp_path, name):
    into = tmp_path / "into"
    into.mkdir()
    with archive((file_named(name), b"x")) as tar, pytest.raises(OutsideFolder, match="outside"):
        extract(tar, tar.getmembers()[0], into)
    assert list(tmp_path.rglob("x")) == []


def test_folder_that_leads_through_a_link_is_refused(tmp_path):
    into = tmp_path / "into"
    into.mkdir()
    (into / "link").symlink_to(tmp_path)
    with archive((file_named("link/x"), b"x")) as tar, pytest.raises(OutsideFolder):
        extract(tar, tar.getmembers()[0], into)


def test_absolute_name_is_taken_below_the_folder(tmp_path):
    with archive((file_named("/srv/x"), b"content")) as tar:
        extract(tar, tar.getmembers()[0], tmp_path)
    assert (tmp_path / "srv" / "x").read_bytes() == b"content"


def test_file_keeps_its_time_and_neither_owner_nor_mode(tmp_path):
    member = file_named("x", mtime=1_000_000_000, mode=0o6777, uid=12345, gid=12345)
    with archive((member, b"x")) as tar:
        extract(tar, tar.getmembers()[0], tmp_path)
    status = (tmp_path / "x").stat()
    assert (status.st_mtime, status.st_uid) == (1_000_000_000, os.getuid())
    assert status.st_mode & 0o6000 == 0


def link_to(name, linkname):
    return file_named(name, type=tarfile.LNKTYPE, linkname=linkname, mtime=1_000_000_000), b""


def test_hard_link_becomes_a_file_of_its_own(tmp_path):
    with archive((file_named("a/x"), b"content"), link_to("b/y", "a/x")) as tar:
        for member in tar:
            extract(tar, member, tmp_path)
    (tmp_path / "a" / "x").write_bytes(b"changed")
    assert (tmp_path / "b" / "y").read_bytes() == b"content"
    assert (tmp_path / "b" / "y").stat().st_mtime == 1_000_000_000


def test_file_that_was_named_twice_is_there_once(tmp_path):
    """As `tar cf x.tar folder folder/file` leaves it: a link to itself."""
    with archive((file_named("a/x"), b"content"), link_to("a/x", "a/x")) as tar:
        sizes = []
        for member in tar:
            sizes.append(size_of(member, tmp_path))
            extract(tar, member, tmp_path)
    assert (tmp_path / "a" / "x").read_bytes() == b"content"
    assert sizes == [7, 7]


@pytest.mark.parametrize(
    ("linkname", "error"), [("../secret", OutsideFolder), ("later", tarfile.TarError)]
)
def test_hard_link_to_what_is_not_in_the_folder_is_refused(tmp_path, linkname, error):
    into = tmp_path / "into"
    into.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    with archive(link_to("y", linkname), (file_named("later"), b"x")) as tar:
        member = next(iter(tar))
        with pytest.raises(error, match=r"outside|not before it"):
            extract(tar, member, into)
    assert list(into.iterdir()) == []


def test_no_source_asks_for_the_filters_that_debian_12_lacks():
    sources = Path(chromadrill.__file__).parent.rglob("*.py")
    # the module itself names them in its docstring
    asking = [file.name for file in sources if 'filter="data")' in file.read_text()]
    assert asking == []
