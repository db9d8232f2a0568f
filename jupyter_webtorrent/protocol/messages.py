"""The messages of a peer connection as values: BEP 3, the fast extension (BEP 6), and the frame of BEP 10.

Each encodes itself whole, length prefix included. Reading them, with the limits, is `peer`'s.
"""

from __future__ import annotations

import struct
from typing import ClassVar, TypeAlias

from msgspec import Struct

_HEAD = struct.Struct(">IB")
_ONE_INT = struct.Struct(">IBI")
_TWO_INTS = struct.Struct(">IBII")
_THREE_INTS = struct.Struct(">IBIII")


class Choke(Struct, frozen=True, gc=False):
    ID: ClassVar[int] = 0

    def encode(self) -> bytes:
        return _HEAD.pack(1, self.ID)


class Unchoke(Struct, frozen=True, gc=False):
    ID: ClassVar[int] = 1

    def encode(self) -> bytes:
        return _HEAD.pack(1, self.ID)


class Interested(Struct, frozen=True, gc=False):
    ID: ClassVar[int] = 2

    def encode(self) -> bytes:
        return _HEAD.pack(1, self.ID)


class NotInterested(Struct, frozen=True, gc=False):
    ID: ClassVar[int] = 3

    def encode(self) -> bytes:
        return _HEAD.pack(1, self.ID)


class Have(Struct, frozen=True, gc=False):
    ID: ClassVar[int] = 4
    index: int

    def encode(self) -> bytes:
        return _ONE_INT.pack(5, self.ID, self.index)


class BitfieldMessage(Struct, frozen=True, gc=False):
    """All pieces the sender has, the first piece in the first byte's high bit."""

    ID: ClassVar[int] = 5
    bits: bytes

    def encode(self) -> bytes:
        return _HEAD.pack(1 + len(self.bits), self.ID) + self.bits


class Request(Struct, frozen=True, gc=False):
    """Ask for a block: `length` bytes from byte `begin` of piece `index`."""

    ID: ClassVar[int] = 6
    index: int
    begin: int
    length: int

    def encode(self) -> bytes:
        return _THREE_INTS.pack(13, self.ID, self.index, self.begin, self.length)


class Piece(Struct, frozen=True, gc=False):
    """A block. When received, `block` is a view into the receive buffer: copy it before the next read."""

    ID: ClassVar[int] = 7
    index: int
    begin: int
    block: memoryview | bytes

    def encode(self) -> bytes:
        return self.header(self.index, self.begin, len(self.block)) + self.block

    @staticmethod
    def header(index: int, begin: int, length: int) -> bytes:
        """What goes before a block of `length` bytes, so that the block itself need not be copied."""
        return _TWO_INTS.pack(9 + length, Piece.ID, index, begin)


class Cancel(Struct, frozen=True, gc=False):
    ID: ClassVar[int] = 8
    index: int
    begin: int
    length: int

    def encode(self) -> bytes:
        return _THREE_INTS.pack(13, self.ID, self.index, self.begin, self.length)


class Port(Struct, frozen=True, gc=False):
    """The sender's DHT port (BEP 5)."""

    ID: ClassVar[int] = 9
    port: int

    def encode(self) -> bytes:
        return _HEAD.pack(3, self.ID) + self.port.to_bytes(2, "big")


class SuggestPiece(Struct, frozen=True, gc=False):
    ID: ClassVar[int] = 13
    index: int

    def encode(self) -> bytes:
        return _ONE_INT.pack(5, self.ID, self.index)


class HaveAll(Struct, frozen=True, gc=False):
    ID: ClassVar[int] = 14

    def encode(self) -> bytes:
        return _HEAD.pack(1, self.ID)


class HaveNone(Struct, frozen=True, gc=False):
    ID: ClassVar[int] = 15

    def encode(self) -> bytes:
        return _HEAD.pack(1, self.ID)


class Reject(Struct, frozen=True, gc=False):
    """The request will not be answered with a block."""

    ID: ClassVar[int] = 16
    index: int
    begin: int
    length: int

    def encode(self) -> bytes:
        return _THREE_INTS.pack(13, self.ID, self.index, self.begin, self.length)


class AllowedFast(Struct, frozen=True, gc=False):
    ID: ClassVar[int] = 17
    index: int

    def encode(self) -> bytes:
        return _ONE_INT.pack(5, self.ID, self.index)


class Extended(Struct, frozen=True, gc=False):
    """A message of the extension protocol (BEP 10); `extension` 0 is its handshake."""

    ID: ClassVar[int] = 20
    extension: int
    payload: bytes

    def encode(self) -> bytes:
        head = _HEAD.pack(2 + len(self.payload), self.ID)
        return head + bytes((self.extension,)) + self.payload


KEEP_ALIVE = bytes(4)

Message: TypeAlias = (
    Choke
    | Unchoke
    | Interested
    | NotInterested
    | Have
    | BitfieldMessage
    | Request
    | Piece
    | Cancel
    | Port
    | SuggestPiece
    | HaveAll
    | HaveNone
    | Reject
    | AllowedFast
    | Extended
)
