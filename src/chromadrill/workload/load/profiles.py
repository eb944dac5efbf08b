"""Load profiles are data: a name, why it exists, what arrives when, and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chromadrill.checks.load import LoadLimits
from chromadrill.core.errors import UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class Stage:
    """`rate` arrivals a second for `seconds`."""

    seconds: float
    rate: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A fixed arrival rate in stages; `mix` weighs the kinds of request.

    An arrival is given up, as a timeout, `timeout_s` after it was started. `open_end`: a run that
    is ended early is judged by what was due until then.
    """

    name: str
    why: str
    stages: tuple[Stage, ...]
    limits: LoadLimits
    mix: Mapping[str, int] = field(default_factory=lambda: {"search": 1})
    timeout_s: float = 10.0
    open_end: bool = False

    @property
    def seconds(self) -> float:
        return sum(stage.seconds for stage in self.stages)

    @property
    def highest_rate(self) -> float:
        return max(stage.rate for stage in self.stages)


# nine reads of ten, one search with one look-up of a known record for three: a retrieval service
# is asked far more often than it is taught. An assumption; change it to what yours does.
RETRIEVAL = {"search": 14, "get": 4, "upsert": 2}

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "smoke",
            "does search work at all, and is it fast when little goes on?",
            (Stage(15, 20),),
            LoadLimits(samples_min=200, max_ms=2000),
        ),
        Profile(
            "steady",
            "an everyday rate, short enough that a stall of two seconds shows in the p90",
            (Stage(20, 50),),
            LoadLimits(samples_min=500, max_ms=2000),
        ),
        Profile(
            "peak",
            "from where on does it become slow? The rate climbs in steps",
            (Stage(15, 25), Stage(15, 50), Stage(15, 75), Stage(15, 100)),
            LoadLimits(samples_min=1500, error_share=0.001),
        ),
        Profile(
            "soak",
            "an hour: what grows (memory, connections, the queue) has time to do it",
            (Stage(3600, 20),),
            LoadLimits(samples_min=36_000, error_share=0.001),
        ),
        Profile(
            "spike",
            "a burst of seven times the usual rate, and the calm after it",
            (Stage(10, 20), Stage(5, 140), Stage(15, 20)),
            LoadLimits(samples_min=600, error_share=0.001),
        ),
        Profile(
            "mixed",
            "searches while records are read by id and others are written",
            (Stage(30, 30),),
            LoadLimits(samples_min=450),
            mix=RETRIEVAL,
        ),
        Profile(
            "recovery",
            "what clients see while a drill happens; end it with --run-time or SIGTERM",
            (Stage(300, 20),),
            LoadLimits(
                samples_min=100,
                p90_ms=None,
                error_share=None,
                must_recover=True,
                lag_p99_ms=1000.0,  # outages last seconds; a restore keeps the machine busy
            ),
            timeout_s=2.0,
            open_end=True,
        ),
    )
}


def profile_named(name: str) -> Profile:
    """Raises UsageError for an unknown one."""
    if name not in PROFILES:
        raise UsageError(f"--profile {name}: unknown. {did_you_mean(name, PROFILES)}")
    return PROFILES[name]
