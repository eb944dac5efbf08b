"""What passes by itself and what does not, in the errors of many libraries."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from types import SimpleNamespace

import pytest

from chromadrill.embedding.http_clients import Exchange
from chromadrill.embedding.retries import CallFailed, RetryPlan, call_again, failure_of, seconds_of


class OfLibrary(Exception):
    """With whatever attributes the error of a library has."""

    def __init__(self, **attributes):
        super().__init__("rejected")
        self.__dict__.update(attributes)


class ReadTimeout(TimeoutError):
    pass


def caused_by(error):
    try:
        raise ValueError("could not convert string to float: 'error'") from error
    except ValueError as outer:
        return outer


AMAZON = {"ResponseMetadata": {"HTTPStatusCode": 429, "HTTPHeaders": {"retry-after": "7"}}}


@pytest.mark.parametrize(
    ("error", "status", "passes", "wait_s"),
    [
        (OfLibrary(status_code=429), 429, True, None),
        (OfLibrary(http_status=503), 503, True, None),  # voyageai
        (OfLibrary(code=HTTPStatus.TOO_MANY_REQUESTS), 429, True, None),  # google
        (OfLibrary(code="rate_limited"), 0, False, None),
        (
            OfLibrary(response=SimpleNamespace(status_code=500, headers={"retry-after": "2"})),
            500,
            True,
            2,
        ),
        (OfLibrary(response=AMAZON), 429, True, 7),
        (caused_by(OfLibrary(status_code=502)), 502, True, None),
        (caused_by(ReadTimeout()), 0, True, None),
        (ConnectionRefusedError("refused"), 0, True, None),
        (OfLibrary(status_code=401), 401, False, None),
        (OfLibrary(status_code=400), 400, False, None),
        (KeyError("data"), 0, False, None),
    ],
    ids=range(12),
)
def test_status_and_wait_are_found_in_the_errors_of_libraries(error, status, passes, wait_s):
    failure = failure_of(error, Exchange())
    assert (failure.status, failure.passes, failure.wait_s) == (status, passes, wait_s)


def test_what_the_service_answered_counts_before_what_the_library_made_of_it():
    exchange = Exchange(status=429, retry_after="3", message="slow down")
    failure = failure_of(ValueError("could not convert string to float: 'error'"), exchange)
    assert (str(failure), failure.passes, failure.wait_s) == ("status 429: slow down", True, 3)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", None),
        ("soon", None),
        ("0.5", 0.5),
        ("-4", 0),
        ("nan", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert seconds_of(header) == seconds


def test_date_to_come_is_waited_for():
    at = datetime.now(UTC) + timedelta(seconds=40)
    assert 30 < seconds_of(format_datetime(at, usegmt=True)) <= 40


def test_waits_grow_and_end(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    waits = []

    def fail():
        raise CallFailed("busy", status=503, passes=True)

    with pytest.raises(CallFailed, match="busy"):
        call_again(RetryPlan(8, 1), fail, lambda failure, seconds: waits.append(seconds))
    assert len(waits) == 8
    assert all(2**n / 2 <= seconds <= 2**n for n, seconds in enumerate(waits[:6]))
    assert max(waits) <= 60
