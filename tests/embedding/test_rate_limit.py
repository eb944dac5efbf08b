"""No more requests and documents a minute than are allowed, whoever asks."""

import pytest

from chromadrill.embedding.rate_limit import RateLimit


class Clock:
    """Time passes only when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def seconds_of(clock, limit, calls):
    for documents in calls:
        limit.wait(documents)
    return clock.now - 1000


@pytest.mark.parametrize(
    ("limits", "calls", "seconds"),
    [
        ((None, None), [30] * 5, 0),
        ((60, None), [30] * 5, 4),  # the first at once, then one a second
        ((None, 600), [30] * 5, 12),
        ((6, 600), [30] * 5, 40),  # the tighter one
        ((None, 600), [600, 1], 60),
    ],
)
def test_requests_and_documents_are_spread_over_the_minute(limits, calls, seconds):
    clock = Clock()
    limit = RateLimit(*limits, sleep=clock.sleep, clock=clock)
    assert seconds_of(clock, limit, calls) == pytest.approx(seconds)


def test_wait_that_a_service_asks_for_holds_everybody():
    clock = Clock()
    limit = RateLimit(sleep=clock.sleep, clock=clock)
    limit.hold(7)
    assert seconds_of(clock, limit, [1]) == pytest.approx(7)
