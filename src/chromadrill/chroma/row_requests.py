"""Requests of many rows, in parts where a server takes no request as large as the whole.

Chroma takes 40 MiB unless its configuration says otherwise, nginx 1 MiB, and neither says so before
it refuses. The rows of an upsert, a get by ids, a query do not depend on each other, so half of them
twice is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from chromadrill.chroma.call_failed import CallFailed, RowTooLarge
from chromadrill.core.model import JSON

Send = Callable[[JSON, bytes], Any]


def encode(body: JSON) -> bytes:
    """Return the JSON of a request; rows of numpy are numbers in it."""
    return orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)


class RowRequests:
    """What size of request one server takes, as far as that was seen."""

    def __init__(self) -> None:
        self.taken_bytes = 0
        self.refused_bytes: int | None = None  # the smallest that was

    def send(
        self, send: Send, body: JSON, columns: Sequence[str], name_row: Callable[[JSON], str]
    ) -> list[Any]:
        """Send `body` in as few parts as it takes; return their answers, in the order of the rows.

        `columns`: the keys of `body` that hold a value for each row, or None. `name_row` names the row
        of a body with one. Raises CallFailed as `send` does, RowTooLarge where one row is too large.
        """
        rows, content = len(body[columns[0]]), encode(body)
        is_known_too_large = self.refused_bytes is not None and len(content) >= self.refused_bytes
        if rows < 2 or not is_known_too_large:
            try:
                answer = send(body, content)
            except CallFailed as error:
                if error.is_too_large:
                    refused_bytes = self.refused_bytes or len(content)
                    self.refused_bytes = min(refused_bytes, len(content))
                    if rows < 2:
                        raise RowTooLarge(
                            error, name_row(body), len(content), self.taken_bytes
                        ) from error
                elif rows < 2 or not error.is_dropped:
                    # some gateways close the connection over a request that is too large
                    raise
            else:
                self.taken_bytes = max(self.taken_bytes, len(content))
                return [answer]
        half = rows // 2
        first = {**body, **{c: body[c][:half] for c in columns if body.get(c) is not None}}
        second = {**body, **{c: body[c][half:] for c in columns if body.get(c) is not None}}
        return [part for one in (first, second) for part in self.send(send, one, columns, name_row)]


def joined(answers: Sequence[Mapping[str, Any]]) -> JSON:
    """Return the answers of parts as one: columns one after the other, all else as in the first."""
    whole = dict(answers[0])
    for answer in answers[1:]:
        for key, value in answer.items():
            if key != "include" and isinstance(value, list):
                whole[key] = [*(whole.get(key) or []), *value]
    return whole
