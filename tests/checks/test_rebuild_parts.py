"""A rebuild of another size, from measured parts: how long, and what is the bound."""

import pytest

from chromadrill.checks.rebuild_parts import (
    CHECKING,
    EMBEDDING,
    PROOF,
    WRITER,
    Range,
    RebuildParts,
    estimate,
    estimates,
    forecast_json,
    minutes,
    write_seconds,
)

PARTS = RebuildParts(
    embed=Range(0.024, 0.030),
    write=Range(0.0008, 0.0012),
    written=6000,
    read=Range(0.0001, 0.0002),
    query=Range(0.002, 0.004),
)


def test_workers_shorten_the_embedding_until_the_one_writer_is_the_bound():
    one, eight, many = (estimate(PARTS, 120_000, workers, 0.0) for workers in (1, 8, 32))
    assert (one.bound, many.bound) == (EMBEDDING, WRITER)
    assert one.seconds.high > eight.seconds.high >= many.seconds.high
    # 120,000 documents of 24 ms are 48 minutes of one core
    assert 48 * 60 < one.seconds.low < 55 * 60


def test_with_vectors_taken_over_the_embedding_is_no_bound():
    fresh, reused = (estimate(PARTS, 1_000_000, 1, share) for share in (0.0, 0.99))
    assert (fresh.bound, reused.bound) == (EMBEDDING, WRITER)
    assert reused.seconds.high < fresh.seconds.low


def test_checking_is_the_bound_where_a_model_is_slow_and_workers_are_many():
    slow = RebuildParts(Range(1, 1), PARTS.write, 6000, PARTS.read, PARTS.query)
    assert estimate(slow, 10_000, 200, 0.0).bound == CHECKING


def test_proof_is_the_bound_where_queries_are_slow():
    slow = RebuildParts(PARTS.embed, PARTS.write, 6000, PARTS.read, Range(0.5, 0.5))
    assert estimate(slow, 10_000, 8, 0.0).bound == PROOF


def test_write_rate_falls_with_the_size_between_log_n_and_what_was_seen():
    """The published rates: 887 a second at 20,000 records, 243 at 515,000."""
    parts = RebuildParts(PARTS.embed, Range(1 / 887, 1 / 887), 20_000, PARTS.read, PARTS.query)
    near, far = (write_seconds(parts, n) for n in (515_000, 515_001))
    last = Range(far.low - near.low, far.high - near.high)
    assert last.low < 1 / 243 <= last.high * 1.01
    assert write_seconds(parts, 20_000) == parts.write * 20_000
    assert write_seconds(parts, 1_000).low == pytest.approx(1000 / 887)


def test_what_differs_between_the_ends_of_the_interval_is_said_of_both():
    at_the_edge = RebuildParts(Range(0.02, 0.02), Range(0.001, 0.02), 6000, PARTS.read, PARTS.query)
    assert estimate(at_the_edge, 120_000, 8, 0.0).bound == f"{EMBEDDING} or {WRITER}"


def test_vectors_of_a_small_collection_cost_the_same_up_to_four_thousand():
    parts = RebuildParts(PARTS.embed, PARTS.write, 600, PARTS.read, PARTS.query)
    assert write_seconds(parts, 4_000) == PARTS.write * 4_000
    assert write_seconds(parts, 400_000).high > 100 * write_seconds(parts, 4_000).high


def test_interval_widens_with_the_distance_from_what_was_measured():
    spreads = [
        estimate(PARTS, n, 32, 0.0).seconds.high / estimate(PARTS, n, 32, 0.0).seconds.low
        for n in (6_000, 120_000, 1_000_000, 10_000_000)
    ]
    assert spreads == sorted(spreads)


def test_table_has_every_size_with_few_and_many_workers_with_and_without_reuse():
    rows = [row.as_json() for row in estimates(PARTS)]
    assert len(rows) == 3 * 3 * 2
    assert {row["records"] for row in rows} == {120_000, 1_000_000, 10_000_000}
    assert {row["workers"] for row in rows} == {1, 8, 32}
    assert {row["taken_over_percent"] for row in rows} == {0.0, 99.0}
    assert all(0 < row["low_s"] <= row["high_s"] for row in rows)


def test_size_that_counts_is_in_the_sentence_and_in_the_table():
    forecast = forecast_json(PARTS, 345_678, {"name": "manual_content"})
    assert forecast["text"].startswith("345,678 records: ")
    assert "with one worker" in forecast["text"]
    assert 345_678 in {row["records"] for row in forecast["rows"]}
    assert forecast_json(PARTS, None, {})["text"].startswith("120,000 records: ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (Range(60, 90), "1.0-1.5 min"),
        (Range(50 * 60, 61.2 * 60), "50-61 min"),
        (Range(4 * 3600, 30 * 3600), "4.0-30 h"),
        (Range(61, 61), "1.0 min"),
    ],
)
def test_times_are_said_in_minutes_or_hours(seconds, text):
    assert minutes(seconds) == text
