"""Which copies of a server that is written to are backups? Measured, N tries each."""

import contextlib
import dataclasses
import functools
import shutil

import pytest

from chromadrill.backups.hot_copy.disk_methods import DISK_COPY_METHODS
from chromadrill.backups.hot_copy.methods import HOT_COPY_METHODS
from chromadrill.backups.registry import METHODS
from chromadrill.checks.hot_copy import are_safe, is_consistent, was_measured
from chromadrill.core.errors import Unavailable
from chromadrill.drill.hot_copy import examine, table_row, take_hot_copy
from chromadrill.workload.writer import Writer
from suites.hot_copy.conftest import new_writes

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
        copy = functools.partial(method.copy, drill.target)
        tried = [take_hot_copy(method.name, copy, writer, folder) for folder in folders]
    with drill.then("each copy is read at rest, served, written to, restarted"):
        copies = [examine(copy, place, writes) for copy, place in tried]
    hot_copies[method.name] = copies
    note(drill, method, copies, record_property)
    drill.judge(was_measured(copies, tries))


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("method", DISK_COPY_METHODS.values(), ids=str)
def test_way_of_copying_the_disk_of_a_running_server_is_measured(
    drill, method, size, on_disk, run_name, flusher, settings, hot_copies, record_property, tmp_path
):
    """On-call learns whether a snapshot of the volume is a backup, and whether clients notice it."""
    tries = settings.drill.hot_copy_attempts
    with drill.given("the server on a disk of its own, clients are writing"):
        disk = on_disk(method.disk, size)
        writes = new_writes(drill.target.url, run_name)

    held = []

    def copy_disk(into):
        held.append(method.copy(disk, into))
        return into

    beside = flusher(disk.data) if method.is_flushed else contextlib.nullcontext()
    with (
        beside,
        Writer(drill.target.url, writes) as writer,
        drill.when(f"the disk is copied {tries} times: {method.what}"),
    ):
        folders = [tmp_path / str(number) for number in range(tries)]
        tried = [take_hot_copy(method.name, copy_disk, writer, into, disk.data) for into in folders]
    with drill.then("each copy is read at rest, served, written to, restarted"):
        copies = list(examine_and_remove(tried, writes, held))
    if method.backup_method:
        hot_copies.setdefault(method.backup_method, []).extend(copies)
    note(drill, method, copies, record_property)
    drill.judge(was_measured(copies, tries))


def examine_and_remove(tried, writes, held):
    """Yield what is found in each copy; `held`: how long writes were held for those that were made."""
    for copied, place in tried:
        copy = examine(copied, place, writes)
        if place:
            copy = dataclasses.replace(copy, held_s=held.pop(0))
            shutil.rmtree(place)  # of many tries they would fill a disk
        yield copy


def note(drill, method, copies, record_property):
    """Write down what was measured."""
    for copy in copies:
        drill.note("hot copy", verdict=dataclasses.asdict(is_consistent(copy)))
    record_property("hotcopy", table_row(method, copies))


@pytest.mark.needs("snapshot")
def test_own_backup_methods_use_only_ways_that_never_failed(drill, hot_copies):
    """On-call may trust `ops snapshot`: the way it copies was measured in this very run."""
    drill.judge(are_safe(METHODS, hot_copies))
