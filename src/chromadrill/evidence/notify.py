"""Notify others of how a run ended: a chat webhook, and a heartbeat that misses drills nobody ran.

A notification never changes the verdict and never raises. Both URLs are secrets as a whole. A sentence
about a failure names the host at most.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import httpx
import orjson
from pydantic import SecretStr

from chromadrill.core.errors import UsageError
from chromadrill.core.http import http_client
from chromadrill.core.model import JSON
from chromadrill.core.redaction import redact, secrets_of
from chromadrill.evidence.report.ci import slack
from chromadrill.evidence.report.headline import headline_of

Send = Callable[[httpx.Client], httpx.Response]


def notify(
    record: JSON,
    *,
    webhook: SecretStr | None,
    heartbeat: SecretStr | None,
    root_sha256: str = "",
    report_url: str | None = None,
    timeout_s: float = 5,
) -> list[str]:
    """Post to `webhook`, ping `heartbeat`; returns what went wrong, in sentences.

    The heartbeat is for drills, not for gates. Only a proven restore pings it as good, else a
    release would hide that the monthly drill is missing. Anything but a pass pings `/fail`.
    """
    failures = []
    chat, pulse = _value(webhook), _value(heartbeat)
    if chat:
        message = redact(orjson.dumps(slack(record, root_sha256, report_url)), secrets_of())
        body = message if _is_json(message) else b'{"text": "a restore drill ended"}'
        headers = {"Content-Type": "application/json"}
        failures += _send(
            "webhook", chat, lambda c: c.post(chat, content=body, headers=headers), timeout_s
        )
    if pulse:
        good = headline_of(record).restored
        if record["outcome"] == "pass" and not good:
            failures.append("The heartbeat was not pinged: this run proved no restore.")
        else:
            failures += _send("heartbeat", pulse, lambda c: c.get(_ping(pulse, good)), timeout_s)
    return failures


def pulse(name: str, heartbeat: SecretStr | None, *, good: bool, timeout_s: float = 5) -> list[str]:
    """Ping one heartbeat, `/fail` below it where it is not `good`; what went wrong, in sentences."""
    url = _value(heartbeat)
    return _send(name, url, lambda c: c.get(_ping(url, good)), timeout_s) if url else []


def _value(secret: SecretStr | None) -> str:
    # an unset secret of a CI system arrives as an empty text
    return secret.get_secret_value().strip() if secret else ""


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _ping(url: str, good: bool) -> httpx.URL:
    """Better Stack: the URL itself is "it went well", `/fail` below it is "it did not"."""
    parsed = httpx.URL(url)
    return parsed if good else parsed.copy_with(path=parsed.path.rstrip("/") + "/fail")


def _send(name: str, url: str, send: Send, timeout_s: float) -> list[str]:
    """Send within twice `timeout_s`, whatever the other side does.

    httpx limits each read, not their sum, and no name lookup. Hence the thread; one that hangs is
    left behind.
    """
    # httpx logs the whole URL, and the log of a test goes into reports
    logging.getLogger("httpx").setLevel(logging.WARNING)
    result: list[str] = []

    def attempt() -> None:
        result.append(_error_of(url, send, timeout_s))

    thread = threading.Thread(target=attempt, name=f"notify-{name}", daemon=True)
    thread.start()
    thread.join(2 * timeout_s)
    error = result[0] if result else f"did not answer within {2 * timeout_s:g} s"
    return [f"The {name}{_host(url)} {error}; the verdict stands."] if error else []


def _error_of(url: str, send: Send, timeout_s: float) -> str:
    """What went wrong, or "". Never the text of an exception: it may quote the URL."""
    try:
        # redirects are not followed: they would carry the message to a place nobody named
        with http_client(url, timeout_s=timeout_s) as client:
            status = send(client).status_code
    except httpx.TimeoutException:
        return f"did not answer within {timeout_s:g} s"
    except (UsageError, httpx.InvalidURL, httpx.UnsupportedProtocol):
        return "is no http or https URL"
    except Exception as error:  # whatever it is, the drill is over and its verdict stands
        return f"could not be reached ({type(error).__name__})"
    if 200 <= status < 300:
        return ""
    redirect = ", a redirect, which is not followed" if 300 <= status < 400 else ""
    return f"answered {status}{redirect}"


def _host(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except Exception:
        return ""
    if parsed.scheme not in ("http", "https") or "." not in parsed.host:
        return ""  # perhaps a bare token in the wrong place
    return f" at {parsed.host}"
