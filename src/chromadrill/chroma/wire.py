"""The HTTP of one Chroma server: what is sent, sent again, let through, and read as an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import httpx
import orjson

from chromadrill.chroma import access_errors, api_values
from chromadrill.chroma.call_failed import CallFailed
from chromadrill.chroma.permissions import access_to, is_repeatable
from chromadrill.chroma.row_requests import RowRequests, encode
from chromadrill.core.http import http_client
from chromadrill.core.model import JSON
from chromadrill.core.redaction import mask_secrets
from chromadrill.core.urls import without_password

T = TypeVar("T")
Loads = Callable[[bytes], Any]
PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0  # before a read is sent again; as long as a server may ask for


class Wire:
    """One Chroma server. `timeout_s` bounds each call: a slow answer is a failed call.

    `behind_gateway`: whether something that is not ours may stand in front of it. Then failed calls
    are told apart (`access_errors`), and what may be sent twice is sent once more where the first try
    did not get through. A server that this process started is asked once, and answers for everything
    itself. Rows that are too many for one request (413) are sent in parts.
    `longest_pause_s`: how long a second try may wait, whatever is asked for (Retry-After).

    The attribute `url` has no password in it, since it goes into messages, exports and reports.
    Every call raises CallFailed for every status but 2xx and for every transport error, and Refused
    where this process may not make it (`permissions`).
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 30.0,
        headers: Mapping[str, str] | None = None,
        behind_gateway: bool = False,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self.url = without_password(url.rstrip("/"))
        self.behind_gateway, self.calls = behind_gateway, 0
        self._rows = RowRequests()
        self._timeout_s, self._longest_pause_s = timeout_s, longest_pause_s
        self._access = access_to(url)
        self._http = http_client(
            url,
            base_url=True,
            timeout_s=timeout_s,
            headers={**self._access.headers(), **(headers or {})},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the server."""
        self._http.close()

    def call(self, method: str, path: str, body: JSON | None = None) -> Any:
        """Send one request; return the decoded JSON of the answer, None for an empty one."""
        return self.send(method, path, body, None if body is None else encode(body))

    def send(
        self,
        method: str,
        path: str,
        body: JSON | None,
        content: bytes | None,
        loads: Loads = orjson.loads,
    ) -> Any:
        """Send one request, `content` its body as bytes; return its answer as `loads` decodes it."""
        self._access.require_allowed(method, path, body)
        value = self._value(f"{method} {path}", self._answer(method, path, content), loads)
        self._access.record(method, path, body, value)
        return value

    def post_rows(self, path: str, body: JSON, *columns: str) -> list[Any]:
        """POST a body of many rows, in parts where it is too large; return the answers.

        `columns`: the keys of `body` with a value for each row.
        """

        def name_row(one: JSON) -> str:
            return f"record '{one['ids'][0]}'" if "ids" in columns else "one vector"

        return self._rows.send(
            lambda part, content: self.send("POST", path, part, content), body, columns, name_row
        )

    def _answer(self, method: str, path: str, content: bytes | None) -> httpx.Response:
        """The answer; behind a gateway that of a second try, where the first did not get through."""
        if not (self.behind_gateway and is_repeatable(method, path)):
            return self._send(method, path, content)
        try:
            answer = self._send(method, path, content)
        except CallFailed as error:
            if not error.is_access:
                raise
            return self._send(method, path, content)  # on a connection of its own
        if answer.status_code not in access_errors.TEMPORARY:
            return answer
        pause_s = access_errors.retry_after_s(answer.headers.get("retry-after", ""))
        time.sleep(min(PAUSE_S if pause_s is None else pause_s, self._longest_pause_s))
        return self._send(method, path, content)

    def _send(self, method: str, path: str, content: bytes | None) -> httpx.Response:
        """Send one request; raise CallFailed where no answer came."""
        name = f"{method} {path}"
        self._access.take_turn()
        self.calls += 1
        try:
            answer = self._http.request(
                method, path, content=content, headers={"content-type": "application/json"}
            )
        except httpx.TimeoutException as error:
            raise CallFailed(name, 0, f"no answer within {self._timeout_s:g} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            status, message, is_access = access_errors.transport_problem(error, self.url)
            is_access = is_access and self.behind_gateway
            raise CallFailed(name, status, message, is_access=is_access) from error
        # httpx ties an answer and its stream into a circle, and a page of 4 MB would stay until Python
        # searches for circles: 2 kB a record were kept in this way (measured)
        answer.stream = httpx.ByteStream(b"")
        return answer

    def _value(self, name: str, answer: httpx.Response, loads: Loads) -> Any:
        """The JSON of a successful answer, None for an empty one; else raise CallFailed."""
        status = answer.status_code
        if not answer.is_success:
            problem = access_errors.access_problem(status, answer.content)
            # a gateway may quote a header
            text = mask_secrets(answer.text[:5000])[:300].replace("\n", " ")
            if problem and self.behind_gateway:
                problem += f", after {self.calls} calls"
                text = f"{problem}: {text}" if text else problem
                raise CallFailed(name, status, text, is_access=True)
            raise CallFailed(name, status, text)
        try:
            return loads(answer.content) if answer.content else None
        except orjson.JSONDecodeError as error:
            raise CallFailed(
                name, status, f"answer is not JSON: {error}", is_access=self.behind_gateway
            ) from error

    def read(
        self, shape: Callable[[Any], T], method: str, path: str, body: JSON | None = None
    ) -> T:
        """The answer to one request in the form that Chroma gives it; else raise CallFailed."""
        return self.require_form(shape, f"{method} {path}", self.call(method, path, body))

    def write_rows(self, path: str, body: JSON, *columns: str) -> None:
        """POST rows to write. Behind a gateway, an answer without a word is none of Chroma's."""
        for answer in self.post_rows(path, body, *columns):
            if self.behind_gateway:
                self.require_form(api_values.json_object, f"POST {path}", answer)

    def require_form(self, shape: Callable[[Any], T], name: str, value: Any) -> T:
        """Return `shape(value)`; raise CallFailed where the answer to `name` has another form."""
        try:
            return shape(value)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            is_access = self.behind_gateway and not access_errors.is_chroma_error(value)
            message = f"this is no answer of Chroma's: {error!r}"
            raise CallFailed(name, 200, message, is_access=is_access) from error

    def take_turn_ahead(self) -> None:
        """Wait now, and not within the next call, where this server is asked only so often."""
        self._access.take_turn_ahead()
