"""`chromadrill rebuild --workers N` as it is typed: killed workers, a killed command, wrong words."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from chromadrill.core.clock import wait_until
from chromadrill.core.process_tags import is_gone
from tests.commands.run import script
from tests.recovery.rebuild.conftest import ROOT
from tests.recovery.rebuild.worker_models import texts_of

ROWS, TASK = 2000, 64
FUNCTION = "tests.recovery.rebuild.worker_models:ByEnvironment"


@pytest.fixture
def command(table, chroma_home, tmp_path):
    """Runs the command on a table of many rows with an index."""
    table.sql("truncate manual_content")
    table.sql(
        "insert into manual_content select 'r' || n, 'document ' || n, null"
        f" from generate_series(1, {ROWS}) n"
    )
    table.sql("alter table manual_content add primary key (id)")

    def run(*options, **environment):
        return subprocess.run(
            [sys.executable, "-m", "chromadrill", "rebuild", "--from-postgresql",
             "--collection-name", "docs", "--json", *options],
            env={**os.environ, "CHROMA_URL": chroma_home.url, "DATABASE_URL": table.url,
                 "DRILL_EMBEDDING__FUNCTION": FUNCTION, "WORKER_FOLDER": str(tmp_path),
                 **environment},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip

    return run


@pytest.mark.slow
def test_rebuild_with_two_workers_of_whom_two_are_killed_is_whole(command, table, tmp_path):
    ran = command("--workers", "2", WORKER_DEATHS="2")
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["embedded"] == ROWS
    by_workers = sum(share["documents"] for share in answer["workers"].values())
    assert 0 < ROWS - by_workers < 100  # those are embedded and timed for the bill
    assert ran.stderr.count("ended by SIGKILL: another takes its place") == 2
    assert len(table.records()) == ROWS
    # two texts of ours watch each process's function; what was embedded twice: a batch each at most
    documents = [text for log in texts_of(tmp_path) for text in log if "document" in text]
    assert by_workers <= len(documents) <= by_workers + 2 * TASK


@pytest.mark.slow
def test_workers_end_with_a_command_that_is_killed_and_the_next_one_goes_on(
    command, table, tmp_path
):
    ran = command("--workers", "2", WORKER_KILLS_PARENT="1")
    assert ran.returncode == -signal.SIGKILL
    pids = [int(pid) for pid in re.findall(r"pid (\d+)", ran.stderr)]
    assert len(pids) == 2
    wait_until(lambda: all(map(is_gone, pids)), within_s=60, name="the workers' end")
    assert table.names() == ["docs.rebuilding"]

    answer = json.loads(command("--workers", "2").stdout)
    assert answer["resumed"] > 0
    assert answer["embedded"] + answer["resumed"] == ROWS
    assert len(table.records()) == ROWS


def test_wrong_workers_are_a_usage_error():
    ran = script("rebuild_chromadb.py", "--from-postgresql", "--url", "x", "--workers", "two")
    assert (ran.returncode, "--workers two: a number of processes" in ran.stderr) == (64, True)
