"""Made-up samples for tests that need no server."""

import random

from chromadrill.workload.load.samples import Sample


def made(count=1000, *, rate=50.0, service_ms=5.0, lag_ms=0.0, **changes):
    """`changes`: number -> (outcome, service_ms)."""
    found = []
    for number in range(count):
        outcome, took = changes.get(f"n{number}", ("right", service_ms))
        due = number / rate
        started = due + lag_ms / 1000
        detail = "" if outcome == "right" else f"{outcome} of {number}"
        found.append(
            Sample(number, 0, "search", due, started, started + took / 1000, outcome, detail)
        )
    return found


def noisy(count, seed=1):
    rng = random.Random(seed)
    return [
        Sample(
            n,
            0,
            "search",
            n / 50,
            n / 50 + rng.random() / 1e3,
            n / 50 + rng.expovariate(9),
            "right",
        )
        for n in range(count)
    ]
