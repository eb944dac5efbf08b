"""Does a failed call speak of the data, or only of not being let in? Decided in this one place.

Between a client and a Chroma there may be a gateway: it asks for a token, limits the rate and the
size, drops connections, and answers for a server that is not ready. None of that says anything of
the data, so it is UNKNOWN, never FAIL. Chroma itself answers an error as a JSON object with `error`
and `message`; an error in any other form comes from something in front of it.
"""

from __future__ import annotations

import datetime
import email.utils

import httpx
import orjson

from chromadrill.core.http import proxy_variable

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
REJECTED = (b"Failed to ", b"Expected request with ", b"Invalid URL")  # what Chroma's library says
# worth asking once more, after a pause
TEMPORARY = frozenset({425, 429, 502, 503, 504})
# the call was sent, and no whole answer came back; that nothing listens is another matter
DROPPED = (
    httpx.RemoteProtocolError,
    httpx.ReadError,
    httpx.WriteError,
    httpx.CloseError,
    httpx.DecodingError,
)
# what a message of status 0 begins with
CLOSED, TLS, PROXY = "the connection was closed", "no TLS connection", "the proxy that "
OWN = (CLOSED, TLS, PROXY)

_RENEW = "Renew the token, or its rights: the variable that [targets.NAME] headers names."
_GATEWAY = "Look at the gateway, and ask the server behind it by its own address."
_NOT_CHROMA = "Give the URL of Chroma itself: a login page, a redirect or a gateway answers there."
_NEXT_STEPS = {
    0: "Look at the log of the gateway: it closes connections (its time limits, its memory).",
    401: _RENEW,
    403: _RENEW,
    407: "Write user and password into the proxy variable (HTTPS_PROXY), or add the host to NO_PROXY.",
    408: _GATEWAY,
    413: "Let the gateway take larger bodies (nginx: client_max_body_size).",
    422: "Raise the quota, or use the credentials of another tenant.",
    425: "Wait until the server is ready, then the same command again.",
    429: "Wait, or raise the rate limit of this client, then the same command again.",
    502: _GATEWAY,
    503: "Wait until the server is ready; if it stays so, look at its log and at the gateway.",
    504: _GATEWAY,
}


def access_problem(status: int, content: bytes) -> str | None:
    """What stood in the way of the call, in words; None where Chroma itself answered."""
    if status in REFUSED:
        return f"{REFUSED[status]} ({status})"
    if status == 422 and b"quota" in content.lower():
        return f"a quota is used up ({status})"
    if 300 <= status < 400:
        return f"a redirect to another place ({status})"
    if status >= 400 and not _is_chroma_error(content):
        return f"something in front of Chroma answered ({status})"
    return None


def transport_problem(error: Exception, url: str) -> tuple[int, str, bool]:
    """A status, what happened in words, and whether it is about the way to the data alone.

    That nothing listens at `url` is not: the server may have died.
    """
    variable = proxy_variable(url)
    proxy = f"{PROXY}{variable} names"
    if isinstance(
        error, httpx.ProxyError
    ):  # its refusal to connect: "407 Proxy Authentication ..."
        status = str(error)[:3]
        return int(status) if status.isdecimal() else 502, f"{proxy} refused: {error}", True
    if isinstance(error, DROPPED):
        return 0, f"{CLOSED} ({type(error).__name__}: {error})", True
    if isinstance(error, httpx.ConnectError) and "[SSL" in str(error):
        return 0, f"{TLS}: {error}", True
    if isinstance(error, httpx.ConnectError) and variable:
        return 0, f"{proxy} cannot be reached: {error}", True
    return 0, f"{type(error).__name__}: {error}", False


def next_step(status: int, message: str) -> str:
    """What helps where the call was not let through; status 0: no answer came."""
    if message.startswith(TLS):
        return (
            "Renew the certificate, or name the file of its authority in SSL_CERT_FILE. A server"
            " without TLS has an http:// URL."
        )
    if message.startswith(PROXY):
        variable = message.removeprefix(PROXY).partition(" ")[0]
        return f"Correct or unset {variable}, or add the host to NO_PROXY."
    return _NEXT_STEPS.get(status, _GATEWAY if status >= 500 else _NOT_CHROMA)


def retry_after_s(text: str) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or a date; None for anything else."""
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=datetime.UTC)
    return max(0.0, (at - datetime.datetime.now(datetime.UTC)).total_seconds())


def _is_chroma_error(content: bytes) -> bool:
    """Whether the body is an error of Chroma's own.

    It is plain text where the body of a request was rejected before anybody looked at it. A gateway's
    JSON has one of the keys at most: {"message": "Forbidden"}.
    """
    try:
        return is_chroma_error(orjson.loads(content))
    except orjson.JSONDecodeError:
        return content.startswith(REJECTED)


def is_chroma_error(value: object) -> bool:
    """Whether this is how Chroma writes an error."""
    return isinstance(value, dict) and isinstance(value.get("error"), str) and "message" in value
