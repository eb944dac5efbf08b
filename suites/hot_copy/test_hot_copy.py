"""Which copies of a server that is written to are backups? Measured, N tries each."""

import dataclasses

import pytest

from chromadrill.backups.hot_copy.methods import HOT_COPY_METHODS
from chromadrill.backups.registry import METHODS
from chromadrill.checks.hot_copy import are_safe, is_consistent, was_measured
from chromadrill.core.errors import Unavailable
from chromadrill.drill.hot_copy import examine, table_row, take_hot_copy
from chromadrill.workload.writer import Writer

pytestmark = [pytest.mark.hotcopy, pytest.mark.runbook("RB-2")]


def with_needs(method):
    marks = [pytest.mark.needs(capability) for capability in method.needs]
    return pytest.param(method, id=method.name, marks=marks)


@pytest.mark.parametrize("method", [with_needs(method) for method in HOT_COPY_METHODS.values()])
def test_way_of_copying_a_running_server_is_measured(
    drill, method, writes, settings, hot_copies, record_property, tmp_path
):
    """On-call learns whether such a copy is a backup, what it costs clients, and what it lacks."""
    tries = settings.drill.hot_copy_attempts
    if method.in_place:
        try:
            drill.target.live_data()
        except Unavailable as error:
            pytest.skip(str(error))
    with (
        drill.given("clients are writing"),
        Writer(drill.target.url, writes) as writer,
        drill.when(f"the server is copied {tries} times: {method.what}"),
    ):
        folders = [tmp_path / str(number) for number in range(tries)]
        tried = [take_hot_copy(drill.target, method, writer, folder) for folder in folders]
    with drill.then("each copy is read at rest, served, written to, restarted"):
        copies = [examine(copy, place, writes) for copy, place in tried]
    for copy in copies:
        drill.note("hot copy", verdict=dataclasses.asdict(is_consistent(copy)))
    hot_copies[method.name] = copies
    record_property("hotcopy", table_row(method, copies))
    drill.judge(was_measured(copies, tries))


@pytest.mark.needs("snapshot")
def test_own_backup_methods_use_only_ways_that_never_failed(drill, hot_copies):
    """On-call may trust `ops snapshot`: the way it copies was measured in this very run."""
    drill.judge(are_safe(METHODS, hot_copies))
