"""Phases that count, phases that do not, and what happens in between."""

import pytest

from chromadrill.core import stopwatch
from chromadrill.core.stopwatch import Stopwatch, timed


@pytest.fixture
def clock(monkeypatch):
    """A clock that is one second further whenever it is read."""
    readings = iter(range(1000))
    monkeypatch.setattr(stopwatch, "now", lambda: float(next(readings)))


def test_phases_add_up_without_what_lies_between(clock):
    watch = Stopwatch()
    for name in ("fetched", "started", "fetched"):
        with watch.phase(name):
            pass
        stopwatch.now()
    assert watch.seconds == {"fetched": 2.0, "started": 1.0}
    assert watch.total == 3.0


def test_phase_that_failed_or_is_left_out_leaves_no_time(clock):
    watch = Stopwatch()
    watch.left_out.add("copied")
    with pytest.raises(ValueError, match="no"), watch.phase("answered"):
        raise ValueError("no")
    with watch.phase("copied"):
        pass
    with timed(None, "started"), timed(watch, "started"):
        pass
    assert watch.seconds == {"started": 1.0}
