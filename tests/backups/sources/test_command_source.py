"""A source that a command knows: what it may print, and what a fetch may do and may not."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from chromadrill.backups.sources import outside_command
from chromadrill.backups.sources.command import CommandSource
from chromadrill.core.clock import wait_until
from chromadrill.core.errors import DrillError, Unavailable
from chromadrill.core.model import Artefact

TIME = "2026-11-29T02:00:00Z"
ARTEFACT = Artefact("night-1", TIME, None, "command")


def source(list_command="true", fetch="true {id} {into}", timeout_s=20):
    return CommandSource("bucket", list_command, fetch, timeout_s)


def listed(tmp_path, text):
    (tmp_path / "list").write_text(text)
    return source(f"cat {tmp_path / 'list'}").artefacts()


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "scratch" / "backup"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def store(tmp_path):
    folder = tmp_path / "bucket" / "night-1" / "chroma"
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "chroma.sqlite3") as db:
        db.execute("create table t(a)")
    return folder


def test_lines_of_words_and_of_json_are_read(tmp_path):
    text = f"""a {TIME} 17
{{"id": "b", "time": "2026-11-30T03:00:00+01:00", "bytes": 4, "more": 1}}

c 1764295200
"""
    b, a, c = listed(tmp_path, text)
    assert (a.id, a.bytes, b.created_at, b.bytes, c.bytes) == (
        "a", 17, "2026-11-30T02:00:00.000Z", 4, None,
    )  # fmt: skip
    assert c.created_at.startswith("2025-11-28")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a", "two or three words"),
        ("a b c d", "two or three words"),
        ("a yesterday", "yesterday"),
        (f"a {TIME} 1e9", "1e9"),
        (f"a {TIME} -1", "-1 bytes"),
        (f"../../etc {TIME}", "has more in it"),
        (f"--target=/ {TIME}", "has more in it"),
        (f"a;rm {TIME}", "has more in it"),
        ('{"id": "a"}', "no 'time'"),
        ('{"id": "a", "time": 1', "line 1"),
    ],
)
def test_line_that_names_no_backup_is_quoted(tmp_path, line, reason):
    with pytest.raises(Unavailable, match="list, line 1") as raised:
        listed(tmp_path, line)
    assert reason in str(raised.value)


def test_two_backups_of_one_name_are_refused(tmp_path):
    with pytest.raises(Unavailable, match="two backups are called a"):
        listed(tmp_path, f"a {TIME}\na {TIME}\n")


def test_fetched_backup_is_found_in_its_folder(store, into):
    path = source(fetch=f"cp -r {store.parent.parent}/{{id}} {{into}}").fetch(ARTEFACT, into)
    assert path == into / "night-1" / "chroma"


@pytest.mark.parametrize(
    ("fetch", "sentence"),
    [
        ("no-such-tool {id} {into}", "no-such-tool is not there"),
        ("false {id} {into}", "exit code 1"),
        ("true {id} {into}", "left nothing in its folder"),
        ("touch {into}/{id}.txt", "no backup is in it, only night-1.txt"),
        ("cp -r BUCKET/{id} {into}/../beside", "wrote outside of its folder: beside"),
        ("sh -c 'rmdir {into} && ln -s BUCKET/{id} {into}'", "replaced its folder"),
        ("ln -s BUCKET/{id}/chroma {into}/chroma", "is a link out of its folder"),
        (
            "sh -c 'mkdir {into}/c && ln BUCKET/{id}/chroma/chroma.sqlite3 {into}/c"
            " && ln -s /etc/passwd {into}/c/x'",
            "is a link out of its folder, to /etc/passwd",
        ),
        (
            "sh -c 'cp -r BUCKET/{id} {into}/a && cp -r BUCKET/{id} {into}/b'",
            "it holds 2 backups: a/chroma, b/chroma",
        ),
    ],
)
def test_fetch_that_brings_no_whole_backup_is_a_sentence(store, into, fetch, sentence):
    command = fetch.replace("BUCKET", str(store.parent.parent))
    with pytest.raises(DrillError) as raised:
        source(fetch=command).fetch(ARTEFACT, into)
    assert sentence in str(raised.value)


def test_what_a_command_prints_is_shown_without_its_secrets(into, monkeypatch):
    monkeypatch.setenv("BUCKET_TOKEN", "tok-1234567890")
    fetch = (
        "sh -c 'echo cannot log in with tok-1234567890 to https://me:hunter2hunter2@host;"
        " echo password=correct-horse; echo Authorization: Bearer abc.def.ghi; exit 3' {id} {into}"
    )
    with pytest.raises(DrillError) as raised:
        source(fetch=fetch).fetch(ARTEFACT, into)
    sentence = str(raised.value)
    assert "exit code 3" in sentence
    assert "cannot log in" in sentence
    for secret in ("tok-1234567890", "hunter2hunter2", "correct-horse", "abc.def.ghi"):
        assert secret not in sentence


def test_fetch_that_hangs_ends_with_all_that_it_started(into, tmp_path):
    pids = tmp_path / "pids"
    pids.touch()  # on a busy machine nothing may have been started
    fetch = f"sh -c 'sleep 600 & echo $! >> {pids}; echo $$ >> {pids}; wait' {{id}} {{into}}"
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"did not end within 0\.5 s"):
        source(fetch=fetch, timeout_s=0.5).fetch(ARTEFACT, into)
    assert time.monotonic() - started < 60
    running = map(int, pids.read_text().split())
    for pid in running:  # killed, and perhaps not yet dead
        wait_until(lambda pid=pid: not is_running(pid), within_s=20, name=f"the end of {pid}")


def is_running(pid):
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_fetch_of_unknown_size_ends_before_the_disk_is_full(into, monkeypatch):
    monkeypatch.setattr(outside_command, "LEAST_FREE", 10**18)
    with pytest.raises(Unavailable, match="no room in"):
        source(fetch="sh -c 'sleep 600' {id} {into}").fetch(ARTEFACT, into)


def test_file_that_is_smaller_than_the_list_says_is_a_part(into):
    part = Artefact("night-1", TIME, 1000, "command")
    fetch = "sh -c 'head -c 999 /dev/zero > {into}/{id}.tar'"
    with pytest.raises(Unavailable, match="only a part of it came, 999 of 1,000 bytes"):
        source(fetch=fetch).fetch(part, into)
    assert source(fetch=fetch.replace("999", "1001")).fetch(part, into).name == "night-1.tar"


def test_guard_of_a_command_ends_it_when_its_owner_was_killed(tmp_path):
    code = (
        "from chromadrill.backups.sources.outside_command import run\n"
        f"run(['sh', '-c', 'echo $$ > {tmp_path}/pid; sleep 600 & wait'], name='x', limit_s=600)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code])
    pid = tmp_path / "pid"
    wait_until(lambda: pid.exists() and pid.read_text().strip(), within_s=30, name="the command")
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    wait_until(lambda: not is_running(int(pid.read_text())), within_s=10, name="its end")
