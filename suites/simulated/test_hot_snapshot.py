"""The platform's own backup of a running service, and the runbook's answers to what it loses.

A platform takes it by its schedule, and asks nobody. The simulated one behaves as a block snapshot
does: a stand-in, made of what the kernel has written to this machine's disk.
"""

import filecmp
import json
import os
import subprocess
import sys

import pytest

from chromadrill.chroma.connection import connect
from chromadrill.core.clock import wait_until
from chromadrill.core.model import Scope
from chromadrill.targets.railway.simulator.page_cache import tells_memory
from chromadrill.targets.railway.simulator.run import simulator
from chromadrill.workload.writer import Writer, random_vector

pytestmark = [pytest.mark.simulated]

FLUSHED = 1_400  # writes; a server writes its index at 1,000
LIMIT_S = 300
TRIES = 10


@pytest.fixture
def railway(tmp_path):
    """A simulated platform, in this process."""
    with simulator(tmp_path / "home") as platform:
        yield platform


@pytest.fixture
def run(railway, tmp_path):
    """Runs a command of ours as on-call types it; returns its exit code and what it said."""

    def run_command(*command):
        ran = subprocess.run(
            [sys.executable, "-m", "chromadrill", *map(str, command)],
            env={**os.environ, **railway.environment()},
            cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    return run_command


@pytest.fixture
def flusher(railway, run, tmp_path):
    """`chromadrill flush` beside the service, as its template for Railway runs it."""
    heartbeat = tmp_path / "flusher.json"
    volume = railway.platform.world.mounted_volume().folder
    process = subprocess.Popen(
        [sys.executable, "-m", "chromadrill", "flush", "--path", volume, "--every", "0.5",
         "--heartbeat", heartbeat]
    )  # fmt: skip
    wait_until(heartbeat.exists, within_s=60, name="the flusher's first sync")
    yield lambda: json.loads(heartbeat.read_text())
    process.terminate()
    process.wait(60)


def write_and_flush(railway, name="writes"):
    """Clients write until the server has written its index files, and more."""
    with connect(railway.url) as chroma:
        collection = chroma.create_collection(Scope(), name)
    with Writer(railway.url, collection, batch=200, vectors=random_vector) as writer:
        writer.wait_for(FLUSHED)


def back_up_by_platform(railway, name):
    """What the platform does at the hour of its schedule: the service runs on."""
    volume = railway.platform.world.mounted_volume()
    workflow = railway.platform.create_backup(volume.instance, name)
    wait_until(lambda: workflow.status == "Complete", within_s=60, name="the platform's backup")


def back_up_what_no_disk_has(railway):
    """The first backup that lacks a part of an index: any sync on this machine puts it on the disk."""
    for number in range(TRIES):
        write_and_flush(railway, f"writes-{number}")
        name = f"scheduled-{number}"
        back_up_by_platform(railway, name)
        volume = railway.platform.world.mounted_volume().folder
        (kept,) = (
            backup.folder for backup in railway.platform.world.backups if backup.name == name
        )
        for index in volume.rglob("data_level0.bin"):
            copy = kept / index.relative_to(volume)
            if not copy.exists() or not filecmp.cmp(index, copy, shallow=False):
                return name
    raise AssertionError(f"each of {TRIES} indexes was on the disk before its backup")


def restore_and_validate(run, railway, backup, fingerprint):
    """RB-2 by a person in an incident, and its proof: `validate`'s exit code, and what it said."""
    ops = ["ops", "--target", "staging", "--break-glass", "staging"]
    for step in (["stop"], ["restore", backup]):
        code, text = run(*ops, *step)
        assert code == 0, text
    code, text = run(*ops, "start")  # a server may crash on what a snapshot lost
    if code:
        return code, text
    return run("validate", "--url", railway.url, "--all", "--fingerprint", fingerprint)


def test_backup_that_the_platform_takes_of_a_running_service_is_not_proven(railway, run, tmp_path):
    """On-call sees that the platform's own backup restores a service that lost its vectors."""
    backup = back_up_what_no_disk_has(railway)
    code, text = run("fingerprint", "--url", railway.url, "--output", tmp_path / "fingerprint")
    assert code == 0, text
    code, text = restore_and_validate(run, railway, backup, tmp_path / "fingerprint")

    assert code != 0, text
    assert "hnsw" in text or "FAIL" in text, text


def test_snapshot_as_the_runbook_takes_it_of_the_stopped_service_comes_back_whole(
    railway, run, tmp_path
):
    """On-call takes `ops snapshot`: the service is stopped, its volume unmounted and so synced."""
    write_and_flush(railway)
    code, text = run("ops", "--target", "staging", "snapshot", "--name", "stopped")
    assert code == 0, text
    fingerprint = railway.home / "target" / "snapshots" / "stopped" / "fingerprint"
    code, text = restore_and_validate(run, railway, "stopped", fingerprint)

    assert code == 0, text


def test_backup_of_a_running_service_beside_a_flusher_comes_back_whole(
    railway, run, flusher, tmp_path
):
    """On-call runs a flusher where the schedule cannot be told to stop the service."""
    if not tells_memory(tmp_path):
        pytest.skip("this kernel does not tell what is on the disk: a sync cannot be seen")
    write_and_flush(railway)
    syncs = flusher()["syncs"]
    wait_until(lambda: flusher()["syncs"] > syncs + 1, within_s=30, name="another sync")
    back_up_by_platform(railway, "scheduled")
    code, text = run("fingerprint", "--url", railway.url, "--output", tmp_path / "fingerprint")
    assert code == 0, text
    code, text = restore_and_validate(run, railway, "scheduled", tmp_path / "fingerprint")

    assert code == 0, text
