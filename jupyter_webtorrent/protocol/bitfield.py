"""Which pieces someone has: a set of piece indexes kept as the bits that BEP 3 sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from bitarray import bitarray
from bitarray.util import zeros

from jupyter_webtorrent.protocol.errors import ProtocolError


class Bitfield:
    """A set of piece indexes from 0 to `len(self)` - 1, empty at first.

    `len` is the number of pieces there are, `count` the number in the set. Sets that are combined must be
    of one length: ValueError otherwise.
    """

    __slots__ = ("_bits",)
    __hash__ = None  # type: ignore[assignment]  # it changes

    def __init__(self, piece_count: int) -> None:
        self._bits = zeros(piece_count, "big")

    @classmethod
    def full(cls, piece_count: int) -> Self:
        """The set of all pieces."""
        field = cls(piece_count)
        field._bits.setall(1)
        return field

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview, piece_count: int) -> Self:
        """The payload of a bitfield message: the high bit of the first byte is piece 0, spare bits are zero.

        Raises ProtocolError.
        """
        expected = (piece_count + 7) // 8
        if len(data) != expected:
            raise ProtocolError(
                f"a bitfield of {piece_count} pieces is {expected} bytes, not {len(data)}"
            )
        field = cls(0)
        field._bits.frombytes(bytes(data))
        if field._bits.find(1, piece_count) != -1:
            raise ProtocolError(f"a bitfield of {piece_count} pieces has spare bits set")
        del field._bits[piece_count:]
        return field

    def to_bytes(self) -> bytes:
        """The payload of a bitfield message."""
        return self._bits.tobytes()

    def add(self, piece: int) -> None:
        """Put a piece in the set; raises IndexError if there is no such piece."""
        self._require(piece)
        self._bits[piece] = 1

    def add_run(self, pieces: range) -> None:
        """Put pieces that follow each other in the set; raises IndexError if one does not exist."""
        if pieces:
            self._require(pieces[0])
            self._require(pieces[-1])
            self._bits[pieces[0] : pieces[-1] + 1] = 1

    def discard(self, piece: int) -> None:
        """Take a piece out of the set; raises IndexError if there is no such piece."""
        self._require(piece)
        self._bits[piece] = 0

    def count(self) -> int:
        """The number of pieces in the set."""
        return self._bits.count()

    def count_in(self, pieces: range) -> int:
        """How many of pieces that follow each other are in the set."""
        return self._bits.count(1, pieces.start, pieces.stop)

    def all(self) -> bool:
        """Whether every piece is in the set."""
        return self._bits.all()

    def any(self) -> bool:
        """Whether any piece is in the set."""
        return self._bits.any()

    def first_from(self, start: int) -> int | None:
        """The first piece in the set at or after `start`, else the first of all; None if it is empty."""
        found = self._bits.find(1, start)
        if found < 0:
            found = self._bits.find(1)
        return found if found >= 0 else None

    def copy(self) -> Self:
        return self._of(self._bits.copy())

    def __contains__(self, piece: int) -> bool:
        return 0 <= piece < len(self._bits) and self._bits[piece] == 1

    def __len__(self) -> int:
        return len(self._bits)

    def __iter__(self) -> Iterator[int]:
        """The pieces in the set, in order."""
        return self._bits.search(1)

    def __and__(self, other: Bitfield) -> Self:
        return self._of(self._bits & other._bits)

    def __or__(self, other: Bitfield) -> Self:
        return self._of(self._bits | other._bits)

    def __sub__(self, other: Bitfield) -> Self:
        return self._of(self._bits & ~other._bits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bitfield) and self._bits == other._bits

    def __repr__(self) -> str:
        return f"<Bitfield {self.count()} of {len(self)}>"

    @classmethod
    def _of(cls, bits: bitarray) -> Self:
        field = cls(0)
        field._bits = bits
        return field

    def _require(self, piece: int) -> None:
        if not 0 <= piece < len(self._bits):
            raise IndexError(f"no piece {piece}: there are {len(self._bits)}")
