"""Calls under way at once: in order, no more than allowed, and none after the consumer has gone."""

import threading
from functools import partial

import pytest

from chromadrill.core.in_flight import in_flight


def test_results_come_in_the_order_of_the_calls():
    assert [flight.result() for flight in in_flight(partial(pow, n, 2) for n in range(50))] == [
        n * n for n in range(50)
    ]


def test_two_are_under_way_at_once_and_never_three():
    both, running, most = threading.Barrier(2, timeout=60), [], []

    def call():
        running.append(1)
        most.append(len(running))
        both.wait()  # breaks unless another call runs at the same time
        running.pop()

    for flight in in_flight([call] * 10):
        flight.result()
    assert max(most) <= 2


def test_a_call_that_fails_fails_where_it_is_asked_for():
    flights = list(in_flight([partial(int, "1"), partial(int, "x"), partial(int, "3")]))
    assert flights[0].result() == 1
    with pytest.raises(ValueError, match="x"):
        flights[1].result()
    assert flights[2].result() == 3


def test_after_the_consumer_has_gone_no_call_begins():
    calls = []

    def count(n):
        calls.append(n)

    flights = in_flight(partial(count, n) for n in range(100))
    next(flights).result()
    flights.close()
    assert len(calls) <= 3
