"""What a phase says while it runs. The clock is made up; nothing here waits for time to pass."""

import json
import os
import threading

import pytest

from chromadrill.core.settings import Objectives
from chromadrill.evidence.progress_log import ProgressLog
from fixtures.progress import limit_of

NAME = "on-call follows RB-2: stop, restore, start"


class Clock:
    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lines():
    return []


def log(tmp_path, lines, clock, **changes):
    options = {"say": lines.append, "say_tick": lines.append, "wake_s": None, "clock": clock}
    return ProgressLog(tmp_path / "progress.jsonl", at=lambda: "AT", **{**options, **changes})


def events(tmp_path):
    return [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]


def test_running_phase_is_told_every_ten_seconds_and_not_more_often(tmp_path, lines, clock):
    progress_log = log(tmp_path, lines, clock)
    with progress_log.phase("test_x", "RB-2", NAME, limit_s=300):
        for clock.time in range(101, 131):
            progress_log.tick()
    assert lines == [
        f"  [RB-2] {NAME}",
        f"  [RB-2] {NAME}: 10 s of 300 s",
        f"  [RB-2] {NAME}: 20 s of 300 s",
        f"  [RB-2] {NAME}: 30 s of 300 s",
        f"  [RB-2] {NAME}: 30 s of 300 s, done",
    ]


def test_phase_in_which_something_could_not_be_had_is_not_done(tmp_path, lines, clock):
    progress_log = log(tmp_path, lines, clock)
    with progress_log.phase("test_x", "RB-2", NAME, end=lambda: "UNKNOWN"):
        pass
    assert lines[-1] == f"  [RB-2] {NAME}: 0 s, UNKNOWN"
    assert events(tmp_path)[-1]["event"] == "finished"


def test_waking_once_a_second_never_leaves_more_than_ten_seconds_silent(tmp_path, lines, clock):
    progress_log = log(tmp_path, lines, clock, wake_s=1.0)
    progress_log._running.append(_running(progress_log, clock))
    ticks = []
    for step in range(1, 60):
        clock.time = 100 + step * 1.3  # a slow machine wakes late
        before = len(lines)
        progress_log.tick()
        ticks += [clock.time] * (len(lines) - before)
    gaps = [b - a for a, b in zip([100.0, *ticks], ticks, strict=False)]
    assert ticks
    assert max(gaps) <= 10.4


def _running(progress_log, clock):
    from chromadrill.evidence.progress_log import _Phase

    return _Phase("test_x", "RB-2", NAME, None, clock.time, clock.time)


def test_progress_file_has_the_documented_fields(tmp_path, lines, clock):
    progress_log = log(tmp_path, lines, clock)
    with progress_log.phase("test_x", "RB-2", NAME, limit_s=300):
        clock.time += 12.34
        progress_log.tick()
    assert events(tmp_path)[1] == {
        "at": "AT",
        "scenario": "test_x",
        "phase": NAME,
        "elapsed_s": 12.3,
        "limit_s": 300,
        "event": "running",
    }
    assert [event["event"] for event in events(tmp_path)] == ["started", "running", "finished"]


def test_phase_that_raises_is_told_as_failed_and_raises_on(tmp_path, lines, clock):
    with pytest.raises(KeyError), log(tmp_path, lines, clock).phase("test_x", "RB-1", "broken"):
        raise KeyError
    assert lines[-1] == "  [RB-1] broken: 0 s, FAILED"
    assert events(tmp_path)[-1]["event"] == "failed"


def test_phase_over_its_limit_says_so(tmp_path, lines, clock):
    progress_log = log(tmp_path, lines, clock)
    with progress_log.phase("test_x", "RB-2", "restore", limit_s=5):
        clock.time += 11
        progress_log.tick()
    assert lines[1] == "  [RB-2] restore: 11 s of 5 s, over the limit"


def test_inner_phase_is_told_alone_and_the_outer_one_again_after_it(tmp_path, lines, clock):
    progress_log = log(tmp_path, lines, clock)
    with progress_log.phase("test_x", "RB-1", "outer"):
        with progress_log.phase("test_x", "RB-1", "inner"):
            clock.time += 10
            progress_log.tick()
        progress_log.tick()  # the inner one's end was a line just now
        clock.time += 10
        progress_log.tick()
    assert [line.split("] ")[1] for line in lines] == [
        "outer",
        "inner",
        "inner: 10 s",
        "inner: 10 s, done",
        "outer: 20 s",
        "outer: 20 s, done",
    ]


def test_on_a_terminal_nothing_is_said_between_start_and_end(tmp_path, lines, clock):
    progress_log = log(tmp_path, lines, clock, say_tick=None)
    with progress_log.phase("test_x", "RB-2", "restore"):
        clock.time += 60
        progress_log.tick()
    assert len(lines) == 2
    assert [event["event"] for event in events(tmp_path)] == ["started", "running", "finished"]


def test_thread_ticks_while_the_phase_runs_and_is_gone_after_it(tmp_path, lines):
    ticked = threading.Event()
    progress_log = ProgressLog(
        tmp_path / "progress.jsonl",
        say=lines.append,
        say_tick=lambda line: ticked.set(),
        every_s=0.001,
        wake_s=0.001,
    )
    with (
        progress_log.phase("test_x", "RB-2", "outer"),
        progress_log.phase("test_x", "RB-2", "inner"),
    ):
        assert ticked.wait(30)
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("drill-progress") == 1
    assert "drill-progress" not in [thread.name for thread in threading.enumerate()]


def test_reader_that_went_away_does_not_end_the_ticking(tmp_path, lines, clock):
    def broken(line):
        raise BrokenPipeError

    progress_log = log(tmp_path, lines, clock, say_tick=broken)
    with progress_log.phase("test_x", "RB-2", "restore"):
        clock.time += 10
        progress_log.tick()
    assert lines[-1] == "  [RB-2] restore: 10 s, done"


def test_progress_that_cannot_be_written_stops_nothing(tmp_path, lines, clock):
    progress_log = log(tmp_path / "nowhere", lines, clock)
    with progress_log.phase("test_x", "RB-2", "restore"):
        pass
    assert len(lines) == 2
    assert not os.path.exists(tmp_path / "nowhere")  # noqa: PTH110


@pytest.mark.parametrize(
    ("injection", "recovered", "limit"),
    [(False, False, None), (True, False, 300.0), (True, True, None)],
)
def test_limit_is_shown_only_while_the_recovery_clock_runs(injection, recovered, limit):
    assert limit_of("RB-2", Objectives(), injection=injection, recovered=recovered) == limit


def test_runbook_without_an_objective_has_no_limit():
    assert limit_of("RB-99", Objectives(), injection=True, recovered=False) is None
