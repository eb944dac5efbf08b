"""The one maker of HTTP clients, with one rule about the environment and one TLS context.

Loopback never listens to the proxy variables: with HTTP_PROXY set, every word of a private copy
went through the proxy, and a healthy server of our own was "not running" (measured). For servers
elsewhere the variables count, and one that is wrong is named.
"""

from __future__ import annotations

import functools
import os
import ssl
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import httpx

from chromadrill.core.errors import UsageError
from chromadrill.core.loopback_transport import LoopbackTransport
from chromadrill.core.redaction import hide_password
from chromadrill.core.urls import LOOPBACK, PORTS, origin, require_server_url, without_password

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def http_client(
    url: str,
    *,
    timeout_s: float | httpx.Timeout,
    headers: Mapping[str, str] | None = None,
    base_url: bool = False,
) -> httpx.Client:
    """A client for the server at `url`; with `base_url`, paths alone are then enough.

    It follows no redirects. Raises UsageError for a URL that is none, and for a variable of the
    environment that no client can be made with. The URL's password is masked from then on.
    """
    hide_password(url)
    if base_url:
        require_server_url(url)
    for proxy in urllib.request.getproxies_environment().values():
        hide_password(proxy)  # a proxy may quote it in its answer
    shown, scheme = without_password(url), _scheme(url)
    _require_url(url)
    _require_sendable(headers or {}, shown)
    try:
        return httpx.Client(
            base_url=url.rstrip("/") if base_url else "",
            timeout=timeout_s,
            headers=headers,
            trust_env=not _is_here(url),
            # a context with the CA bundle takes 30 ms of processor time, for http it is never used
            verify=_trusting_context() if scheme == "https" else _empty_context(),
            transport=LoopbackTransport() if scheme == "http" and _is_here(url) else None,
        )
    except (httpx.InvalidURL, ValueError, ImportError) as error:  # of a variable: the URL is one
        variables = ", ".join(_given((*PROXIES, "NO_PROXY"))) or "the environment"
        raise UsageError(
            f"No connection to {shown} can be made: {variables} names no proxy that can be used"
            f" ({type(error).__name__}).",
            next_step=f"Correct or unset {variables}, or add the host to NO_PROXY."
            + (" For SOCKS install socksio." if isinstance(error, ImportError) else ""),
        ) from None  # the library's message may quote a part of the proxy's password


def proxy_variable(url: str) -> str:
    """The variable through whose proxy the server at `url` is asked, "" where none is."""
    return _proxy_of(url)[0]


def connects_to(url: str) -> tuple[str, int]:
    """Host and port of the first connection on the way to `url`: the server's own, or its proxy's."""
    parts = urllib.parse.urlsplit(_proxy_of(url)[1] or url)
    return parts.hostname or "", parts.port or PORTS.get(parts.scheme, 80)


def _proxy_of(url: str) -> tuple[str, str]:
    """The variable, and the proxy that it names; both empty where none is asked."""
    parts = urllib.parse.urlsplit(url)
    proxies = urllib.request.getproxies_environment()
    if _is_here(url) or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return "", ""
    for scheme in (parts.scheme, "all"):
        if proxy := proxies.get(scheme):
            names = _given((f"{scheme.upper()}_PROXY",))
            return names[-1] if names else "", proxy if "://" in proxy else f"http://{proxy}"
    return "", ""


def _is_here(url: str) -> bool:
    return origin(url).startswith(f"{LOOPBACK}:")


def _require_sendable(headers: Mapping[str, str], shown: str) -> None:
    """Raise UsageError for a header that cannot be sent: the library would quote its value."""
    for name, value in headers.items():
        if not value.isascii() or not value.isprintable():
            raise UsageError(f"{shown}: the value of the header {name} is not printable ASCII.")


def _require_url(url: str) -> None:
    try:
        _ = httpx.URL(url).host  # decodes it, as a request will
    except (httpx.InvalidURL, UnicodeError):
        raise _no_url(url) from None


def _scheme(url: str) -> str:
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port  # raises for what is no number: httpx would quote it, of a password too
        return parts.scheme
    except ValueError:  # or a bracket of an IPv6 address is missing
        raise _no_url(url) from None


def _no_url(url: str) -> UsageError:
    # the library's message may hold a part of a password: it is left out
    return UsageError(
        f"{without_password(url)} is no URL of a server.",
        next_step="Write http://HOST:PORT or https://HOST.",
    )


@functools.cache
def _empty_context() -> ssl.SSLContext:
    """Trusts nobody: for http, where no certificate is ever looked at."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@functools.cache
def _trusting_context() -> ssl.SSLContext:
    """Trusts SSL_CERT_FILE or SSL_CERT_DIR where one is set, else the bundle of certifi."""
    import certifi

    file, folder = (os.environ.get(name) or None for name in CERTIFICATES)
    for name, path in zip(CERTIFICATES, (file, folder), strict=True):
        if path and not Path(path).exists():
            raise UsageError(f"{name}={path}: no such file or folder.")
    try:
        return ssl.create_default_context(
            cafile=file or (None if folder else certifi.where()), capath=folder
        )
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"SSL_CERT_FILE={file}: no certificates can be read from it.") from error


def _given(names: tuple[str, ...]) -> list[str]:
    """Those of the variables that are set, as they are spelled."""
    return [
        spelled for name in names for spelled in (name, name.lower()) if os.environ.get(spelled)
    ]
