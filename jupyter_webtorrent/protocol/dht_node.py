"""Who is who in the DHT: node ids, their distance (BEP 5), and the ids that fit an address (BEP 42)."""

from __future__ import annotations

from enum import IntEnum
from ipaddress import ip_address
from random import Random
from typing import Self

from msgspec import Struct

from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.reach import Reach, reach_of

ID_BYTES = 20
ID_BITS = 8 * ID_BYTES

_CRC32C_POLYNOMIAL = 0x82F63B78
_IPV4_MASK = bytes.fromhex("030f3fff")
_IPV6_MASK = bytes.fromhex("0103070f1f3f7fff")


class Family(IntEnum):
    """IPv4 and IPv6 have a DHT each (BEP 32)."""

    IPV4 = 4
    IPV6 = 6

    @classmethod
    def of(cls, host: str) -> Self:
        """The family of an IP address as text."""
        return cls(6 if ":" in host else 4)


class NodeId(Struct, frozen=True, order=True):
    """20 bytes; the distance of two is their XOR, a number. Info hashes live in the same space."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != ID_BYTES:
            raise ValueError(f"a node id is {ID_BYTES} bytes, not {len(self.raw)}")

    @classmethod
    def from_number(cls, number: int) -> Self:
        return cls(number.to_bytes(ID_BYTES, "big"))

    @classmethod
    def random(cls, random: Random) -> Self:
        return cls(random.randbytes(ID_BYTES))

    @classmethod
    def of(cls, info_hash: InfoHash) -> Self:
        return cls(info_hash.digest)

    @property
    def number(self) -> int:
        return int.from_bytes(self.raw, "big")

    def distance(self, other: NodeId) -> int:
        return self.number ^ other.number

    def __str__(self) -> str:
        return self.raw.hex()


class Node(Struct, frozen=True):
    """A DHT node: its id, and the UDP address it answers at."""

    id: NodeId
    address: PeerAddress

    @property
    def family(self) -> Family:
        return Family.of(self.address.host)


def id_for_address(host: str, random: Random) -> NodeId:
    """An id that fits our public address (BEP 42); for any other address a random one."""
    raw = bytearray(random.randbytes(ID_BYTES))
    if reach_of(host) is Reach.INTERNET:
        prefix = _prefix(host, raw[19])
        raw[0], raw[1] = prefix[0], prefix[1]
        raw[2] = prefix[2] & 0xF8 | raw[2] & 0x07
    return NodeId(bytes(raw))


def fits_address(node_id: NodeId, host: str) -> bool:
    """Whether a node may have this id at this address (BEP 42); away from the public internet any fits."""
    if reach_of(host) is not Reach.INTERNET:
        return True
    prefix, raw = _prefix(host, node_id.raw[19]), node_id.raw
    return raw[:2] == prefix[:2] and (raw[2] ^ prefix[2]) & 0xF8 == 0


def _prefix(host: str, number: int) -> bytes:
    """The 21 bits, in 3 bytes, with which the ids of an address begin; `number` is the id's last byte."""
    packed = ip_address(host).packed
    mask = _IPV4_MASK if len(packed) == 4 else _IPV6_MASK
    masked = bytearray(byte & bits for byte, bits in zip(packed, mask, strict=False))
    masked[0] |= (number & 7) << 5
    return _crc32c(bytes(masked)).to_bytes(4, "big")[:3]


def _crc32c(data: bytes) -> int:
    """CRC-32C (RFC 3720, B.4): of 4 or 8 bytes now and then, so bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_CRC32C_POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
