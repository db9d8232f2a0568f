"""How far an address reaches, and so who may name it to us.

An address that a stranger named is dialled only if it is no nearer to us than the stranger: somebody on the
internet names no machine of this network, and nobody from another machine names a service of this one.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from jupyter_webtorrent.protocol.address_kinds import Kind, embedded_ipv4, kind_of


class Reach(IntEnum):
    """From where an address can be reached; the larger, the farther."""

    NOWHERE = 0
    """Multicast, unspecified, broadcast, reserved, a tunnel whose other end it names, or no address at all."""
    MACHINE = 1
    NETWORK = 2
    """The local network: private and link-local addresses, carriers', and others that no internet router knows."""
    INTERNET = 3


_REACH = {
    Kind.PUBLIC: Reach.INTERNET,
    Kind.RELAY: Reach.INTERNET,
    Kind.LOOPBACK: Reach.MACHINE,
    **dict.fromkeys(
        (
            Kind.PRIVATE,
            Kind.LINK_LOCAL,
            Kind.SITE_LOCAL,
            Kind.CARRIER,
            Kind.BENCHMARK,
            Kind.DOCUMENTATION,
            Kind.ASSIGNED,
        ),
        Reach.NETWORK,
    ),
}
"""All other kinds lead nowhere."""


@lru_cache(maxsize=4096)  # the DHT asks for each node of its table, again and again
def reach_of(host: str) -> Reach:
    """The reach of an IP address; a name has none, for nobody looked it up."""
    try:
        address = ip_address(host)
    except ValueError:
        return Reach.NOWHERE
    kind = kind_of(address)
    if isinstance(address, IPv6Address) and kind is Kind.IPV4_MAPPED:
        kind = kind_of(embedded_ipv4(address))
    return _REACH.get(kind, Reach.NOWHERE)


def may_name(teller: str, host: str) -> bool:
    """Whether a peer at `teller` may send us to `host`, both IP addresses."""
    told = reach_of(host)
    return told is not Reach.NOWHERE and told >= reach_of(teller) > Reach.NOWHERE
