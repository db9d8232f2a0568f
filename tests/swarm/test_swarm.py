"""Whole swarms as plain functions: who gets what, from whom, and what becomes of those who cheat."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.extension import OUR_IDS, UT_METADATA, encode_dont_have
from jupyter_webtorrent.protocol.messages import (
    BitfieldMessage,
    Cancel,
    Extended,
    Have,
    HaveAll,
    Interested,
    Piece,
    Reject,
    Request,
    Unchoke,
)
from jupyter_webtorrent.swarm.commands import Send
from jupyter_webtorrent.swarm.piece_download import PieceState
from tests.swarm.nodes import PIECE_LENGTH, Node, Room, make_torrent

INFO, DATA = make_torrent(10 * PIECE_LENGTH + 5000)


def seed(name: str = "seed", **options: bool) -> Node:
    node = Node(name, INFO.info_hash, **options)
    node.start(INFO, DATA)
    return node


def leech(name: str = "leech", **options: bool) -> Node:
    node = Node(name, INFO.info_hash, **options)
    node.start(INFO)
    return node


def test_a_leech_gets_everything_from_a_seed() -> None:
    giver, taker = seed(), leech()
    room = Room(giver, taker)
    room.connect_all()
    room.settle()
    assert taker.complete
    assert taker.data == DATA
    assert taker.swarm.down.total == giver.swarm.up.total == len(DATA)


def test_two_that_are_complete_part() -> None:
    giver, taker = seed(), leech()
    room = Room(giver, taker)
    room.connect_all()
    room.settle()
    assert not giver.links
    assert not taker.links
    assert "both sides have everything" in giver.disconnects + taker.disconnects


@pytest.mark.parametrize("giver_fast", [True, False])
@pytest.mark.parametrize("taker_fast", [True, False])
def test_the_fast_extension_is_not_needed(giver_fast: bool, taker_fast: bool) -> None:
    room = Room(seed(fast=giver_fast), taker := leech(fast=taker_fast))
    room.connect_all()
    room.settle()
    assert taker.data == DATA


def test_the_metadata_comes_first_if_only_the_hash_is_known() -> None:
    giver, taker = seed(), Node("magnet", INFO.info_hash)
    room = Room(giver, taker)
    room.connect_all()
    room.settle()
    assert taker.metadata == INFO.raw
    taker.start(INFO)
    room.settle()
    assert taker.data == DATA


def test_what_peers_told_before_the_metadata_counts() -> None:
    giver, helper, taker = seed(), leech("helper"), Node("magnet", INFO.info_hash)
    room = Room(giver, helper, taker)
    room.connect(helper, taker)
    room.settle()
    room.connect(giver, helper)
    room.settle()  # the helper's pieces reach the taker as single HAVEs
    assert helper.data == DATA
    taker.start(INFO)
    room.settle()
    assert taker.data == DATA


def test_a_false_copy_of_the_metadata_costs_the_liar_its_connection() -> None:
    other, _ = make_torrent(3 * PIECE_LENGTH, seed=9)
    liar, giver, taker = Node("liar", INFO.info_hash), seed(), Node("magnet", INFO.info_hash)
    liar.start(other)
    room = Room(liar, giver, taker)
    room.connect(liar, taker)
    room.connect(giver, taker)
    room.settle()
    assert taker.metadata == INFO.raw
    assert taker.disconnects == ["the peer's metadata does not fit the info hash"]


def test_ten_leeches_share_what_one_seed_gives() -> None:
    giver = seed()
    takers = [leech(f"leech-{number}") for number in range(10)]
    room = Room(giver, *takers)
    room.connect_all()
    for _ in range(200):
        room.step()
        if all(taker.complete for taker in takers):
            break
    assert all(taker.data == DATA for taker in takers)
    assert giver.swarm.up.total < 10 * len(DATA)


def test_what_a_seed_gave_away_outlives_it() -> None:
    giver, first, second = seed(), leech("first"), leech("second")
    room = Room(giver, first)
    room.connect_all()
    room.settle()
    room.remove(giver)
    room.nodes.append(second)
    room.connect(first, second)
    room.settle()
    assert second.data == DATA


def test_only_wanted_pieces_come() -> None:
    giver, taker = seed(), Node("chooser", INFO.info_hash)
    taker.start(INFO, wanted=[2, 3])
    room = Room(giver, taker)
    room.connect_all()
    room.settle()
    assert taker.complete
    assert list(taker.swarm.downloader.have) == [2, 3]  # type: ignore[union-attr]
    assert taker.swarm.down.total == 2 * PIECE_LENGTH


def test_a_cheat_is_shown_the_door_and_the_data_comes_from_others() -> None:
    cheat, taker = seed("cheat"), leech()
    cheat.corrupts = True
    room = Room(cheat, taker)
    room.connect_all()
    room.settle()
    assert not taker.links
    assert taker.bad_pieces >= 1
    assert any("bad piece" in reason for reason in taker.disconnects)
    honest = seed("honest")
    room.nodes.append(honest)
    room.connect(honest, taker)
    room.settle()
    assert taker.data == DATA


def test_a_piece_that_two_sent_has_one_culprit_at_last() -> None:
    cheat, honest, taker = seed("cheat"), seed("honest"), leech()
    cheat.corrupts = True
    room = Room(cheat, honest, taker)
    room.connect_all()
    for _ in range(100):
        room.step()
        if taker.complete:
            break
    assert taker.data == DATA
    assert not any("bad piece" in reason for reason in honest.disconnects)


def test_a_silent_peer_is_dropped_and_its_blocks_asked_of_others() -> None:
    taker = leech()
    room = Room(taker)
    mute = taker.swarm.peer_joined(seed().handshake, 0.0)
    taker.swarm.received(mute, HaveAll(), 0.0)
    taker.swarm.received(mute, Unchoke(), 0.0)
    taker.swarm.refill(mute, 0.0)
    assert mute.requests
    for _ in range(31):
        room.step()
    assert any("no block came in 30 s" in reason for reason in taker.disconnects)
    taker.swarm.peer_left(mute, room.now)
    room.nodes.append(giver := seed())
    room.connect(giver, taker)
    room.settle()
    assert taker.data == DATA


def test_a_choked_peer_s_requests_are_turned_down() -> None:
    giver = seed()
    peer = giver.swarm.peer_joined(leech().handshake, 0.0)
    giver.swarm.take_commands()
    giver.swarm.received(peer, Request(0, 0, 16384), 0.0)
    assert giver.swarm.take_commands() == [Send(peer, (Reject(0, 0, 16384),))]


def test_a_cancelled_request_is_not_served() -> None:
    giver = seed()
    peer = giver.swarm.peer_joined(leech().handshake, 0.0)
    giver.swarm.received(peer, Interested(), 0.0)
    giver.swarm.received(peer, Request(0, 0, 16384), 0.0)
    giver.swarm.received(peer, Cancel(0, 0, 16384), 0.0)
    assert not peer.uploads


@pytest.mark.parametrize(
    "request_",
    [
        Request(0, 0, 0),
        Request(0, 0, (1 << 17) + 1),
        Request(99, 0, 1),
        Request(0, PIECE_LENGTH, 1),
        Request(10, 4000, 2000),
    ],
)
def test_a_request_for_what_is_not_there_ends_the_connection(request_: Request) -> None:
    giver = seed()
    peer = giver.swarm.peer_joined(leech().handshake, 0.0)
    giver.swarm.received(peer, Interested(), 0.0)
    with pytest.raises(ProtocolError):
        giver.swarm.received(peer, request_, 0.0)


def test_a_flood_of_requests_ends_the_connection() -> None:
    giver = seed()
    peer = giver.swarm.peer_joined(leech().handshake, 0.0)
    giver.swarm.received(peer, Interested(), 0.0)
    for number in range(500):
        giver.swarm.received(peer, Request(0, number, 1), 0.0)
    with pytest.raises(ProtocolError, match="more than 500"):
        giver.swarm.received(peer, Request(0, 500, 1), 0.0)


def test_a_block_nobody_asked_for_is_dropped() -> None:
    taker = leech()
    peer = taker.swarm.peer_joined(seed().handshake, 0.0)
    taker.swarm.received(peer, HaveAll(), 0.0)
    taker.swarm.received(peer, Piece(0, 0, bytes(16384)), 0.0)
    assert taker.swarm.downloader is not None
    assert taker.swarm.downloader.wasted_bytes == 16384
    assert taker.swarm.downloader.state(0) is PieceState.MISSING


def test_a_bitfield_with_spare_bits_is_refused() -> None:
    taker = leech()
    peer = taker.swarm.peer_joined(seed().handshake, 0.0)
    with pytest.raises(ProtocolError, match="spare bits"):
        taker.swarm.received(peer, BitfieldMessage(b"\xff\xff"), 0.0)


def test_a_piece_that_a_peer_lost_is_asked_of_it_no_more() -> None:
    taker = leech()
    peer = taker.swarm.peer_joined(seed().handshake, 0.0)
    taker.swarm.received(peer, Have(3), 0.0)
    taker.swarm.received(peer, Unchoke(), 0.0)
    taker.swarm.refill(peer, 0.0)
    assert {index for index, _ in peer.requests} == {3}
    lost = Extended(OUR_IDS["lt_donthave"], encode_dont_have(3))
    taker.swarm.received(peer, lost, 0.0)
    assert not peer.requests
    assert not peer.am_interested


def test_metadata_that_was_not_asked_for_ends_the_connection() -> None:
    taker = Node("magnet", INFO.info_hash)
    peer = taker.swarm.peer_joined(seed().handshake, 0.0)
    data = b"d8:msg_typei1e5:piecei0e10:total_sizei5eehello"
    with pytest.raises(ProtocolError, match="not asked for"):
        taker.swarm.received(peer, Extended(OUR_IDS[UT_METADATA], data), 0.0)


@settings(max_examples=30, deadline=None)
@given(
    size=st.integers(1, 6 * PIECE_LENGTH),
    holders=st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=4),
)
def test_whoever_holds_what_all_that_is_there_arrives(size: int, holders: list[set[int]]) -> None:
    info, data = make_torrent(size)
    givers = []
    for number, pieces in enumerate(holders):
        giver = Node(f"giver-{number}", info.info_hash)
        giver.start(info, data, have=[index for index in pieces if index < info.piece_count])
        givers.append(giver)
    taker = Node("taker", info.info_hash)
    taker.start(info)
    room = Room(taker, *givers)
    room.connect_all()
    for _ in range(30):
        room.step()
    there = {index for pieces in holders for index in pieces if index < info.piece_count}
    downloader = taker.swarm.downloader
    assert downloader is not None
    assert set(downloader.have) == there
    assert taker.complete == (len(there) == info.piece_count)
    if taker.complete:
        assert taker.data == data
    assert downloader.unverified_bytes == 0
