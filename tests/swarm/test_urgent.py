"""What readers wait for, merged and asked for in its order."""

from __future__ import annotations

import itertools
from random import Random

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import PeerId
from jupyter_webtorrent.protocol.messages import Cancel, HaveAll, Request, Unchoke
from jupyter_webtorrent.swarm.commands import Send
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.swarm import Swarm
from jupyter_webtorrent.swarm.urgent import Readers
from tests.swarm.nodes import make_torrent

BLOCK = 1 << 14
INFO, _ = make_torrent(100 * BLOCK, piece_length=BLOCK)
ALL = Bitfield.full(100)


def leech() -> Swarm:
    swarm = Swarm(INFO.info_hash, Random(1), 0.0)
    swarm.start(INFO, Bitfield(100), range(100), 0.0)
    return swarm


def join(swarm: Swarm, name: str) -> Peer:
    peer = swarm.peer_joined(Handshake(swarm.info_hash, PeerId(name.encode().ljust(20, b"-"))), 0.0)
    swarm.received(peer, HaveAll(), 0.0)
    swarm.received(peer, Unchoke(), 0.0)
    peer.good_pieces = 1
    return peer


def asked_of(swarm: Swarm, peer: Peer, kind: type[Request | Cancel] = Request) -> list[int]:
    """The pieces of the requests (or cancels) that go to a peer now."""
    return [
        message.index
        for command in swarm.take_commands()
        if isinstance(command, Send) and command.peer is peer
        for message in command.messages
        if isinstance(message, kind)
    ]


def test_what_anyone_waits_for_comes_before_what_anyone_will_need() -> None:
    readers = Readers()
    readers.move("one", range(10, 12), range(12, 14), ALL, 1.0)
    readers.move("two", range(50, 51), range(51, 54), ALL, 2.0)
    assert list(readers.order) == [10, 50, 11, 12, 51, 13, 52, 53]
    assert readers.waiting == {10: 1.0, 11: 1.0, 50: 2.0}
    readers.arrived(10)
    readers.close("two", ALL)
    readers.close("two", ALL)
    assert list(readers.order)[-2:] == [12, 13]
    assert 50 not in readers.waiting


def test_only_pieces_that_can_come_are_urgent() -> None:
    readers, missing = Readers(), Bitfield(100)
    missing.add(11)
    readers.move("one", range(10, 12), range(12, 14), missing, 1.0)
    assert list(readers.order) == [11]


def test_a_reader_s_pieces_are_asked_for_at_once_and_in_their_order() -> None:
    swarm = leech()
    peer = join(swarm, "peer")
    swarm.refill(peer, 0.0)
    full = asked_of(swarm, peer)
    assert len(full) == 8
    waiting = [index for index in range(40, 44) if index not in full]
    swarm.reader_moved("reader", range(40, 44), range(44, 60), 1.0)
    assert asked_of(swarm, peer)[: len(waiting)] == waiting


def test_a_slow_peer_is_not_asked_for_what_a_reader_waits_for() -> None:
    swarm = leech()
    fast, slow = join(swarm, "fast"), join(swarm, "slow")
    for peer, rate in ((fast, 1_000_000), (slow, 10_000)):
        peer.pipeline.resumed(0.0)
        peer.pipeline.block_came(0.0, rate, 1.0)
    swarm.tick(1.0)
    for peer in (fast, slow):
        peer.requests.clear()
    swarm.take_commands()
    swarm.reader_moved("reader", range(70, 72), range(72, 74), 1.0)
    assert not {70, 71} & {index for index, _ in slow.requests}
    assert {70, 71} <= {index for index, _ in fast.requests}


def test_a_block_that_a_reader_waits_for_too_long_is_asked_of_another() -> None:
    swarm = leech()
    first, second = join(swarm, "first"), join(swarm, "second")
    swarm.reader_moved("reader", range(30, 31), range(0), 1.0)
    holder, other = (first, second) if (30, 0) in first.requests else (second, first)
    assert (30, 0) not in other.requests
    swarm.refill(other, 1.2)
    assert (30, 0) not in other.requests
    swarm.refill(other, 1.6)
    assert (30, 0) in other.requests
    assert (30, 0) in holder.requests


def test_a_piece_that_is_not_wanted_any_more_is_cancelled() -> None:
    swarm = leech()
    peer = join(swarm, "peer")
    swarm.refill(peer, 0.0)
    asked = asked_of(swarm, peer)
    wanted = Bitfield(100)
    wanted.add_run(range(10))
    swarm.select(wanted, [], 1.0)
    dropped = [index for index in asked if index not in wanted]
    assert dropped
    messages = [
        message
        for command in swarm.take_commands()
        if isinstance(command, Send)
        for message in command.messages
    ]
    assert [m.index for m in messages if isinstance(m, Cancel)] == dropped
    assert {index for index, _ in peer.requests} <= set(range(10))


def test_the_last_pieces_are_complete_without_those_that_are_not_wanted() -> None:
    swarm = leech()
    swarm.select(Bitfield(100), [], 1.0)
    assert swarm.is_complete
    assert not swarm.is_stalled or not swarm.peers


def test_a_peer_that_prefers_runs_gets_pieces_that_follow_each_other() -> None:
    swarm = leech()
    server = join(swarm, "server")
    server.prefers_runs = True
    swarm.refill(server, 0.0)
    asked = asked_of(swarm, server)
    breaks = sum(later != earlier + 1 for earlier, later in itertools.pairwise(asked))
    assert breaks <= 1  # at the end of the torrent
