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
NAMED = [(each.tenant, each.database) for each in SCOPES]
SCOPE_WORDS = [word for each in SCOPES for word in ("--scope", str(each))]


def script(name, *words):
    return subprocess.Popen(
        [sys.executable, str(SCRIPTS / name), *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def timed(name, *words):
    """Seconds of an undisturbed run."""
    started = time.monotonic()
    assert script(name, *words).wait(120) == 0
    return time.monotonic() - started


def killed_after(seconds, name, *words):
    """Whether it was still running when it was killed."""
    running = script(name, *words)
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(running.pid, signal.SIGKILL)
        running.wait(10)
        return True
    return False


def test_export_killed_at_any_moment_leaves_no_file_and_no_partial_for_long(source, tmp_path):
    words = ["--url", source.url, "--all", *SCOPE_WORDS, "--output-file"]
    whole = timed("backup_chromadb.py", *words, str(tmp_path / "first.jsonl"))
    records = read_back.observe(open_export(tmp_path / "first.jsonl")).counts
    rng, killed = random.Random(5), 0
    for number in range(5):
        out = tmp_path / f"e{number}.jsonl"
        if killed_after(rng.uniform(0.2, 1) * whole, "backup_chromadb.py", *words, str(out)):
            killed += 1
            if out.exists():  # the kill came after the rename, while the process was ending
                assert read_back.observe(open_export(out)).counts == records
        assert timed("backup_chromadb.py", *words, str(out)) > 0
    assert killed >= 3
    assert not list(tmp_path.glob(".*.partial"))


def test_import_killed_at_any_moment_shows_no_half_collection(source, tmp_path):
    file = str(tmp_path / "e.jsonl")
    timed("backup_chromadb.py", "--url", source.url, "--all", *SCOPE_WORDS, "--output-file", file)
    rng, killed, whole = random.Random(6), 0, 8.0
    for number in range(5):
        target = ProcessTarget(tmp_path / f"t{number}", owner=os.getpid())
        try:
            target.start()
            words = ["--url", target.url, "--input-file", file]
            if not number:
                whole = timed("restore_chromadb.py", *words)
            elif killed_after(rng.uniform(0.2, 1) * whole, "restore_chromadb.py", *words):
                killed += 1
                with Chroma(target.url) as chroma:
                    found = {i.name: chroma.count(i) for s in SCOPES for i in _there(chroma, s)}
                    named = {k: n for k, n in found.items() if not k.startswith(STAGING)}
                assert set(named.values()) <= {300, 450, 120, 60, 20, 0}
                if differences(source.url, target.url, NAMED, legacy=["legacy"]):
                    # else the kill came after the last rename: there is nothing to go on with
                    timed("restore_chromadb.py", *words)
            assert differences(source.url, target.url, NAMED, legacy=["legacy"]) == []
        finally:
            target.remove()
    assert killed >= 2


def _there(chroma, scope):
    return chroma.collections(scope) if chroma.tenant_exists(scope.tenant) else []
