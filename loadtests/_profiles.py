"""Load profiles are data: a name, why it exists, a rate, and the limits it is judged by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """`rate` searches a second arrive for `seconds`, shared by `users`.

    Fewer samples than `samples_min` prove nothing. Limits: p90 from the intended start in ms, and
    the share of requests that may fail.
    """

    name: str
    why: str
    rate: float
    seconds: int
    users: int
    samples_min: int
    p90_ms: float = 500.0
    error_share: float = 0.0


PROFILES = {
    each.name: each
    for each in (
        Profile("smoke", "does search work at all, and is it fast when nothing else goes on?",
                rate=20, seconds=15, users=10, samples_min=200),
    )
}  # fmt: skip
