"""The wire of one peer: every message through any split, and every bad header refused."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.handshake import HANDSHAKE_BYTES, Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.messages import (
    KEEP_ALIVE,
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
from jupyter_webtorrent.protocol.peer import (
    MAX_EXTENDED_BYTES,
    RECEIVE_BUFFER_BYTES,
    PeerProtocol,
)

HANDSHAKE = Handshake(InfoHash(b"h" * 20), PeerId(b"p" * 20))

MESSAGES: list[Message] = [
    Choke(),
    Unchoke(),
    Interested(),
    NotInterested(),
    Have(7),
    BitfieldMessage(b"\xff\x80"),
    Request(1, 16384, 16384),
    Piece(1, 16384, b"block"),
    Cancel(1, 16384, 16384),
    Port(6881),
    SuggestPiece(3),
    Reject(1, 0, 16384),
    AllowedFast(2),
    Extended(1, b"d1:ai1ee"),
]


def owned(event: Handshake | Message) -> Handshake | Message:
    """A block is a view into the receive buffer: copy it, as every receiver has to."""
    if isinstance(event, Piece):
        return Piece(event.index, event.begin, bytes(event.block))
    return event


def feed(protocol: PeerProtocol, data: bytes) -> Iterator[Handshake | Message]:
    """Hand `data` over as a transport does: into the buffer, as much as it takes at a time."""
    while data:
        buffer = protocol.get_buffer()
        count = min(len(buffer), len(data))
        buffer[:count] = data[:count]
        data = data[count:]
        for event in protocol.receive(count):
            yield owned(event)


def after_handshake(handshake: Handshake = HANDSHAKE) -> PeerProtocol:
    protocol = PeerProtocol()
    assert list(feed(protocol, handshake.encode())) == [handshake]
    return protocol


def frame(kind: int, body: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack(">IB", 1 + len(body) if length is None else length, kind) + body


def test_all_messages_survive_any_split() -> None:
    wire = HANDSHAKE.encode() + KEEP_ALIVE.join(message.encode() for message in MESSAGES)
    for cut in range(len(wire) + 1):
        protocol = PeerProtocol()
        events = [*feed(protocol, wire[:cut]), *feed(protocol, wire[cut:])]
        assert events == [HANDSHAKE, *MESSAGES]


def test_messages_arrive_byte_by_byte() -> None:
    protocol = PeerProtocol()
    wire = HANDSHAKE.encode() + b"".join(message.encode() for message in MESSAGES) + KEEP_ALIVE
    events = [event for byte in wire for event in feed(protocol, bytes((byte,)))]
    assert events == [HANDSHAKE, *MESSAGES]


def test_more_than_the_buffer_holds_arrives_in_order() -> None:
    protocol = after_handshake()
    blocks = [Piece(index, 0, bytes([index]) * 16384) for index in range(64)]
    assert sum(len(block.block) for block in blocks) > 3 * RECEIVE_BUFFER_BYTES
    assert list(feed(protocol, b"".join(block.encode() for block in blocks))) == blocks


def test_the_buffer_always_has_room() -> None:
    protocol = after_handshake()
    wire = BitfieldMessage(bytes(131072)).encode()
    for start in range(0, len(wire), 1000):
        assert len(protocol.get_buffer()) > 0
        list(feed(protocol, wire[start : start + 1000]))
    assert len(protocol.get_buffer()) > 0


def test_unknown_messages_are_passed_over() -> None:
    protocol = after_handshake()
    assert list(feed(protocol, frame(99, b"later") + Have(1).encode())) == [Have(1)]


@pytest.mark.parametrize("length", range(1, 21))
def test_another_protocol_is_refused_at_its_first_wrong_byte(length: int) -> None:
    greeting = bytearray(HANDSHAKE.encode()[:length])
    greeting[-1] ^= 1
    with pytest.raises(ProtocolError, match="does not speak"):
        list(feed(PeerProtocol(), bytes(greeting)))


def test_reserved_bits_say_what_the_peer_speaks() -> None:
    plain = Handshake(
        HANDSHAKE.info_hash, HANDSHAKE.peer_id, supports_extensions=False, supports_fast=False
    )
    assert Handshake.decode(plain.encode()) == plain
    assert plain.encode()[20:28] == bytes(8)
    assert HANDSHAKE.encode()[20:28] == b"\0\0\0\0\0\x10\0\x04"


def test_a_handshake_has_one_length() -> None:
    with pytest.raises(ProtocolError, match=f"{HANDSHAKE_BYTES} bytes"):
        Handshake.decode(HANDSHAKE.encode() + b"x")


@pytest.mark.parametrize(
    ("kind", "length"),
    [
        (0, 2),
        (1, 5),
        (2, 2),
        (3, 0xFFFFFFFF),
        (4, 4),
        (4, 6),
        (5, 131074),
        (6, 12),
        (6, 14),
        (7, 9),
        (7, 16394),
        (8, 13 + 1),
        (9, 4),
        (13, 1),
        (14, 2),
        (15, 2),
        (16, 12),
        (17, 6),
        (20, 1),
        (20, MAX_EXTENDED_BYTES + 1),
        (99, 1 << 20),
    ],
)
def test_a_wrong_length_is_refused_on_the_header(kind: int, length: int) -> None:
    protocol = after_handshake()
    with pytest.raises(ProtocolError, match=f"type {kind} cannot be {length} bytes"):
        list(feed(protocol, frame(kind, length=length)))


@pytest.mark.parametrize("first", [BitfieldMessage(b"\xf0"), HaveAll(), HaveNone()])
@pytest.mark.parametrize("second", [BitfieldMessage(b"\xf0"), HaveAll(), HaveNone()])
def test_a_peer_tells_its_pieces_once(first: Message, second: Message) -> None:
    protocol = after_handshake()
    assert list(feed(protocol, first.encode())) == [first]
    with pytest.raises(ProtocolError, match="told twice"):
        list(feed(protocol, second.encode()[:5]))


def test_a_bitfield_of_another_torrent_is_refused_on_the_header() -> None:
    protocol = after_handshake()
    protocol.piece_count = 9
    with pytest.raises(ProtocolError, match="is 2 bytes here, not 3"):
        list(feed(protocol, frame(5, length=4)))


@pytest.mark.parametrize(
    "message", [Have(9), Request(9, 0, 1), Piece(9, 0, b"x"), Reject(9, 0, 1), AllowedFast(9)]
)
def test_a_piece_that_is_not_there_is_refused(message: Message) -> None:
    protocol = after_handshake()
    protocol.piece_count = 9
    with pytest.raises(ProtocolError, match="no piece 9"):
        list(feed(protocol, message.encode()))


def test_before_the_metadata_an_index_is_bounded_too() -> None:
    with pytest.raises(ProtocolError, match="no piece 1048576"):
        list(feed(after_handshake(), Have(1 << 20).encode()))


@pytest.mark.parametrize(
    "message", [SuggestPiece(1), HaveAll(), HaveNone(), Reject(1, 0, 1), AllowedFast(1)]
)
def test_fast_messages_need_the_fast_extension(message: Message) -> None:
    slow = Handshake(HANDSHAKE.info_hash, HANDSHAKE.peer_id, supports_fast=False)
    with pytest.raises(ProtocolError, match="without the fast extension"):
        list(feed(after_handshake(slow), message.encode()))


@given(st.binary(max_size=400), st.booleans())
def test_noise_is_refused_or_waited_for_and_nothing_else(noise: bytes, greeted: bool) -> None:
    protocol = after_handshake() if greeted else PeerProtocol()
    with contextlib.suppress(ProtocolError):
        list(feed(protocol, noise))
