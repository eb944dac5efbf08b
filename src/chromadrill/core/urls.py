"""URLs of servers: is it the same server, is it on this machine, and how it is shown.

`http://localhost:80` and `http://127.0.0.1` are the same server. No name is looked up: what a name
means can change during a run, so a DNS name and its address count as two servers. Behind one host
may be many: `http://h/staging` and `http://h/prod` are two.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
import socket
import urllib.parse

from chromadrill.core.errors import UsageError

LOOPBACK = "127.0.0.1"
NAMES_OF_LOOPBACK = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "::1")
PORTS = {"https": 443, "http": 80}
LONGEST_LABEL = 63  # of a host's name; a longer one, or an empty one, cannot be looked up


def origin(url: str) -> str:
    """HOST:PORT, with the port of the scheme where none is written; this machine is one host.

    127.x.x.x, ::1 and 0.0.0.0 all lead to this machine, so all of them become 127.0.0.1.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
        host = _plain(parts.hostname or "")
    except ValueError:
        return url
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"{host}:{port}"
    return f"{LOOPBACK if address.is_loopback or address.is_unspecified else host}:{port}"


def server_key(url: str) -> str:
    """What tells one server from another: HOST:PORT and the path, in one spelling each."""
    return origin(url) + plain_path(url)


def plain_path(url: str) -> str:
    """The path of a URL in one spelling, "" for none: no way of writing it makes another server.

    Small letters, nothing escaped, no empty segment, none that climbs. A gateway may tell /Prod from
    /prod; taken for one, production is protected under both.
    """
    try:
        path = urllib.parse.urlsplit(url.strip()).path
    except ValueError:
        return ""
    while path != (plain := urllib.parse.unquote(path)):
        path = plain
    segments = (part.partition(";")[0].strip() for part in re.split(r"[/\\]", path))
    path = posixpath.normpath("/" + "/".join(filter(None, segments))).casefold()
    return "" if path == "/" else path


def same_server(one: str, other: str) -> bool:
    """Whether both may lead to one server: https in front of a host is the same host's http.

    Two behind one host are two where neither path lies below the other: /staging and /prod. A URL
    without a path stands for the whole host, since a gateway may serve every path from one server.
    """
    paths = sorted(f"{plain_path(url)}/" for url in (one, other))
    return _host(one) == _host(other) and paths[1].startswith(paths[0])


def _host(url: str) -> str:
    return origin(url).removesuffix(":80").removesuffix(":443")


def plain_url(url: str) -> str:
    """One spelling for every spelling of a URL: no password, the port written, a plain path.

    Two addresses of this machine stay two, except that localhost and ::1 are 127.0.0.1. What is no
    URL of a server stays as it is.
    """
    try:
        parts = urllib.parse.urlsplit(url.strip())
        if parts.scheme not in PORTS or not parts.hostname:
            return url
        port = parts.port or PORTS[parts.scheme]
    except ValueError:
        return url
    return f"{parts.scheme}://{_plain(parts.hostname)}:{port}{plain_path(url)}"


def is_loopback(host: str) -> bool:
    """Whether a host leads to this machine and nowhere else, whatever connects to it.

    Only localhost and standard spellings of loopback addresses: this allows something, and other
    spellings mean different things to different programs.
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def without_password(url: str) -> str:
    """A URL that may be shown: user, password, query and fragment are left out.

    All before the last @ counts as a password, since one with / # or ? in it, written unquoted, is
    taken for a host and a port by every parser.
    """
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    rest = rest.rpartition("@")[2]
    return f"{scheme}{separator}{re.split('[?#]', rest, maxsplit=1)[0]}"


def password_of(url: str) -> str:
    """What stands between the user and the last @, "" where nothing does."""
    return url.partition("://")[2].rpartition("@")[0].partition(":")[2]


def require_server_url(url: str, option: str = "") -> None:
    """Raise UsageError unless this can be the base URL of a server. No part of a password is quoted.

    An unquoted / # or ? ends the host for every parser: the rest of the password would be a path, a
    query or a fragment, and the user a host that is asked.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        labels = (parts.hostname or "").removesuffix(".").split(".")
        is_host = all(0 < len(label) <= LONGEST_LABEL for label in labels)
        is_url = parts.scheme in PORTS and is_host and parts.port != 0
    except ValueError:
        is_url = False
    if is_url and not re.search(r"[?#\s\x00-\x1f]", url) and "@" not in parts.path:
        return
    raise UsageError(
        f"{option} {without_password(url)} is no URL of a server.".strip(),
        next_step="Write http://HOST:PORT or https://HOST, without ? and #. In a user or password"
        " write @ as %40, / as %2F, ? as %3F, # as %23, a blank as %20.",
    )


def _plain(host: str) -> str:
    """A name as it is, an address in its standard spelling, and localhost as 127.0.0.1."""
    host = host.rstrip(".")
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:  # 2130706433, 0x7f000001, 0177.0.0.1, 127.1, 0: what connects takes them all
            address = ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):  # or it has an empty label, or a NUL
            is_here = host in NAMES_OF_LOOPBACK or host.endswith(".localhost")
            return LOOPBACK if is_here else host
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return LOOPBACK if str(address) in NAMES_OF_LOOPBACK else str(address)
