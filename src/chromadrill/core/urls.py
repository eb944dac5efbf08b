"""Addresses of servers: two spellings of one server are told to be one."""

from __future__ import annotations

import ipaddress
import socket
import urllib.parse

HERE = "127.0.0.1"
NAMES_OF_HERE = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")


def origin(url: str) -> str:
    """HOST:PORT, the port of the scheme where none is said; every name of this machine is one.

    Every spelling of an address is one, too. Names are not asked for, since what a name means can
    change during a run: a DNS name and its address are told to be two.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return url
    return f"{_plain(host)}:{port}"


def _plain(host: str) -> str:
    """A name as it is, an address as everybody else writes it, and each of this machine's as one."""
    if host in NAMES_OF_HERE or host.endswith(".localhost"):
        return HERE
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:  # 2130706433, 0x7f000001, 0177.0.0.1, 127.1, 0: what connects takes them all
            address = ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return host
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return HERE if address.is_loopback or address.is_unspecified else str(address)


def same_server(one: str, other: str) -> bool:
    """Whether both lead to one server: https in front of a host is the same host's http."""
    plain = [each.removesuffix(":80").removesuffix(":443") for each in (origin(one), origin(other))]
    return plain[0] == plain[1]
