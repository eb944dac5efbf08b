"""When requests arrive: fixed before the run, whatever the server does (an open model)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chromadrill.workload.load.profiles import Stage


def arrivals(stages: Sequence[Stage], seconds: float) -> np.ndarray:
    """The intended starts, in seconds from the begin of the run, ascending.

    A run shorter than its stages is cut, a longer one begins them again.
    """
    starts: list[np.ndarray] = [np.empty(0)]
    at = 0.0
    while at < seconds:
        for stage in stages:
            count = round(stage.seconds * stage.rate)
            starts.append(at + np.arange(count) / stage.rate)
            at += stage.seconds
    due = np.concatenate(starts)
    return due[due < seconds]


def share(scheduled: int, worker: int, workers: int) -> range:
    """The arrivals of one worker: every `workers`-th, so that all of them see every stage."""
    return range(worker, scheduled, workers)
