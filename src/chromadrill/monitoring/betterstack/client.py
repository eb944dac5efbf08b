"""A client of Better Stack's two management APIs: reading lists, and the few calls of a drill.

Two products with two tokens: uptime (monitors, heartbeats, incidents, policies) and telemetry.
"""

from __future__ import annotations

import time
from typing import Any, Self

import httpx
from pydantic import SecretStr

from chromadrill.core.errors import Unavailable, UsageError
from chromadrill.core.http import http_client
from chromadrill.core.model import JSON

TRIES = 5
PATIENCE_S = 30.0  # at most, of one wait for a rate limit


def require_token(secret: SecretStr | None, variable: str, wanted_for: str) -> str:
    """The token, fit for a header. Raises UsageError; httpx would name the whole header in its error."""
    token = secret.get_secret_value().strip() if secret else ""
    if not token:
        raise UsageError(f"No token for {wanted_for}.", next_step=f"Set {variable}.")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"{variable} holds no token: wanted printable ASCII without blanks.",
            next_step="Copy it again from Better Stack.",
        )
    return token


class BetterStackApi:
    """One product. Raises Unavailable for every answer but JSON with 2xx; a token is in no message."""

    def __init__(
        self, url: str, token: SecretStr | None, *, variable: str, timeout_s: float = 15.0
    ):
        self._token = require_token(token, variable, f"{url}: uptime and telemetry have one each")
        try:
            self._host, self._variable = httpx.URL(url).host, variable
            self._http = http_client(
                url,
                base_url=True,
                timeout_s=timeout_s,
                headers={"Authorization": f"Bearer {self._token}"},
            )
        except httpx.InvalidURL as error:
            raise UsageError(f"[betterstack]: '{url}' is no URL: {error}.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: JSON | None = None) -> Any:
        """One request; waits for a rate limit, as the vendor's own client does. None: no content."""
        for tries in range(1, TRIES + 1):
            try:
                answer = self._http.request(method, path, json=body)
            except httpx.HTTPError as error:
                # the cause may quote headers
                raise self._unexpected(method, path, f"{type(error).__name__}.") from None
            if answer.status_code != 429 or tries == TRIES:
                break
            time.sleep(_wait_s(answer.headers.get("Retry-After"), tries))
        # a proxy on the way may echo what it was sent
        text = answer.text.replace(self._token, "**********")[:200].replace("\n", " ")
        if answer.is_success:
            try:
                return answer.json() if answer.content else None
            except ValueError:
                hint = "Is there a proxy on the way?"
                raise self._unexpected(method, path, f"no JSON, but: {text}", hint) from None
        hint = f"Is {self._variable} that of this product?" if answer.status_code == 401 else ""
        raise self._unexpected(method, path, f"{answer.status_code}: {text}", hint)

    def _unexpected(self, method: str, path: str, why: str, hint: str = "") -> Unavailable:
        return Unavailable(f"{method} {path} of {self._host}: {why}", next_step=hint)

    def all(self, path: str) -> list[JSON]:
        """Every element of a list, page after page: {id, type, attributes}."""
        elements: list[JSON] = []
        page = 1
        while True:
            answer = self.call("GET", f"{path}?page={page}&per_page=50")
            rows = answer.get("data") if isinstance(answer, dict) else None
            if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
                raise self._unexpected("GET", path, "no list of {id, attributes}: is it this API?")
            elements += rows
            pagination = answer.get("pagination")
            if not (isinstance(pagination, dict) and pagination.get("next")):
                return elements
            page += 1


def _is_row(row: object) -> bool:
    return isinstance(row, dict) and "id" in row and isinstance(row.get("attributes"), dict)


def _wait_s(retry_after: str | None, tries: int) -> float:
    backoff_s = 2.0 ** (tries - 1)
    try:
        wait_s = float(retry_after) if retry_after else backoff_s
    except ValueError:
        wait_s = backoff_s
    return min(PATIENCE_S, max(0.05, wait_s))
