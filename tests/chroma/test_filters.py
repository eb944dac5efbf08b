"""Filters are evaluated here as the server evaluates them."""

import pytest

from chromadrill.chroma.fingerprint.filters import MetadataColumns


@pytest.mark.parametrize(
    ("where", "value", "passes"),
    [
        ({"n": {"$lt": 8.0}}, 7, True),
        ({"n": {"$gte": 7}}, 7.0, True),
        ({"n": {"$lt": 1.5}}, 1, False),
        ({"n": {"$gte": 1.5}}, 1, True),
        ({"n": {"$lt": -1.5}}, -2, True),
        ({"n": {"$lt": 1.5}}, 1.2, True),
        ({"n": {"$lt": 8.0}}, True, False),
        ({"n": {"$lt": 8.0}}, "7", False),
        ({"n": True}, 1, False),
    ],
    ids=range(9),
)
def test_order_holds_among_all_numbers_and_nothing_else(where, value, passes):
    assert list(MetadataColumns([{"n": value}]).mask(where)) == [passes]
