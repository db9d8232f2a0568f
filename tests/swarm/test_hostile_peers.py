"""Peers that stall, mislead or waste: none of them keeps the data from those who can get it elsewhere."""

from __future__ import annotations

from random import Random

import pytest

from jupyter_webtorrent.protocol import extension
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.extension import (
    OUR_IDS,
    ExtensionHandshake,
    MetadataData,
    MetadataReject,
)
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import PeerAddress, PeerId
from jupyter_webtorrent.protocol.messages import (
    BitfieldMessage,
    Cancel,
    Choke,
    Extended,
    Have,
    HaveAll,
    HaveNone,
    Message,
    Piece,
    Reject,
    Unchoke,
)
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.swarm.commands import Disconnect, Send, StorePiece, UseMetadata
from jupyter_webtorrent.swarm.metadata import MAX_COPIES
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.peer_book import PeerBook
from jupyter_webtorrent.swarm.swarm import Swarm
from tests.swarm.nodes import make_torrent

INFO, DATA = make_torrent(1 << 16, piece_length=1 << 16)  # one piece of four blocks
BLOCK = 1 << 14


def leech(info: Info = INFO) -> Swarm:
    swarm = Swarm(info.info_hash, Random(1), 0.0)
    swarm.start(info, Bitfield(info.piece_count), range(info.piece_count), 0.0)
    return swarm


def join(swarm: Swarm, name: str) -> Peer:
    return swarm.peer_joined(Handshake(swarm.info_hash, PeerId(name.encode().ljust(20, b"-"))), 0.0)


def join_seed(swarm: Swarm, name: str) -> Peer:
    peer = join(swarm, name)
    swarm.received(peer, HaveAll(), 0.0)
    swarm.received(peer, Unchoke(), 0.0)
    return peer


def block(index: int, begin: int) -> Piece:
    return Piece(index, begin, DATA[begin : begin + BLOCK])


def sent_to(swarm: Swarm, peer: Peer) -> list[Message]:
    """What the swarm has for one peer; everything else is dropped."""
    return [
        message
        for command in swarm.take_commands()
        if isinstance(command, Send) and command.peer is peer
        for message in command.messages
    ]


def completes(swarm: Swarm, honest: Peer, seconds: int = 200, start: int = 2) -> bool:
    """Whether the piece arrives while `honest` answers whatever it is asked."""
    for second in range(start, start + seconds):
        now = float(second)
        swarm.refill(honest, now)
        for index, begin in list(honest.requests):
            swarm.received(honest, block(index, begin), now)
        swarm.tick(now)
        for command in swarm.take_commands():
            if isinstance(command, Disconnect):
                swarm.peer_left(command.peer, now)
            elif isinstance(command, StorePiece):
                return True
    return False


def test_a_rejected_cancel_does_not_bar_the_piece() -> None:
    swarm = leech()
    fast, slow = join_seed(swarm, "fast"), join_seed(swarm, "slow")
    swarm.refill(fast, 0.0)
    swarm.refill(slow, 1.0)  # the end game: both are asked for all of it
    index, begin = next(iter(fast.requests))
    swarm.received(fast, block(index, begin), 1.0)
    cancels = [message for message in sent_to(swarm, slow) if isinstance(message, Cancel)]
    assert cancels == [Cancel(index, begin, BLOCK)]
    swarm.received(slow, Reject(index, begin, BLOCK), 1.0)  # as BEP 6 has it
    for rest in list(slow.requests):
        swarm.received(slow, Reject(*rest, BLOCK), 1.0)
    swarm.received(slow, Choke(), 1.0)
    swarm.received(slow, Unchoke(), 1.0)
    swarm.peer_left(fast, 2.0)
    assert completes(swarm, slow)


