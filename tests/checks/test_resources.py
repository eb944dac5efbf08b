"""What a deployment uses of what it is given: each judge can say no."""

import dataclasses

from chromadrill.checks.resources import disk_fits, memory_holds, was_killed_for_memory
from chromadrill.core.model import Outcome, Usage

MB = 1024 * 1024
FINE = Usage(
    memory_bytes=100 * MB,
    memory_limit_bytes=512 * MB,
    disk_bytes=20 * MB,
    disk_limit_bytes=5120 * MB,
    restarts=3,
    oom_kills=0,
)


def usage(**changes):
    return dataclasses.replace(FINE, **changes)


def test_disk_within_its_size_passes_with_both_figures():
    verdict = disk_fits(FINE)
    assert verdict.outcome is Outcome.PASS
    assert (verdict.actual, verdict.limit, verdict.unit) == (20.0, 5120.0, "MB")


def test_full_disk_fails_and_a_disk_without_a_size_is_not_judged():
    assert disk_fits(usage(disk_bytes=5120 * MB)).outcome is Outcome.FAIL
    assert disk_fits(usage(disk_limit_bytes=None)).outcome is Outcome.NOT_RUN


def test_kill_for_want_of_memory_fails_whatever_is_used_now():
    verdict = memory_holds(usage(oom_kills=1))
    assert verdict.outcome is Outcome.FAIL
    assert "killed for want of memory: 1" in verdict.message


def test_kill_that_was_the_disaster_itself_is_told_and_not_judged():
    verdict = memory_holds(usage(oom_kills=1), killed_before=1)
    assert verdict.outcome is Outcome.PASS
    assert "1 kills for want of memory, 3 restarts" in verdict.message
    assert memory_holds(usage(oom_kills=2), killed_before=1).outcome is Outcome.FAIL


def test_memory_at_its_limit_fails_and_of_a_stopped_server_it_is_unknown():
    assert memory_holds(usage(memory_bytes=512 * MB)).outcome is Outcome.FAIL
    assert memory_holds(usage(memory_bytes=None)).outcome is Outcome.UNKNOWN
    assert memory_holds(usage(memory_limit_bytes=None)).outcome is Outcome.NOT_RUN


def test_disaster_of_memory_that_no_platform_counted_is_unknown():
    assert was_killed_for_memory(FINE).outcome is Outcome.UNKNOWN
    assert was_killed_for_memory(usage(oom_kills=1)).outcome is Outcome.PASS
    assert was_killed_for_memory(usage(oom_kills=1), killed_before=1).outcome is Outcome.UNKNOWN
