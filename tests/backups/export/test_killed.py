"""kill -9 at random moments: nothing that looks whole, and the next run is clean."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chromadrill.backups.export import read_back
from chromadrill.backups.export.formats import open_export
from chromadrill.backups.export.staging import STAGING
from chromadrill.chroma.client import Chroma
from chromadrill.targets.process.target import ProcessTarget
from tests.backups.export.comparator import differences
from tests.backups.export.conftest import SCOPES

pytestmark = pytest.mark.slow
SCRIPTS = Path(__file__).parents[3] / "scripts"
PAIRS = [(scope.tenant, scope.database) for scope in SCOPES]
SCOPE_ARGS = [arg for scope in SCOPES for arg in ("--scope", str(scope))]


def script(name, *args):
    return subprocess.Popen(
        [sys.executable, str(SCRIPTS / name), *args],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def seconds_of(name, *args):
    """Seconds of an undisturbed run."""
    started = time.monotonic()
    assert script(name, *args).wait(120) == 0
    return time.monotonic() - started


def kill_after(seconds, name, *args):
    """Kill it after so many seconds; whether it was still running then."""
    running = script(name, *args)
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(running.pid, signal.SIGKILL)
        running.wait(10)
        return True
    return False


def test_export_killed_at_any_moment_leaves_no_file_and_no_partial_for_long(source, tmp_path):
    args = ["--url", source.url, "--all", *SCOPE_ARGS, "--output-file"]
    whole = seconds_of("backup_chromadb.py", *args, str(tmp_path / "first.jsonl"))
    records = read_back.observe(open_export(tmp_path / "first.jsonl")).counts
    rng, kills = random.Random(5), 0
    for number in range(15):
        out = tmp_path / f"e{number}.jsonl"
        if kill_after(rng.uniform(0.1, 0.8) * whole, "backup_chromadb.py", *args, str(out)):
            kills += 1
            if out.exists():  # the kill came after the rename, while the process was ending
                assert read_back.observe(open_export(out)).counts == records
        whole = seconds_of("backup_chromadb.py", *args, str(out))
        if kills == 3:
            break
    assert kills == 3
    assert not list(tmp_path.glob(".*.partial"))


def test_import_killed_at_any_moment_shows_no_half_collection(source, tmp_path):
    file = str(tmp_path / "e.jsonl")
    seconds_of(
        "backup_chromadb.py", "--url", source.url, "--all", *SCOPE_ARGS, "--output-file", file
    )
    complete = _counts(source.url)
    rng, kills, whole = random.Random(6), 0, 8.0
    for number in range(12):
        target = ProcessTarget(tmp_path / f"t{number}", owner=os.getpid())
        try:
            target.start()
            args = ["--url", target.url, "--input-file", file]
            if not number:
                whole = seconds_of("restore_chromadb.py", *args)
            elif kill_after(rng.uniform(0.1, 0.8) * whole, "restore_chromadb.py", *args):
                kills += 1
                assert _counts(target.url).items() <= complete.items()
                if differences(source.url, target.url, PAIRS, legacy=["legacy"]):
                    # else the kill came after the last rename: there is nothing to go on with
                    seconds_of("restore_chromadb.py", *args)
            assert differences(source.url, target.url, PAIRS, legacy=["legacy"]) == []
        finally:
            target.remove()
        if kills == 2:
            break
    assert kills == 2


def _counts(url):
    """How many records each collection holds that has its final name."""
    with Chroma(url) as chroma:
        there = [scope for scope in SCOPES if chroma.tenant_exists(scope.tenant)]
        infos = [info for scope in there for info in chroma.collections(scope)]
        return {i.key: chroma.count(i) for i in infos if not i.name.startswith(STAGING)}