def test_a_piece_with_one_owner_is_free_again_when_the_owner_chokes_us() -> None:
    swarm = leech()
    cheat, honest = join_seed(swarm, "cheat"), join_seed(swarm, "honest")
    swarm.refill(cheat, 0.0)
    swarm.refill(honest, 1.0)
    for number, (index, begin) in enumerate(list(cheat.requests)):
        sender = cheat if number % 2 else honest
        swarm.received(sender, Piece(index, begin, bytes(BLOCK)), 0.5)
    swarm.take_commands()
    swarm.piece_stored(0, 1.0, ok=False)  # two sent it: from now on one peer is asked at a time
    owner, other = (cheat, honest) if cheat.requests else (honest, cheat)
    assert owner.requests
    assert not other.requests
    asked = list(owner.requests)
    swarm.received(owner, Choke(), 1.0)
    for index, begin in asked:
        swarm.received(owner, Reject(index, begin, BLOCK), 1.0)
    assert completes(swarm, other)


def test_junk_does_not_keep_a_request_alive() -> None:
    swarm = leech()
    stallers = [join_seed(swarm, f"staller-{number}") for number in range(2)]
    honest = join_seed(swarm, "honest")
    for number, staller in enumerate(stallers):
        swarm.refill(staller, float(number))
    for now in (20.0, 41.0):
        for staller in stallers:
            swarm.received(staller, Piece(0, 7, b"x"), now)
        swarm.tick(now)
    gone = [c.peer for c in swarm.take_commands() if isinstance(c, Disconnect)]
    assert gone == stallers
    for staller in stallers:
        swarm.peer_left(staller, 42.0)
    assert completes(swarm, honest, start=42)


def test_a_block_of_another_length_than_was_asked_for_ends_the_connection() -> None:
    swarm = leech()
    peer = join_seed(swarm, "peer")
    swarm.refill(peer, 0.0)
    index, begin = next(iter(peer.requests))
    with pytest.raises(ProtocolError, match="a block of 1 bytes came, not 16384"):
        swarm.received(peer, Piece(index, begin, b"x"), 1.0)


def test_a_peer_that_rejects_everything_reserves_no_memory() -> None:
    info, _ = make_torrent(16 << 20, piece_length=1 << 20)
    swarm = leech(info)
    peer = join_seed(swarm, "peer")
    for _ in range(100):
        swarm.refill(peer, 0.0)
        for index, begin in list(peer.requests):
            swarm.received(peer, Reject(index, begin, BLOCK), 0.0)
    assert swarm.downloader is not None
    assert swarm.downloader.begun_bytes <= 2 << 20


def magnet_peer(swarm: Swarm, name: str, size: int | None) -> Peer:
    peer = join(swarm, name)
    handshake = ExtensionHandshake(ids=OUR_IDS, metadata_size=size)
    swarm.received(peer, Extended(extension.HANDSHAKE_ID, handshake.encode()), 0.0)
    return peer


def asks_for_metadata(swarm: Swarm, peer: Peer, until: int) -> bool:
    for second in range(1, until):
        swarm.tick(float(second))
        commands = swarm.take_commands()
        for command in commands:
            if isinstance(command, Disconnect):
                swarm.peer_left(command.peer, float(second))
        if any(isinstance(c, Send) and c.peer is peer for c in commands):
            return True
    return False


def test_peers_that_send_the_metadata_for_ever_do_not_keep_others_from_it() -> None:
    swarm = Swarm(INFO.info_hash, Random(1), 0.0)
    for number in range(MAX_COPIES):
        magnet_peer(swarm, f"slow-{number}", 4 << 20)
    honest = magnet_peer(swarm, "honest", len(INFO.raw))
    assert not any(isinstance(m, Extended) and m.extension for m in sent_to(swarm, honest))
    assert asks_for_metadata(swarm, honest, until=150)


def test_a_peer_that_rejected_once_is_asked_again_for_the_metadata() -> None:
    swarm = Swarm(INFO.info_hash, Random(1), 0.0)
    peer = magnet_peer(swarm, "peer", len(INFO.raw))
    swarm.take_commands()
    rejected = Extended(OUR_IDS[extension.UT_METADATA], MetadataReject(0).encode())
    swarm.received(peer, rejected, 0.0)
    assert not asks_for_metadata(swarm, peer, until=29)
    assert asks_for_metadata(swarm, peer, until=60)


