"""How far an address reaches, and so who may name it to us.

An address that a stranger named is dialled only if it is no nearer to us than the stranger: somebody on the
internet names no machine of this network, and nobody from another machine names a service of this one.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

_SHARED = ip_network("100.64.0.0/10")  # carriers' own networks (RFC 6598)


class Reach(IntEnum):
    """From where an address can be reached; the larger, the farther."""

    NOWHERE = 0
    """Multicast, unspecified, broadcast, reserved, or no address at all."""
    MACHINE = 1
    NETWORK = 2
    """The local network: private, link-local and carriers' addresses."""
    INTERNET = 3


@lru_cache(maxsize=4096)  # the DHT asks for each node of its table, again and again
def reach_of(host: str) -> Reach:
    """The reach of an IP address; a name has none, for nobody looked it up."""
    try:
        address = ip_address(host)
    except ValueError:
        return Reach.NOWHERE
    if isinstance(address, IPv6Address):
        if address.sixtofour or address.teredo:
            return Reach.NOWHERE  # tunnels, whose other end the address itself names
        if address.is_site_local:
            return Reach.NETWORK
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return Reach.MACHINE
    if address.is_multicast or address.is_unspecified or address.is_reserved:
        return Reach.NOWHERE
    if address.is_private or address.is_link_local or address in _SHARED:
        return Reach.NETWORK
    return Reach.INTERNET if address.is_global else Reach.NOWHERE


def may_name(teller: str, host: str) -> bool:
    """Whether a peer at `teller` may send us to `host`, both IP addresses."""
    told = reach_of(host)
    return told is not Reach.NOWHERE and told >= reach_of(teller) > Reach.NOWHERE
