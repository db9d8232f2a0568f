"""The first 68 bytes of a peer connection (BEP 3), and the capabilities in its reserved bits."""

from __future__ import annotations

from typing import Self

from msgspec import Struct

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId

HANDSHAKE_BYTES = 68
PROTOCOL_HEADER = b"\x13BitTorrent protocol"

_EXTENSION_BYTE, _EXTENSION_BIT = 5, 0x10
_FAST_BYTE, _FAST_BIT = 7, 0x04
_DHT_BYTE, _DHT_BIT = 7, 0x01


class Handshake(Struct, frozen=True):
    """Which torrent, which peer, and what it can speak."""

    info_hash: InfoHash
    peer_id: PeerId
    supports_extensions: bool = True
    """The extension protocol (BEP 10)."""
    supports_fast: bool = True
    """The fast extension (BEP 6)."""
    supports_dht: bool = False
    """It has a DHT node, and takes the port of ours (BEP 5)."""

    def encode(self) -> bytes:
        reserved = bytearray(8)
        if self.supports_extensions:
            reserved[_EXTENSION_BYTE] |= _EXTENSION_BIT
        if self.supports_fast:
            reserved[_FAST_BYTE] |= _FAST_BIT
        if self.supports_dht:
            reserved[_DHT_BYTE] |= _DHT_BIT
        return PROTOCOL_HEADER + bytes(reserved) + self.info_hash.digest + self.peer_id.raw

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read exactly 68 bytes; raises ProtocolError."""
        check_protocol_header(data)
        if len(data) != HANDSHAKE_BYTES:
            raise ProtocolError(f"a handshake is {HANDSHAKE_BYTES} bytes, not {len(data)}")
        reserved = data[20:28]
        return cls(
            InfoHash(data[28:48]),
            PeerId(data[48:68]),
            supports_extensions=bool(reserved[_EXTENSION_BYTE] & _EXTENSION_BIT),
            supports_fast=bool(reserved[_FAST_BYTE] & _FAST_BIT),
            supports_dht=bool(reserved[_DHT_BYTE] & _DHT_BIT),
        )


def check_protocol_header(beginning: bytes) -> None:
    """Refuse a peer that speaks something else, from its first byte on; raises ProtocolError."""
    head = beginning[: len(PROTOCOL_HEADER)]
    if head != PROTOCOL_HEADER[: len(head)]:
        raise ProtocolError("the peer does not speak the BitTorrent protocol")
