"""Made-up samples for tests that need no server."""

import random

from chromadrill.workload.load.samples import LoadSample


def samples_of(count=1000, *, rate=50.0, service_ms=5.0, lag_ms=0.0, **changes):
    """`changes`: number -> (outcome, service_ms)."""
    samples = []
    for number in range(count):
        outcome, took = changes.get(f"n{number}", ("right", service_ms))
        due = number / rate
        started = due + lag_ms / 1000
        detail = "" if outcome == "right" else f"{outcome} of {number}"
        done = started + took / 1000
        samples.append(LoadSample(number, 0, "search", due, started, done, outcome, detail))
    return samples


def noisy_samples(count, seed=1):
    """Right answers after times of all lengths."""
    rng = random.Random(seed)
    return [
        LoadSample(
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
