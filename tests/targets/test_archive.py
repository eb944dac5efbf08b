"""Archives between a folder and a container: everything arrives, and nothing leaves the folder."""

import io
import tarfile

import pytest

from chromadrill.core.errors import Unavailable
from chromadrill.targets.container.archive import pack, unpack


def test_folder_survives_the_way_to_the_engine_and_back(tmp_path):
    source, back = tmp_path / "source", tmp_path / "back"
    (source / "segment").mkdir(parents=True)
    back.mkdir()
    (source / "chroma.sqlite3").write_bytes(b"x" * 100_000)
    (source / ".hidden").write_text("y")
    (source / "segment" / "header.bin").write_bytes(b"")
    file = io.BytesIO()
    pack(source, file)
    sent = io.BytesIO()
    with tarfile.open(fileobj=file) as packed, tarfile.open(fileobj=sent, mode="w") as tar:
        assert {member.uid for member in packed} == {0}
        for member in packed.getmembers():  # as the engine sends it: below the folder's name
            content = packed.extractfile(member)
            member.name = f"volume/{member.name}"
            tar.addfile(member, content)
    unpack([sent.getvalue()[:700], sent.getvalue()[700:]], back)

    sizes = {
        path.relative_to(back).as_posix(): path.stat().st_size
        for path in back.rglob("*")
        if path.is_file()
    }
    assert sizes == {"chroma.sqlite3": 100_000, ".hidden": 1, "segment/header.bin": 0}


def test_member_that_would_leave_the_folder_is_refused(tmp_path):
    into = tmp_path / "a" / "into"
    into.mkdir(parents=True)
    sent = io.BytesIO()
    with tarfile.open(fileobj=sent, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("volume/../../outside"), io.BytesIO(b""))
    with pytest.raises(Unavailable, match="outside"):
        unpack([sent.getvalue()], into)

    assert not list(tmp_path.rglob("outside"))


def test_links_and_devices_are_left_out(tmp_path):
    sent = io.BytesIO()
    with tarfile.open(fileobj=sent, mode="w") as tar:
        link = tarfile.TarInfo("volume/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    unpack([sent.getvalue()], tmp_path)

    assert list(tmp_path.iterdir()) == []
