"""What kind of IP address one is, by IANA's registries of special addresses. Who may use it is others' business."""

from __future__ import annotations

from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network
from typing import Final, TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address


class Kind(Enum):
    PUBLIC = auto()
    LOOPBACK = auto()
    PRIVATE = auto()
    LINK_LOCAL = auto()
    SITE_LOCAL = auto()
    CARRIER = auto()
    """A carrier's own network, whose customers share public addresses (RFC 6598)."""
    BENCHMARK = auto()
    DOCUMENTATION = auto()
    ASSIGNED = auto()
    """Kept for protocols of the IETF."""
    RELAY = auto()
    """Of 6to4, withdrawn (RFC 7526)."""
    SIX_TO_FOUR = auto()
    TEREDO = auto()
    IPV4_MAPPED = auto()
    NAT64 = auto()
    """An IPv4 address as a gateway spells it (RFC 6052)."""
    UNSPECIFIED = auto()
    MULTICAST = auto()
    RESERVED = auto()


_RANGES: Final = tuple(
    (ip_network(text), kind)
    for text, kind in (
        # The registry of special IPv4 addresses (RFC 6890)
        ("0.0.0.0/8", Kind.UNSPECIFIED),
        ("10.0.0.0/8", Kind.PRIVATE),
        ("100.64.0.0/10", Kind.CARRIER),
        ("127.0.0.0/8", Kind.LOOPBACK),
        ("169.254.0.0/16", Kind.LINK_LOCAL),
        ("172.16.0.0/12", Kind.PRIVATE),
        ("192.0.0.0/24", Kind.ASSIGNED),
        ("192.0.2.0/24", Kind.DOCUMENTATION),
        ("192.88.99.0/24", Kind.RELAY),
        ("192.168.0.0/16", Kind.PRIVATE),
        ("198.18.0.0/15", Kind.BENCHMARK),
        ("198.51.100.0/24", Kind.DOCUMENTATION),
        ("203.0.113.0/24", Kind.DOCUMENTATION),
        ("224.0.0.0/4", Kind.MULTICAST),
        ("240.0.0.0/4", Kind.RESERVED),
        # The registry of special IPv6 addresses
        ("::/128", Kind.UNSPECIFIED),
        ("::1/128", Kind.LOOPBACK),
        ("::ffff:0:0/96", Kind.IPV4_MAPPED),
        ("64:ff9b::/96", Kind.NAT64),
        ("2001::/32", Kind.TEREDO),
        ("2001::/23", Kind.ASSIGNED),
        ("2001:db8::/32", Kind.DOCUMENTATION),
        ("2002::/16", Kind.SIX_TO_FOUR),
        ("3fff::/20", Kind.DOCUMENTATION),
        ("fc00::/7", Kind.PRIVATE),
        ("fe80::/10", Kind.LINK_LOCAL),
        ("fec0::/10", Kind.SITE_LOCAL),
        ("ff00::/8", Kind.MULTICAST),
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""Outside of it, what is in no range above is nobody's yet."""


def kind_of(address: IPAddress) -> Kind:
    for network, kind in _RANGES:
        if address.version == network.version and address in network:
            return kind
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return Kind.RESERVED
    return Kind.PUBLIC


def embedded_ipv4(address: IPv6Address) -> IPv4Address:
    """Whom an IPv4-mapped or a NAT64 address leads to."""
    return IPv4Address(int(address) & 0xFFFFFFFF)
