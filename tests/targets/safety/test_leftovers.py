"""Leftovers of dead runs are found by their names, and nothing else is."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from chromadrill.chroma.client import Chroma
from chromadrill.core.model import Scope
from chromadrill.targets.safety import leftovers

NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)
HERE = "ab12"


def dead(name, alive=lambda pid: False):
    return leftovers.dead(name, now=NOW, here=HERE, alive=alive)


def named(age, host=HERE, pid=7):
    return f"drill-{NOW - age:%Y%m%dT%H%M%S}-{host}-{pid}-00ff-writes"


def test_run_of_this_machine_is_dead_when_its_process_is():
    assert dead(named(timedelta(minutes=1)))
    assert dead(named(timedelta(minutes=1)), alive=lambda pid: pid == 7) is False


def test_run_of_another_machine_is_dead_after_a_day():
    assert dead(named(timedelta(hours=23), host="ffff")) is False
    assert dead(named(timedelta(hours=25), host="ffff")) is True
    assert dead(named(timedelta(hours=25)), alive=lambda pid: True) is True


def test_process_of_another_boot_or_container_is_not_taken_for_ours(monkeypatch):
    here = leftovers.host()
    for name in ("_boot", "_numbering"):
        with monkeypatch.context() as patched:
            patched.setattr(leftovers, name, lambda: "another")
            assert leftovers.host() != here
    assert leftovers.host() == here


OLD = named(timedelta(days=9))
NOBODYS = (
    "customers", "drill-dataset", "drill-1-x", "drill-20260101T000000", f"my-{OLD}", OLD[:-7],
    "drill-20269999T000000-ab12-7-00ff-writes", "Drill-x",
)  # fmt: skip


@pytest.mark.parametrize("name", NOBODYS)
def test_name_that_no_run_gives_is_nobodys_leftover(name):
    assert dead(name) is None


def test_run_that_lives_is_never_swept():
    name = f"drill-{leftovers.new_run()}-writes"
    now = datetime.now(UTC)
    assert leftovers.dead(name, now=now, here=leftovers.host(), alive=leftovers.alive) is False
    assert leftovers.alive(os.getpid())


def test_what_a_killed_run_left_is_swept_and_nothing_else(server):
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            "from chromadrill.targets.safety.leftovers import new_run; print(new_run())",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    left, living = f"drill-{made.stdout.strip()}-writes", f"drill-{leftovers.new_run()}-writes"
    with Chroma(server.url) as chroma:
        for each in (left, living, "drill-somebody"):
            chroma.create_collection(Scope(), each)
        assert leftovers.sweep(chroma, [Scope()]) == [f"{Scope()}/{left}"]
        there = {each.name for each in chroma.collections(Scope())}
        assert there == {"docs", living, "drill-somebody"}
        assert leftovers.sweep(chroma, [Scope()]) == []
        for each in (living, "drill-somebody"):
            chroma.delete_collection(Scope(), each)
