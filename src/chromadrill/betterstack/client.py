"""A client of Better Stack's two management APIs: reading lists, and the few calls of a drill.

Two products with two tokens: uptime (monitors, heartbeats, incidents, policies) and telemetry.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import SecretStr

from chromadrill.errors import Unavailable, UsageError
from chromadrill.model import JSON

TRIES = 5
PATIENCE_S = 30.0  # at most, of one wait for a rate limit


class Api:
    """One product. Raises Unavailable for every answer but 2xx; a token is in no message."""

    def __init__(
        self, url: str, token: SecretStr | None, *, variable: str, timeout_s: float = 15.0
    ):
        if token is None or not token.get_secret_value().strip():
            raise UsageError(
                f"No token for {url}: Better Stack's uptime and telemetry have one each.",
                next_step=f"Set {variable} in the environment.",
            )
        self._host, self._variable = httpx.URL(url).host, variable
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            timeout=timeout_s,
            headers={"Authorization": f"Bearer {token.get_secret_value().strip()}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: JSON | None = None) -> Any:
        """One request; waits for a rate limit, as the vendor's own client does."""
        for tries in range(1, TRIES + 1):
            try:
                answer = self._http.request(method, path, json=body)
            except httpx.HTTPError as error:
                raise Unavailable(
                    f"{method} {path} of {self._host}: {type(error).__name__}."
                ) from None  # the cause may quote headers
            if answer.status_code != 429 or tries == TRIES:
                break
            time.sleep(_wait_s(answer.headers.get("Retry-After"), tries))
        if answer.is_success:
            return answer.json() if answer.content else None
        said = answer.text[:200].replace("\n", " ")
        hint = f"Is {self._variable} that of this product?" if answer.status_code == 401 else ""
        raise Unavailable(
            f"{method} {path} of {self._host}: {answer.status_code}: {said}", next_step=hint
        )

    def all(self, path: str) -> list[JSON]:
        """Every element of a list, page after page: {id, type, attributes}."""
        found: list[JSON] = []
        page = 1
        while True:
            answer = self.call("GET", f"{path}?page={page}&per_page=50")
            found += answer["data"]
            if not (answer.get("pagination") or {}).get("next"):
                return found
            page += 1


def _wait_s(said: str | None, tries: int) -> float:
    try:
        wanted = float(said) if said else 2.0 ** (tries - 1)
    except ValueError:
        wanted = 2.0 ** (tries - 1)
    return min(PATIENCE_S, max(0.05, wanted))
