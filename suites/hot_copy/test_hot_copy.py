"""Which copies of a server that is written to are backups? Measured, N tries each."""

import dataclasses

import pytest

from chromadrill.backups.hot_copy.methods import WAYS
from chromadrill.backups.registry import METHODS
from chromadrill.checks.hot_copy import is_consistent, uses_safe_ways, was_measured
from chromadrill.core.errors import Unavailable
from chromadrill.drill.hot_copy import copied, looked_at, row
from chromadrill.workload.writer import Writer

pytestmark = [pytest.mark.hotcopy, pytest.mark.runbook("RB-2")]


def with_needs(way):
    return pytest.param(way, id=way.name, marks=[pytest.mark.needs(each) for each in way.needs])


@pytest.mark.parametrize("way", [with_needs(each) for each in WAYS.values()])
def test_way_of_copying_a_running_server_is_measured(
    drill, way, writes, settings, measured_ways, record_property, tmp_path
):
    """On-call learns whether such a copy is a backup, what it costs clients, and what it lacks."""
    tries = settings.drill.tries
    if way.in_place:
        try:
            drill.target.live_data()
        except Unavailable as error:
            pytest.skip(str(error))
    with (
        drill.given("clients are writing"),
        Writer(drill.target.url, writes) as writer,
        drill.when(f"the server is copied {tries} times: {way.what}"),
    ):
        taken = [copied(drill.target, way, writer, tmp_path / str(n)) for n in range(tries)]
    with drill.then("each copy is read at rest, served, written to, restarted"):
        copies = [looked_at(copy, place, writes) for copy, place in taken]
    for each in copies:
        drill.note("hot copy", verdict=dataclasses.asdict(is_consistent(each)))
    measured_ways[way.name] = copies
    record_property("hotcopy", row(way, copies))
    drill.judged(was_measured(copies, tries))


@pytest.mark.needs("snapshot")
def test_own_backup_methods_use_only_ways_that_never_failed(drill, measured_ways):
    """On-call may trust `ops snapshot`: the way it copies was measured in this very run."""
    drill.judged(uses_safe_ways({name: each.WAY for name, each in METHODS.items()}, measured_ways))
