"""Times are written and read in one place: UTC, to the millisecond, with or without a zone."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from chromadrill.core.clock import compact_time, parse_time, time_text, utc_now

AT = datetime(2026, 11, 24, 18, 15, 12, 409_000, UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-11-24T18:15:12.409Z", "2026-11-24T18:15:12.409", "2026-11-24T20:15:12.409+02:00",
     "2026-11-24 18:15:12.409000123Z"],
)  # fmt: skip
def test_time_is_read_in_utc_however_it_was_written(text):
    assert parse_time(text) == AT
    assert parse_time(text).tzinfo is UTC


def test_time_is_written_as_it_is_read_whatever_its_zone():
    assert time_text(AT) == "2026-11-24T18:15:12.409Z"
    assert time_text(AT.astimezone(timezone(timedelta(hours=5)))) == time_text(AT)
    assert compact_time(AT) == "20261124T181512Z"
    assert abs(parse_time(utc_now()) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", None, 7, "0001-01-01T00:00+09:00"])
def test_what_is_no_time_is_a_value_error_and_nothing_else(text):
    with pytest.raises(ValueError, match=r"time|Invalid|year|month"):
        parse_time(text)


def test_time_without_a_zone_is_refused_where_one_is_required():
    assert parse_time("2026-11-24T18:15:12.409Z", require_zone=True) == AT
    with pytest.raises(ValueError, match="has no time zone"):
        parse_time("2026-11-24T18:15:12.409", require_zone=True)


def test_nobody_else_reads_times():
    source = Path(__file__).parents[2] / "src" / "chromadrill"
    readers = [path.name for path in source.rglob("*.py") if "fromisoformat(" in path.read_text()]
    assert readers == ["clock.py"]
