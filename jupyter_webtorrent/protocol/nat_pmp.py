"""NAT-PMP's requests and replies (RFC 6886): a gateway's public address, and a TCP port mapped at it.

When to ask, and whom to believe, is left to `net.nat_pmp`.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from typing import Self

from msgspec import Struct

from jupyter_webtorrent.protocol.errors import ProtocolError, WebTorrentError

PORT = 5351

_VERSION = 0
_ADDRESS = 0
_MAP_TCP = 2
_REPLY = 128

_HEAD = struct.Struct(">BBHI")
_MAP = struct.Struct(">BBHHHI")
_MAPPED = struct.Struct(">HHI")

_RESULTS = {
    1: "it speaks another version",
    2: "it is not allowed to map ports",
    3: "it has no connection itself",
    4: "it has no ports left",
    5: "it does not know this request",
}


class GatewayRefusalError(WebTorrentError):
    """The gateway understood, and will not."""


class AddressRequest(Struct, frozen=True):
    """What is your public address? (section 3.2)"""

    def encode(self) -> bytes:
        return bytes((_VERSION, _ADDRESS))

    def decode_reply(self, data: bytes) -> str:
        """The public IPv4 address. Raises ProtocolError for what is no such reply, and GatewayRefusalError."""
        body = _body(data, _ADDRESS, 4)
        return str(IPv4Address(body))


class MappingRequest(Struct, frozen=True):
    """Send what comes to your TCP port `external_port` (0: any) to my `port` for `lifetime` seconds (section 3.3).

    A lifetime of 0 removes the mapping.
    """

    port: int
    external_port: int
    lifetime: int

    def encode(self) -> bytes:
        return _MAP.pack(_VERSION, _MAP_TCP, 0, self.port, self.external_port, self.lifetime)

    def decode_reply(self, data: bytes) -> MappingRequest:
        """What was given instead. Raises ProtocolError for what is no such reply, and GatewayRefusalError."""
        port, external_port, lifetime = _MAPPED.unpack(_body(data, _MAP_TCP, _MAPPED.size))
        if port != self.port:
            raise ProtocolError(f"a mapping of port {port}, not {self.port}")
        return MappingRequest(port, external_port, lifetime)

    def removal(self) -> Self:
        """The request that takes the mapping back (section 3.4)."""
        return type(self)(self.port, 0, 0)


def _body(data: bytes, operation: int, size: int) -> bytes:
    """What follows a reply's head, which a refusal may lack."""
    if len(data) < _HEAD.size:
        raise ProtocolError(f"a NAT-PMP reply of {len(data)} bytes")
    version, answered, result, _epoch = _HEAD.unpack_from(data)
    if version != _VERSION or answered != operation + _REPLY:
        raise ProtocolError(f"a reply of version {version} to operation {answered - _REPLY}")
    if result:
        raise GatewayRefusalError(_RESULTS.get(result, f"it answers with error {result}"))
    if len(data) != _HEAD.size + size:
        raise ProtocolError(f"a NAT-PMP reply of {len(data)} bytes")
    return data[_HEAD.size :]
