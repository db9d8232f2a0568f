"""One peer's wire: bytes in, events out.

`PeerProtocol` owns the receive buffer, finds the frames in it, and refuses a bad one on its header, before
its body is waited for. What the messages mean is the swarm's business.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.handshake import (
    HANDSHAKE_BYTES,
    Handshake,
    check_protocol_header,
)
from jupyter_webtorrent.protocol.layout import BLOCK_SIZE
from jupyter_webtorrent.protocol.messages import (
    AllowedFast,
    BitfieldMessage,
    Cancel,
    Choke,
    Extended,
    Have,
    HaveAll,
    HaveNone,
    Interested,
    Message,
    NotInterested,
    Piece,
    Port,
    Reject,
    Request,
    SuggestPiece,
    Unchoke,
)
from jupyter_webtorrent.protocol.metainfo import MAX_PIECES

RECEIVE_BUFFER_BYTES = 1 << 18
FIRST_BUFFER_BYTES = 1 << 10
"""Until the handshake has come: whoever only connects costs no more."""
MAX_EXTENDED_BYTES = 1 << 16
MAX_UNKNOWN_BYTES = 1 << 14

_UINT32 = struct.Struct(">I")
_TWO_UINT32 = struct.Struct(">II")
_THREE_UINT32 = struct.Struct(">III")

_MIN_SPACE = 1 << 15

_EXACT_LENGTH: dict[int, int] = {
    Choke.ID: 1,
    Unchoke.ID: 1,
    Interested.ID: 1,
    NotInterested.ID: 1,
    Have.ID: 5,
    Request.ID: 13,
    Cancel.ID: 13,
    Port.ID: 3,
    SuggestPiece.ID: 5,
    HaveAll.ID: 1,
    HaveNone.ID: 1,
    Reject.ID: 13,
    AllowedFast.ID: 5,
}
_LENGTH_RANGE: dict[int, tuple[int, int]] = {
    **{kind: (length, length) for kind, length in _EXACT_LENGTH.items()},
    BitfieldMessage.ID: (1, 1 + MAX_PIECES // 8),
    Piece.ID: (10, 9 + BLOCK_SIZE),
    Extended.ID: (2, MAX_EXTENDED_BYTES),
}
_WITHOUT_BODY: dict[int, Message] = {
    message.ID: message
    for message in (Choke(), Unchoke(), Interested(), NotInterested(), HaveAll(), HaveNone())
}
_ONE_INDEX: dict[int, Callable[[int], Message]] = {
    kind.ID: kind for kind in (Have, SuggestPiece, AllowedFast)
}
_BLOCK_NAME: dict[int, Callable[[int, int, int], Message]] = {
    kind.ID: kind for kind in (Request, Cancel, Reject)
}
_FAST_IDS = frozenset((SuggestPiece.ID, HaveAll.ID, HaveNone.ID, Reject.ID, AllowedFast.ID))
_ALL_PIECES_IDS = frozenset((BitfieldMessage.ID, HaveAll.ID, HaveNone.ID))


class PeerProtocol:
    """The receiving half of one connection (BEP 3, BEP 6, BEP 10).

    Fill the start of `get_buffer()`, then iterate `receive(count)` to its end before the buffer is asked
    for again: a `Piece` among the events is a view into it. A ProtocolError means: close the connection.
    """

    def __init__(self) -> None:
        self._start: int
        self._end: int
        self._use_buffer(FIRST_BUFFER_BYTES)
        self._handshake: Handshake | None = None
        self._told_all_pieces = False
        self.piece_count: int | None = None
        """How many pieces the torrent has, once that is known; indices are checked from then on."""

    @property
    def handshake(self) -> Handshake | None:
        """The peer's handshake, once it has come."""
        return self._handshake

    def get_buffer(self) -> memoryview:
        """Where the next bytes go; never empty."""
        if self._handshake is not None and len(self._buffer) == FIRST_BUFFER_BYTES:
            rest = self._view[self._start : self._end]
            self._use_buffer(RECEIVE_BUFFER_BYTES)
            self._view[: len(rest)] = rest
            self._end = len(rest)
        elif self._start == self._end:
            self._start = self._end = 0
        elif len(self._buffer) - self._end < _MIN_SPACE and self._start:
            kept = self._end - self._start
            self._view[:kept] = self._view[self._start : self._end]
            self._start, self._end = 0, kept
        return self._view[self._end :]

    def receive(self, count: int) -> Iterator[Handshake | Message]:
        """The handshake once, then every whole message that `count` more bytes complete.

        Raises ProtocolError at the first header that breaks a rule.
        """
        self._end += count
        if self._handshake is None:
            handshake = self._read_handshake()
            if handshake is None:
                return
            yield handshake
        buffer, view = self._buffer, self._view
        while (available := self._end - self._start) >= 4:
            start = self._start
            (length,) = _UINT32.unpack_from(buffer, start)
            if length == 0:
                self._start = start + 4  # a keep-alive
                continue
            if available < 5:
                return
            kind = buffer[start + 4]
            self._check_header(kind, length)
            if available < 4 + length:
                return
            self._start = start + 4 + length
            self._told_all_pieces |= kind in _ALL_PIECES_IDS
            body = start + 5
            if kind == Piece.ID:
                index, begin = _TWO_UINT32.unpack_from(buffer, body)
                self._check_index(index)
                yield Piece(index, begin, view[body + 8 : self._start])
            elif kind in _BLOCK_NAME:
                index, begin, size = _THREE_UINT32.unpack_from(buffer, body)
                self._check_index(index)
                yield _BLOCK_NAME[kind](index, begin, size)
            elif kind in _ONE_INDEX:
                (index,) = _UINT32.unpack_from(buffer, body)
                self._check_index(index)
                yield _ONE_INDEX[kind](index)
            elif kind in _WITHOUT_BODY:
                yield _WITHOUT_BODY[kind]
            elif kind == BitfieldMessage.ID:
                yield BitfieldMessage(bytes(view[body : self._start]))
            elif kind == Extended.ID:
                yield Extended(buffer[body], bytes(view[body + 1 : self._start]))
            elif kind == Port.ID:
                yield Port(int.from_bytes(view[body : self._start], "big"))

    def release(self) -> None:
        """Nothing more is read: give the memory back, whoever still holds this object."""
        self._handshake = None
        self._use_buffer(FIRST_BUFFER_BYTES)

    def _use_buffer(self, size: int) -> None:
        self._buffer = bytearray(size)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0

    def _read_handshake(self) -> Handshake | None:
        data = bytes(self._view[self._start : min(self._end, self._start + HANDSHAKE_BYTES)])
        check_protocol_header(data)
        if len(data) < HANDSHAKE_BYTES:
            return None
        self._start += HANDSHAKE_BYTES
        self._handshake = Handshake.decode(data)
        return self._handshake

    def _check_header(self, kind: int, length: int) -> None:
        shortest, longest = _LENGTH_RANGE.get(kind, (1, MAX_UNKNOWN_BYTES))
        if not shortest <= length <= longest:
            raise ProtocolError(f"a message of type {kind} cannot be {length} bytes long")
        if kind in _FAST_IDS and not (self._handshake and self._handshake.supports_fast):
            raise ProtocolError(f"a message of type {kind} without the fast extension")
        if kind in _ALL_PIECES_IDS and self._told_all_pieces:
            raise ProtocolError("the peer told twice which pieces it has")
        if kind == BitfieldMessage.ID and self.piece_count is not None:
            expected = (self.piece_count + 7) // 8
            if length - 1 != expected:
                raise ProtocolError(f"a bitfield is {expected} bytes here, not {length - 1}")

    def _check_index(self, index: int) -> None:
        if index >= (MAX_PIECES if self.piece_count is None else self.piece_count):
            raise ProtocolError(f"there is no piece {index}")
