"""What somebody writes to, what leads out of the directory, what has no end: a sentence, and no harm."""

import os
import pickle
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest

from chromadrill.backups.manifest import files_of
from chromadrill.core.errors import Refused
from chromadrill.recovery import replay
from chromadrill.recovery.salvage import bring_back, guards, mending, readable_store
from tests.front_door import enter
from tests.recovery.salvage.conftest import RECORDS, index_of

LOCKS = """
import fcntl, os, sys, time
handle = open(sys.argv[1], "r+b")
fcntl.lockf(handle, fcntl.LOCK_SH, 1, 0x40000002)
print("locked", flush=True)
time.sleep(60)
"""


def test_a_lock_of_sqlite_is_seen_where_open_files_are_not(damaged, monkeypatch, capsys):
    monkeypatch.setattr(guards, "_users_of", lambda path: iter(()))  # as of another container
    words = [sys.executable, "-c", LOCKS, str(damaged / "chroma.sqlite3")]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as other:
        try:
            other.stdout.readline()
            ended = enter(capsys, "salvage", damaged)
        finally:
            other.kill()
    assert ended.code == 1, ended.text
    assert "somebody has a lock" in ended.err


def test_what_is_written_to_meanwhile_is_not_believed(damaged, tmp_path, monkeypatch):
    read_all = bring_back.read_all

    def read_and_write(*args):
        findings = read_all(*args)
        with closing(sqlite3.connect(damaged / "chroma.sqlite3")) as database, database:
            database.execute("CREATE TABLE later (n)")
        return findings

    monkeypatch.setattr(bring_back, "read_all", read_and_write)
    with pytest.raises(Refused, match="written to while it was read"):
        bring_back.bring_back(damaged, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged"]


def test_no_room_is_refused_first_and_one_file_system_is_asked_for_all_of_it(
    damaged, tmp_path, monkeypatch, capsys
):
    asked = []
    usage = shutil.disk_usage(tmp_path)
    size = sum(file.stat().st_size for file in damaged.rglob("*") if file.is_file())

    def nearly_full(place):
        asked.append(place)
        return usage._replace(free=int(2.9 * size))

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    ended = enter(capsys, "salvage", damaged, "--into", tmp_path / "new")
    assert ended.code == 1, ended.text
    assert "No room in" in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged"]


def test_a_disk_that_is_full_meanwhile_is_said(damaged, tmp_path, monkeypatch, capsys):
    def recover_on_a_full_disk(file, into):
        with closing(sqlite3.connect(into)) as database:
            database.execute("PRAGMA max_page_count = 1")
            database.execute("CREATE TABLE full (n)")  # SQLite's own error

    file = damaged / "chroma.sqlite3"
    content = bytearray(file.read_bytes())
    content[:16] = bytes(16)
    file.write_bytes(content)
    monkeypatch.setattr(readable_store, "recover", recover_on_a_full_disk)
    ended = enter(capsys, "salvage", damaged, "--into", tmp_path / "new")
    assert ended.code == 2, ended.text
    assert "does not fit in the temporary folder" in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged"]


@pytest.mark.parametrize(
    ("words", "module", "asked"),
    [
        (("replay", "--path"), replay, "require_store"),
        (("salvage", "--quick"), mending, "stamps_of"),
        (("salvage",), bring_back, "stamps_of"),
    ],
    ids=["replay", "quick", "salvage"],
)
def test_what_another_run_has_begun_meanwhile_is_left_to_it(
    damaged, tmp_path, monkeypatch, words, module, asked, capsys
):
    (index_of(damaged) / "header.bin").unlink()
    begun, ask = tmp_path / "new.unfinished", getattr(module, asked)

    def let_another_begin(path):
        begun.mkdir()
        (begun / "proven").write_text("another run's copy")
        return ask(path)

    monkeypatch.setattr(module, asked, let_another_begin)
    ended = enter(capsys, *words, damaged, "--into", tmp_path / "new")
    assert (begun / "proven").read_text() == "another run's copy"
    assert ended.code == 1, ended.text
    assert f"{begun} exists" in ended.err


@pytest.mark.parametrize(
    ("file", "words"),
    [("data_level0.bin", ("replay", "--path")), ("header.bin", ("salvage", "--quick"))],
    ids=["replay", "quick"],
)
def test_the_folders_that_a_new_data_directory_lies_in_are_made(
    damaged, tmp_path, file, words, capsys
):
    (index_of(damaged) / file).unlink()
    into = tmp_path / "of" / "today" / "store"
    ended = enter(capsys, *words, damaged, "--into", into)
    assert "cannot be copied" not in ended.text
    assert "Traceback" not in ended.text
    assert into.parent.is_dir(), ended.text
    assert list(into.parent.glob("*.unfinished")) == []


def hot_journal(database, path):
    """A journal that gives page 1 back, and ends as one of several databases does: with a path."""
    content, name = database.read_bytes(), str(path).encode()
    size = int.from_bytes(content[16:18], "big")
    page, magic = content[:size], bytes.fromhex("d9d505f920a163d7")
    head = magic + struct.pack(">5I", 1, 7, len(content) // size, 512, size)
    one = struct.pack(">I", 1) + page + struct.pack(">I", 7 + sum(page[size - 200 : 0 : -200]))
    end = struct.pack(">II", len(name), sum(name)) + magic
    return head.ljust(512, b"\0") + one + struct.pack(">I", (1 << 30) // size + 1) + name + end


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("salvage",),
        ("salvage", "--quick", "--into", "NEW"),
        ("replay", "--into", "NEW", "--path"),
        ("validate", "--all", "--path"),
        ("validate", "--all", "--serve", "--path"),
    ],
    ids=" ".join,
)
def test_a_file_that_a_journal_names_is_left_alone(damaged, tmp_path, words, capsys):
    """SQLite removes that file once it has rolled back, wherever it is."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"another's\0")
    database = damaged / "chroma.sqlite3"
    database.with_name("chroma.sqlite3-journal").write_bytes(hot_journal(database, precious))
    words = [str(tmp_path / "new") if word == "NEW" else word for word in words]
    ended = enter(capsys, *words, damaged)
    assert precious.exists(), ended.text
    assert ended.code in (1, 2), ended.text
    assert "Traceback" not in ended.text


def fifo(file):
    os.mkfifo(file)


def endless(file):
    file.symlink_to("/dev/zero")


def outside(file):
    file.symlink_to("/etc/passwd")


@pytest.mark.parametrize("make", [fifo, endless, outside])
@pytest.mark.parametrize(
    "name",
    ["data_level0.bin", "header.bin", "index_metadata.pickle", "length.bin", "chroma.sqlite3"],
)
def test_a_pipe_a_device_and_a_link_end_in_a_sentence(damaged, name, make, capsys):
    file = damaged / name if name == "chroma.sqlite3" else index_of(damaged) / name
    file.unlink()
    make(file)
    ended = enter(capsys, "salvage", damaged)
    assert ended.code in (1, 2), ended.text
    assert "Traceback" not in ended.text
    assert "bring" in ended.out or "regular" in ended.err or "brought" in ended.out


def test_a_folder_of_an_index_that_is_a_link_is_not_followed(damaged, tmp_path, capsys):
    folder = index_of(damaged)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    ended = enter(capsys, "salvage", damaged)
    assert ended.code == 1, ended.text
    assert "is a link: not followed" in ended.out


class Bomb:
    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return (os.system, (f"touch {self.file}",))


def test_a_pickle_that_names_a_function_runs_nothing(damaged, tmp_path, capsys):
    file = index_of(damaged) / "index_metadata.pickle"
    file.write_bytes(pickle.dumps({"id_to_label": Bomb(tmp_path / "hit"), "dimensionality": 8}))
    ended = enter(capsys, "salvage", damaged)
    assert ended.code == 1, ended.text
    assert "index_metadata.pickle" in ended.out
    assert not (tmp_path / "hit").exists()


@pytest.mark.parametrize("offset", range(4, 100, 8))
def test_absurd_sizes_in_a_header_take_no_memory(sound, damaged, offset, capsys):
    file = index_of(damaged) / "header.bin"
    content = bytearray(file.read_bytes())
    content[offset : offset + 8] = struct.pack("<q", (1 << 62) + 12345)[: len(content) - offset]
    file.write_bytes(content)
    enter(capsys, "salvage", sound[0])  # what the first one imports is no part of it
    peak = psutil.Process().memory_info().rss
    ended = enter(capsys, "salvage", damaged)
    assert ended.code in (0, 1, 2), ended.text
    assert "Traceback" not in ended.text
    assert psutil.Process().memory_info().rss - peak < 100 << 20


@pytest.mark.slow
def test_random_bytes_in_any_file_end_in_a_sentence(sound, tmp_path, capsys):
    rng = np.random.default_rng(7)
    for number in range(12):
        data = shutil.copytree(sound[0], tmp_path / f"d{number}")
        files = sorted(file for file in data.rglob("*") if file.is_file())
        file = files[number % len(files)]
        content = bytearray(file.read_bytes())
        for at in rng.integers(0, max(1, len(content)), 40).tolist():
            content[at : at + 4] = rng.bytes(4)
        file.write_bytes(content)
        ended = enter(capsys, "salvage", data)
        assert ended.code in (0, 1, 2), ended.text
        assert "Traceback" not in ended.text, file


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.4, 1.0, 1.6, 2.2, 2.8, 3.6, 4.5])
def test_killed_at_any_moment_the_original_is_as_it_was(damaged, tmp_path, after_s, capsys):
    (index_of(damaged) / "header.bin").unlink()
    before, new = files_of(damaged), tmp_path / "new"
    command = [sys.executable, "-m", "chromadrill", "salvage", str(damaged), "--into", str(new)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after_s)  # the moment of the kill is what varies
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert files_of(damaged) == before
    unfinished = tmp_path / "new.unfinished"
    if unfinished.exists():
        assert not new.exists()
        ended = enter(capsys, "salvage", damaged, "--into", new)
        assert f"rm -r {unfinished}" in ended.err
        shutil.rmtree(unfinished)
    # killed behind its last step, before it swept: NEW is there, and whole
    ended = enter(capsys, "salvage", *([new] if new.exists() else [damaged, "--into", new]))
    assert f"{RECORDS:,} of {RECORDS} records" in ended.out, ended.text
    assert not list(Path(tempfile.gettempdir()).glob(f"{bring_back.PREFIX}{process.pid}-*"))