def metadata_message(message: MetadataReject | MetadataData) -> Extended:
    return Extended(OUR_IDS[extension.UT_METADATA], message.encode())


def test_a_peer_that_announced_no_metadata_is_asked_now_and_then_whether_it_has_it() -> None:
    swarm = Swarm(INFO.info_hash, Random(1), 0.0)
    peer = magnet_peer(swarm, "peer", None)
    swarm.take_commands()
    assert not asks_for_metadata(swarm, peer, until=29)
    assert asks_for_metadata(swarm, peer, until=40)
    assert not asks_for_metadata(swarm, peer, until=200)  # no answer yet: no second question
    swarm.received(peer, metadata_message(MetadataReject(0)), 200.0)
    assert not asks_for_metadata(swarm, peer, until=229)
    assert asks_for_metadata(swarm, peer, until=240)


@pytest.mark.parametrize(
    "message", [Have(0), HaveAll(), BitfieldMessage(b"\x80")], ids=["have", "have all", "bitfield"]
)
def test_a_peer_that_announced_no_metadata_is_asked_when_it_shows_a_piece(
    message: Message,
) -> None:
    swarm = Swarm(INFO.info_hash, Random(1), 0.0)
    peer = magnet_peer(swarm, "peer", None)
    swarm.take_commands()
    for empty in (HaveNone(), BitfieldMessage(bytes(1))):
        swarm.received(peer, empty, 0.0)
    assert not asks_for_metadata(swarm, peer, until=2)
    swarm.received(peer, message, 2.0)
    assert asks_for_metadata(swarm, peer, until=4)
    answer = MetadataData(0, len(INFO.raw), INFO.raw)
    swarm.received(peer, metadata_message(answer), 4.0)
    assert any(isinstance(m, Extended) for m in sent_to(swarm, peer))  # for the copy, all of it
    swarm.received(peer, metadata_message(answer), 4.0)
    assert UseMetadata(INFO.raw) in swarm.take_commands()


def test_who_was_asked_whether_it_has_the_metadata_keeps_nobody_from_being_asked_for_it() -> None:
    swarm = Swarm(INFO.info_hash, Random(1), 0.0)
    silent = [magnet_peer(swarm, f"silent-{number}", None) for number in range(2 * MAX_COPIES)]
    for peer in silent:
        swarm.received(peer, HaveAll(), 0.0)
        assert asks_for_metadata(swarm, peer, until=2)
    honest = magnet_peer(swarm, "honest", len(INFO.raw))
    assert any(isinstance(m, Extended) and m.extension for m in sent_to(swarm, honest))
    swarm.tick(500.0)
    assert not [c for c in swarm.take_commands() if isinstance(c, Disconnect) and c.peer in silent]


def test_a_peer_cannot_answer_twice_whether_it_has_the_metadata() -> None:
    """Nor has it another go at the size: what it said first is held against it."""
    swarm = Swarm(INFO.info_hash, Random(1), 0.0)
    peer = magnet_peer(swarm, "liar", None)
    swarm.received(peer, HaveAll(), 0.0)
    assert asks_for_metadata(swarm, peer, until=2)
    swarm.received(peer, metadata_message(MetadataData(0, 4 << 20, bytes(1 << 14))), 2.0)
    with pytest.raises(ProtocolError, match="not 16384 of 4194304"):
        swarm.received(peer, metadata_message(MetadataData(0, 9, bytes(9))), 2.0)


def test_an_address_that_only_shakes_hands_is_tried_ever_more_rarely() -> None:
    book = PeerBook(Random(1))
    address = PeerAddress("192.0.2.7", 6881)
    book.add(address)
    tries = 0
    for half_second in range(1200):
        if book.take(1, half_second / 2):
            tries += 1
            book.connected(address)
            book.failed(address, half_second / 2)
    assert tries < 12
    for _ in range(3):
        book.failed(address, 1000.0, was_of_use=True)
        assert book.known()[0].try_at <= 1003.0
