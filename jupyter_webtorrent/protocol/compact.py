"""Compact peer addresses: 6 bytes for IPv4 (BEP 23), 18 for IPv6 (BEP 7), in trackers' replies, PEX and the DHT."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.identity import PeerAddress

IPV4_BYTES = 6
IPV6_BYTES = 18


def encode_address(address: PeerAddress) -> bytes | None:
    """6 or 18 bytes; None for a host that is a name, and for an IPv6 zone, which have no such form."""
    try:
        host = ip_address(address.host)
    except ValueError:
        return None
    if isinstance(host, IPv6Address) and host.scope_id is not None:
        return None
    return host.packed + address.port.to_bytes(2, "big")


def encode_addresses(addresses: Iterable[PeerAddress]) -> tuple[bytes, bytes]:
    """The IPv4 addresses and the IPv6 ones, each in one string; names are left out."""
    encoded = [part for part in map(encode_address, addresses) if part is not None]
    return (
        b"".join(part for part in encoded if len(part) == IPV4_BYTES),
        b"".join(part for part in encoded if len(part) == IPV6_BYTES),
    )


def decode_ipv4(data: bytes, limit: int) -> list[PeerAddress]:
    """The first `limit` addresses; those with port 0 are left out. Raises ProtocolError."""
    return _decode(data, IPV4_BYTES, limit)


def decode_ipv6(data: bytes, limit: int) -> list[PeerAddress]:
    """As `decode_ipv4`; an IPv4 address in IPv6 clothes (RFC 4291, 2.5.5.2) counts as IPv4."""
    return _decode(data, IPV6_BYTES, limit)


def _decode(data: bytes, size: int, limit: int) -> list[PeerAddress]:
    if len(data) % size:
        raise ProtocolError(f"{len(data)} bytes of addresses are no multiple of {size}")
    starts = range(0, min(len(data), limit * size), size)
    addresses = (_address(data[start : start + size]) for start in starts)
    return [address for address in addresses if address is not None]


def _address(data: bytes) -> PeerAddress | None:
    host: IPv4Address | IPv6Address = (
        IPv4Address(data[:4]) if len(data) == IPV4_BYTES else IPv6Address(data[:16])
    )
    port = int.from_bytes(data[-2:], "big")
    if port == 0:
        return None
    if isinstance(host, IPv6Address) and host.ipv4_mapped is not None:
        host = host.ipv4_mapped
    return PeerAddress(str(host), port)
