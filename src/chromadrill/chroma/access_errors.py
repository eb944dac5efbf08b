"""Does a failed call speak of the data, or only of not being let in? Decided in this one place.

Between a client and a Chroma there may be a gateway: it asks for a token, limits the rate and the
size, drops connections, and answers for a server that is not ready. None of that says anything of
the data, so it is UNKNOWN, never FAIL. Chroma itself answers an error as a JSON object with `error`
and `message`; an error in any other form comes from something in front of it.
"""

from __future__ import annotations

import httpx
import orjson

# whoever answers them, these are about the way to the data
REFUSED = {
    401: "access was refused",
    403: "access was refused",
    407: "a proxy wants credentials",
    408: "the request was given up on its way",
    413: "the request is larger than something on its way allows",
    425: "the server does not take requests yet",
    429: "too many requests",
    502: "a gateway has no answer of the server",
    503: "the server is not ready",
    504: "a gateway waited too long for the server",
}
# worth asking once more, after a pause
TEMPORARY = frozenset({425, 429, 502, 503, 504})
# the connection was closed over a call that had been sent; that nothing listens is another matter
DROPPED = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.CloseError)


def access_problem(status: int, content: bytes) -> str | None:
    """What stood in the way of the call, in words; None where Chroma itself answered."""
    if status in REFUSED:
        return f"{REFUSED[status]} ({status})"
    if status == 422 and b"quota" in content.lower():
        return f"a quota is used up ({status})"
    if status >= 300 and not _is_chroma_error(status, content):
        return f"something in front of Chroma answered ({status})"
    return None


def _is_chroma_error(status: int, content: bytes) -> bool:
    """Whether the body is an error of Chroma's own. An empty one may be: a path it does not know.

    Plain text is, where it rejects a request before it looks at it (400, 415, 422).
    """
    text = content.strip()
    if not text or (text[:1] not in b"<{" and status in (400, 415, 422)):
        return True
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and ("error" in value or "message" in value or "detail" in value)
