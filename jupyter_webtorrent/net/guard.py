"""Which addresses a URL, or a host and port, may lead to: the guard against being sent to fetch for strangers.

Pure checks and one look-up; `net.http` connects under them. The rules of trust:

- `Policy.PUBLIC`: what a stranger wrote (`ws=`, `xs=`, `url-list`, any redirect) reaches public addresses only.
- `Policy.LOCAL`: a tracker in a link may also be on this machine or the local network, which is a class's usual case,
  but only where a request cannot do more than announce (`tracker_policy`). Its redirects are `PUBLIC`.
  So may a pasted URL of a .torrent file that shows that it is local (`protocol.urls.is_local`).
- `Policy.NAMED`: a host that a person named, by `--web-seed`, `--tracker` or `EngineConfig.trusted_hosts`, may be
  anywhere that can be connected to.

That a link's peers or tracker are local is no reason to trust its other URLs: one stranger wrote them all.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from yarl import URL

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.protocol.address_kinds import IPAddress, Kind, embedded_ipv4, kind_of
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.urls import check_url

Resolve = Callable[[str], Awaitable[list[str]]]
"""Looks a name up: its addresses as text. Raises OSError."""


class GuardError(NetError):
    """The address is one that this URL may not lead to, or is spelled as no honest one is."""


class Scope(Enum):
    """From where an address is reached."""

    PUBLIC = "public"
    LOCAL = "local"
    """This machine, or the local network."""
    SPECIAL = "special"
    """Link-local (cloud machines' secrets are there), a carrier's network, benchmarks, documentation."""
    NONE = "none"
    """Nothing can be connected to there, or only by a second spelling of an address."""


class Policy(Enum):
    """Who named an address, and so where it may be; the module's docstring says which is whose."""

    PUBLIC = frozenset({Scope.PUBLIC})
    LOCAL = frozenset({Scope.PUBLIC, Scope.LOCAL})
    NAMED = frozenset({Scope.PUBLIC, Scope.LOCAL, Scope.SPECIAL})


_SCOPES: Final = {
    Kind.PUBLIC: (Scope.PUBLIC, "a public"),
    Kind.LOOPBACK: (Scope.LOCAL, "a loopback"),
    Kind.PRIVATE: (Scope.LOCAL, "a private"),
    Kind.LINK_LOCAL: (Scope.SPECIAL, "a link-local"),
    Kind.SITE_LOCAL: (Scope.SPECIAL, "a site-local"),
    Kind.CARRIER: (Scope.SPECIAL, "a carrier's private"),
    Kind.BENCHMARK: (Scope.SPECIAL, "a benchmark"),
    Kind.DOCUMENTATION: (Scope.SPECIAL, "a documentation"),
    Kind.ASSIGNED: (Scope.SPECIAL, "a reserved"),
    Kind.RELAY: (Scope.SPECIAL, "a reserved"),
    Kind.TEREDO: (Scope.SPECIAL, "a reserved"),
    Kind.SIX_TO_FOUR: (Scope.SPECIAL, "a 6to4"),
    Kind.IPV4_MAPPED: (Scope.NONE, "an IPv4-mapped"),
    Kind.UNSPECIFIED: (Scope.NONE, "an unspecified"),
    Kind.MULTICAST: (Scope.NONE, "a multicast"),
    Kind.RESERVED: (Scope.NONE, "a reserved"),
}
"""Of a NAT64 address it is whom it leads to that counts."""

_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")

BAD_PORTS: Final = frozenset(
    {0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95}
    | {101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179}
    | {389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601}
    | {636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566}
    | {6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080}
)
"""Ports of other protocols, which a request could be mistaken for (the Fetch standard's list)."""


def scope_of(address: IPAddress) -> tuple[Scope, str]:
    """Where an address is, and what kind it is in words ("a loopback")."""
    kind = kind_of(address)
    if isinstance(address, IPv6Address) and kind is Kind.NAT64:
        return scope_of(embedded_ipv4(address))
    return _SCOPES[kind]


def check_address(text: str, policy: Policy) -> IPAddress:
    """The IP address, if the policy allows it; raises GuardError."""
    try:
        address = ip_address(text)
    except ValueError:
        raise GuardError(f"{text!r} is not an IP address") from None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise GuardError("an address with a zone is not used")
    scope, name = scope_of(address)
    if scope not in policy.value:
        raise GuardError(f"{address} is {name} address, which this URL may not lead to")
    return address


def check_host(host: str) -> IPAddress | None:
    """The address that a host spells, or None for a name that can be looked up.

    Raises GuardError for what some resolvers read as an address though it is not written as one: `127.1`, `0x7f000001`,
    `2130706433`, `0177.0.0.1`, `127.0.0.1.`, `[fe80::1%eth0]`, `%31`.
    """
    if ":" in host:
        if "%" in host:
            raise GuardError("an address with a zone is not used")
        try:
            return IPv6Address(host)
        except ValueError:
            raise GuardError("a URL's IPv6 address cannot be read") from None
    labels = host.lower().removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return IPv4Address(host)
        except ValueError:
            raise GuardError(
                "an IPv4 address is written as four decimal numbers, as in 192.0.2.1"
            ) from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise GuardError("a URL's host is not one that can be looked up")
    return None


def checked_url(url: str, policy: Policy, schemes: tuple[str, ...]) -> URL:
    """The URL as it will be asked for; raises GuardError. A name's addresses are checked when it is looked up."""
    try:
        check_url(url, schemes)
        # Percent-encoding is left as it came: servers compare the bytes.
        target = URL(url, encoded=url.isascii())
        host, port = target.raw_host, target.port
    except (WebTorrentError, ValueError) as error:
        raise GuardError(f"not a URL to use: {error}") from error
    if "\\" in url or target.scheme not in schemes or not host:
        raise GuardError("not a URL to use: its host cannot be told for sure")
    if target.raw_user is not None or target.raw_password is not None:
        raise GuardError("a URL with a user name or password is not used")
    if port in BAD_PORTS or (port is None and target.scheme in ("http", "https")):
        raise GuardError(f"port {port} is another protocol's")
    address = check_host(host)
    if address is not None:
        check_address(str(address), policy)
    return target


def tracker_policy(url: str) -> Policy:
    """What a tracker's URL that a stranger wrote may lead to.

    On this machine and the local network only a URL that asks nothing but to announce: its path begins with
    `/announce` or `/scrape`, and it has no query of its own. A UDP tracker's packet is fixed (BEP 15), so any will do.
    """
    try:
        target = URL(url, encoded=url.isascii())
    except ValueError:
        return Policy.PUBLIC  # which `checked_url` will refuse
    harmless = target.raw_path.startswith(("/announce", "/scrape")) and not target.raw_query_string
    return Policy.LOCAL if target.scheme == "udp" or harmless else Policy.PUBLIC


async def system_resolve(host: str) -> list[str]:
    """The system's addresses of a name; raises OSError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"the name {host} cannot be looked up") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def resolve_checked(
    host: str, policy: Policy, resolve: Resolve = system_resolve
) -> list[IPAddress]:
    """All addresses of a host, a name or an address; one that is not allowed spoils them all.

    Connect to these and look nothing up again: the next answer may be another one. Raises GuardError, and OSError if
    the name cannot be found.
    """
    spelled = check_host(host)
    if spelled is not None:
        return [check_address(str(spelled), policy)]
    found = [check_address(text, policy) for text in await resolve(host)]
    if not found:
        raise OSError(f"the name {host} has no address")
    return found
