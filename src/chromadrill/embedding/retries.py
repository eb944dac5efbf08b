"""Calls that are made again: what of a service passes by itself, and how long it is waited for."""

from __future__ import annotations

import email.utils
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from chromadrill.embedding.http_clients import Exchange, one_line

Answer = TypeVar("Answer")
LONGEST_WAIT_S = 60.0  # between two calls, where the service does not ask for a time
MOST_PATIENCE_S = 300.0  # what a service may ask for; more is a quota that is used up
TRANSIENT = (408, 425, 429)  # and every status from 500 on
_WORDS = frozenset(
    {"TimeoutError", "ConnectionError", "TransportError", "Timeout", "APIConnectionError",
     "RateLimitError", "TooManyRequestsError", "ServiceUnavailableError", "InternalServerError"}
)  # fmt: skip
_NO_QUOTA = ("insufficient_quota", "exceeded your current quota")


class CallFailed(Exception):
    """One call of an embedding function failed. `status` 0: there was no answer.

    `wait_s`: what the service asks to wait before the next call.
    """

    def __init__(
        self, sentence: str, *, status: int = 0, wait_s: float | None = None, passes: bool = False
    ) -> None:
        self.sentence, self.status, self.wait_s, self.passes = sentence, status, wait_s, passes
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """How often a call is made again (`retries`), and the seconds before the first time."""

    retries: int = 6
    first_wait_s: float = 1.0


def call_again(
    plan: RetryPlan, call: Callable[[], Answer], on_retry: Callable[[CallFailed, float], None]
) -> Answer:
    """What `call` returns; made again while what failed may pass, after a growing, uneven wait.

    A Retry-After is honoured. `on_retry` is told what failed, and for how many seconds it is waited.
    Raises CallFailed.
    """
    import tenacity

    def wait_s(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, CallFailed) and error.wait_s is not None:
            return error.wait_s * random.uniform(1, 1.1)  # not all at once
        doubled: float = plan.first_wait_s * 2.0 ** (state.attempt_number - 1)
        return min(LONGEST_WAIT_S, doubled) * random.uniform(0.5, 1)

    def before_sleep(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, CallFailed) and state.next_action:
            on_retry(error, float(state.next_action.sleep))

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda e: isinstance(e, CallFailed) and e.passes),
        wait=wait_s,
        stop=tenacity.stop_after_attempt(plan.retries + 1),
        before_sleep=before_sleep,
        sleep=time.sleep,
        reraise=True,
    )
    return retrying(call)


def failure_of(error: BaseException, exchange: Exchange) -> CallFailed:
    """What failed, of a library's error and what the service answered. Secrets are masked."""
    status, header, text = exchange.status, exchange.retry_after, exchange.message
    if not exchange.failed:
        status, header = _status_of(error), _retry_after_of(error)
        text = ""
    if not text:
        text = one_line(f"{type(error).__name__}: {error}")
    wait_s = seconds_of(header)
    passes = status in TRANSIENT or status >= 500 or (not status and _is_transport(error))
    if any(words in text for words in _NO_QUOTA) or (wait_s or 0) > MOST_PATIENCE_S:
        passes = False
        text += f" (to be asked again after {wait_s:.0f} s)" if wait_s else ""
    sentence = f"status {status}: {text}" if status else text
    return CallFailed(sentence, status=status, wait_s=wait_s, passes=passes)


def seconds_of(retry_after: str) -> float | None:
    """Of a Retry-After: seconds, or a date. None where there is none."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        at = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (at.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    visited: set[int] = set()
    while error is not None and id(error) not in visited:
        visited.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _status_of(error: BaseException) -> int:
    """The status that an error of any library carries; 0 where none does."""
    for link in _chain(error):
        for thing in (link, getattr(link, "response", None)):
            for name in ("status_code", "http_status", "status", "code"):
                value = getattr(thing, name, None)
                if isinstance(value, int) and 400 <= value < 600:
                    return int(value)
        status = _of_botocore(link).get("HTTPStatusCode")
        if isinstance(status, int) and status >= 400:
            return status
    return 0


def _of_botocore(error: BaseException) -> Mapping[str, Any]:
    """What Amazon's library says of the answer, in a dictionary of its own; empty for any other."""
    response = getattr(error, "response", None)
    about = response.get("ResponseMetadata") if isinstance(response, Mapping) else None
    return about if isinstance(about, Mapping) else {}


def _retry_after_of(error: BaseException) -> str:
    for link in _chain(error):
        headers = getattr(getattr(link, "response", None), "headers", None)
        headers = headers or _of_botocore(link).get("HTTPHeaders")
        if headers is not None and (value := headers.get("retry-after")):
            return str(value)
    return ""


def _is_transport(error: BaseException) -> bool:
    names = {base.__name__ for link in _chain(error) for base in type(link).__mro__}
    return bool(names & _WORDS)
