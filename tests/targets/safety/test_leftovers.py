"""Leftovers of dead runs are found by their names, and nothing else is."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core import process_tags
from chromadrill.core.model import Scope
from chromadrill.targets.safety import leftovers

NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)
HERE = "ab12"


def is_dead(name, living=()):
    return leftovers.is_of_dead_run(name, now=NOW, host=HERE, is_gone=lambda pid: pid not in living)


def run_name(age, host=HERE, pid=7):
    return f"drill-{NOW - age:%Y%m%dT%H%M%S}-{host}-{pid}-00ff-writes"


def test_run_of_this_machine_is_dead_when_its_process_is():
    assert is_dead(run_name(timedelta(minutes=1)))
    assert is_dead(run_name(timedelta(minutes=1)), living=[7]) is False


def test_run_of_another_machine_is_dead_after_a_day():
    assert is_dead(run_name(timedelta(hours=23), host="ffff")) is False
    assert is_dead(run_name(timedelta(hours=25), host="ffff")) is True
    assert is_dead(run_name(timedelta(hours=25)), living=[7]) is True


def test_process_of_another_boot_or_container_is_not_taken_for_ours(monkeypatch):
    host = leftovers.this_host()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "readlink", lambda path: Path("pid:[1]"))
        assert leftovers.this_host() != host
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_text", lambda path: "another boot")
        assert leftovers.this_host() != host
    assert leftovers.this_host() == host


OLD = run_name(timedelta(days=9))
NOBODYS = (
    "customers", "drill-dataset", "drill-1-x", "drill-20260101T000000", f"my-{OLD}", OLD[:-7],
    "drill-20269999T000000-ab12-7-00ff-writes", "Drill-x",
)  # fmt: skip


@pytest.mark.parametrize("name", NOBODYS)
def test_name_that_no_run_gives_is_nobodys_leftover(name):
    assert is_dead(name) is None


def test_run_that_lives_is_never_swept():
    name = f"drill-{leftovers.new_run()}-writes"
    assert (
        leftovers.is_of_dead_run(
            name, now=datetime.now(UTC), host=leftovers.this_host(), is_gone=process_tags.is_gone
        )
        is False
    )


def test_what_a_killed_run_left_is_swept_and_nothing_else(server):
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "from chromadrill.targets.safety.leftovers import new_run; print(new_run())",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    leftover, living = (
        f"drill-{killed.stdout.strip()}-writes",
        f"drill-{leftovers.new_run()}-writes",
    )
    with Chroma(server.url) as chroma:
        for name in (leftover, living, "drill-somebody"):
            chroma.create_collection(Scope(), name)
        assert leftovers.sweep(chroma, [Scope()]) == [f"{Scope()}/{leftover}"]
        names = {collection.name for collection in chroma.collections(Scope())}
        assert names == {"docs", living, "drill-somebody"}
        assert leftovers.sweep(chroma, [Scope()]) == []
        for name in (living, "drill-somebody"):
            chroma.delete_collection(Scope(), name)
