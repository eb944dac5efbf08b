"""One call to the GraphQL endpoint: errors hide in answers of 200, limits are real, answers get lost.

A query is repeated until it is answered. A mutation is repeated only where it cannot have arrived
(no connection, 429). Where a mutation's answer is lost nobody knows whether it was done:
`OutcomeUnknown` says so, and the caller looks at the platform. To ask again would make two restores.
"""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import httpx
import orjson

from chromadrill.core.clock import now
from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.http import http_client
from chromadrill.core.urls import is_loopback
from chromadrill.targets.railway.graphql import Operation
from chromadrill.targets.railway.token import Token

ENDPOINT = "https://backboard.railway.com/graphql/v2"
PATIENCE_S = 60.0  # how long a query is repeated
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
REFUSALS = ("not authorized", "token not found", "two factor authentication required")


class PlatformError(Unavailable):
    """The platform answered an error, or does not answer."""


class NotAuthorised(PlatformError):
    """It knows the token, or not, and does not let it do this: no use in asking again."""


class OutcomeUnknown(PlatformError):
    """A mutation was sent and its answer did not come: it may be done, or not."""


class Api:
    """`timeout_s` bounds one request. Never says the token: not in errors, not in its repr."""

    def __init__(
        self,
        token: Token,
        *,
        endpoint: str = ENDPOINT,
        timeout_s: float = 30.0,
        patience_s: float = PATIENCE_S,
    ) -> None:
        try:
            place = urllib.parse.urlsplit(endpoint)
            place.port  # noqa: B018  raises where it is none
            httpx.URL(endpoint)
        except (ValueError, httpx.InvalidURL) as error:
            raise UsageError(f"endpoint {endpoint} is no URL: {error}.") from error
        if place.scheme not in ("http", "https") or not place.hostname:
            raise UsageError(f"endpoint {endpoint} is no URL of a platform: https://HOST/PATH.")
        if place.scheme != "https" and not is_loopback(place.hostname):
            raise UsageError(f"endpoint {endpoint}: a token is sent over https only.")
        self.endpoint, self._kind, self._patience_s = endpoint, token.kind, patience_s
        self._http = http_client(endpoint, timeout_s=timeout_s, headers=token.headers())

    @property
    def has_project_token(self) -> bool:
        """Whether the token is one of a project; else it is an account's."""
        return self._kind == "project"

    @property
    def simulated(self) -> bool:
        """Whether the endpoint is anything but the vendor's own."""
        return self.endpoint != ENDPOINT

    def run(self, operation: Operation, **variables: Any) -> Any:
        """The value of the operation's only field.

        Raises NotAuthorised, OutcomeUnknown where a mutation's answer did not come, else
        PlatformError.
        """
        body = orjson.dumps(
            {
                "query": operation.text,
                "operationName": operation.name,
                # nulls are left out, as the vendor's CLI does
                "variables": {k: value for k, value in variables.items() if value is not None},
            }
        )
        pauses, until, failure = _pauses(), now() + self._patience_s, ""
        while True:
            pause = next(pauses)
            try:
                answer = self._http.post(
                    self.endpoint, content=body, headers={"content-type": "application/json"}
                )
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = f"no connection to {self.endpoint}: {type(error).__name__}"
            except httpx.HTTPError as error:
                failure = f"no answer from {self.endpoint}: {type(error).__name__}"
                self._raise_if_changing(operation, failure)
            else:
                if answer.status_code == 429:
                    failure = "429, too many requests" + _limit(answer)
                    pause = max(pause, _retry_after(answer))
                elif answer.status_code >= 500:
                    failure = f"{answer.status_code} from {self.endpoint}"
                    self._raise_if_changing(operation, failure)
                else:
                    return self._value(operation, answer)
            if now() + pause > until:
                raise PlatformError(
                    f"Railway, {operation.name}: {failure}; tried for {self._patience_s:g} s."
                )
            time.sleep(pause)

    def attempt(self, operation: Operation, **variables: Any) -> Any | None:
        """Run a mutation; None where its answer was lost. It may be done: look, never repeat."""
        try:
            return self.run(operation, **variables)
        except OutcomeUnknown:
            return None

    def _raise_if_changing(self, operation: Operation, failure: str) -> None:
        if operation.is_mutation:
            raise OutcomeUnknown(
                f"Railway, {operation.name}: {failure}. Whether it was done is not known.",
                next_step="Look at the platform before it is asked again.",
            )

    def _value(self, operation: Operation, answer: httpx.Response) -> Any:
        try:
            content = orjson.loads(answer.content)
            errors = [str(error["message"]) for error in content.get("errors") or []]
            values = list((content.get("data") or {}).values())
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
            errors, values = [f"{answer.status_code}, not an answer of GraphQL"], []
        if errors or answer.status_code in (401, 403):
            message = "; ".join(errors) or str(answer.status_code)
            is_refusal = any(refusal in message.lower() for refusal in REFUSALS)
            if is_refusal or answer.status_code in (401, 403):
                raise NotAuthorised(
                    f"Railway, {operation.name}: refused to this {self._kind} token: {message}.",
                    next_step="Use an account token (RAILWAY_API_TOKEN) of a member"
                    if self._kind == "project"
                    else "Is the token still valid, and of a member of the project?",
                )
            raise PlatformError(f"Railway, {operation.name}: {message}.")
        if not values or values[0] is None:
            raise PlatformError(f"Railway, {operation.name}: {answer.status_code}, and no value.")
        return values[0]


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE_S)


def _retry_after(answer: httpx.Response) -> float:
    try:
        return float(answer.headers.get("retry-after", 0))
    except ValueError:
        return 0.0


def _limit(answer: httpx.Response) -> str:
    limit, reset = (answer.headers.get(f"x-ratelimit-{name}") for name in ("limit", "reset"))
    return f" (limit {limit}, free again {reset})" if limit else ""
