"""Choking, rates, pipelines and addresses: small decisions, each on its own."""

from __future__ import annotations

from random import Random

import pytest

from jupyter_webtorrent.protocol.extension import MetadataData
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from jupyter_webtorrent.swarm import metadata
from jupyter_webtorrent.swarm.choker import Choker, regular_slots, seed_slots, snubs
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.peer_book import MAX_ADDRESSES, AddressState, PeerBook
from jupyter_webtorrent.swarm.rate import RateMeter


def peer(name: str, *, rate: float = 0.0, interested: bool = True) -> Peer:
    made = Peer(
        Handshake(InfoHash(bytes(20)), PeerId(name.encode().ljust(20))),
        0.0,
        RateMeter(0.0),
        RateMeter(0.0),
    )
    made.down.rate = rate
    made.peer_interested = interested
    return made


def test_a_rate_is_what_flowed_in_the_last_five_seconds() -> None:
    meter = RateMeter(0.0)
    for second in range(1, 31):
        meter.add(1000)
        meter.sample(float(second))
    assert meter.rate == pytest.approx(1000)
    assert meter.sample(32.0) == pytest.approx(4000 / 6)
    for second in range(33, 38):
        meter.sample(float(second))
    assert meter.rate == 0.0
    assert meter.total == 30_000


def test_a_rate_needs_time_to_pass() -> None:
    meter = RateMeter(5.0)
    meter.add(1000)
    assert meter.sample(5.0) == 0.0
    assert meter.sample(6.0) == 1000.0


def test_those_who_give_most_are_served_first() -> None:
    fast, slow, idle = peer("fast", rate=3), peer("slow", rate=2), peer("idle")
    assert regular_slots([idle, slow, fast], 2) == {fast, slow}


def test_a_seed_serves_in_turn() -> None:
    served, waiting = peer("served"), peer("waiting")
    served.am_choking, served.unchoked_at = False, 100.0
    assert seed_slots([served, waiting], 1, now=110.0) == {served}
    assert seed_slots([served, waiting], 1, now=121.0) == {waiting}


def test_one_slot_goes_by_chance_and_everyone_gets_it_in_time() -> None:
    choker = Choker(2, Random(1))
    favourite = peer("favourite", rate=9)
    others = [peer(f"other-{number}") for number in range(3)]
    lucky: set[Peer] = set()
    for turn in range(40):
        chosen = choker.decide([favourite, *others], seeding=False, now=turn * 30.0)
        assert favourite in chosen
        assert len(chosen) == 2
        lucky |= chosen - {favourite}
    assert lucky == set(others)


def test_the_chance_choice_keeps_its_slot_for_a_while() -> None:
    choker = Choker(2, Random(1))
    peers = [peer(f"peer-{number}", rate=number) for number in range(6)]
    first = choker.decide(peers, seeding=False, now=100.0)
    assert choker.decide(peers, seeding=False, now=110.0) == first
    assert not choker.is_due(115.0)
    assert choker.is_due(120.0)


def test_who_takes_and_gives_nothing_for_a_minute_is_served_by_chance_only() -> None:
    snubber, newcomer = peer("snubber"), peer("newcomer")
    for each, joined in ((snubber, 0.0), (newcomer, 50.0)):
        each.am_interested = True
        each.fair_at = joined
    choker = Choker(3, Random(1))
    assert snubs(snubber, 61.0)
    assert not snubs(newcomer, 61.0)
    others = [peer(f"giver-{number}", rate=1.0) for number in range(2)]
    for turn in range(7, 20):
        chosen = choker.decide([snubber, *others], seeding=False, now=turn * 10.0)
        assert chosen == {snubber, *others}  # by the one slot of chance
    assert Choker(1, Random(1)).decide([snubber, newcomer], seeding=False, now=61.0) == {newcomer}


def test_a_peer_snubs_only_while_it_has_what_we_want() -> None:
    bored, wanted = peer("bored"), peer("wanted")
    wanted.am_interested = True
    for second in range(1, 100):
        for each in (bored, wanted):
            each.sample(float(second))
    bored.am_interested = True
    assert not snubs(bored, 100.0)
    assert snubs(wanted, 100.0)
    wanted.down.add(16384)
    wanted.sample(100.0)
    assert not snubs(wanted, 100.0)


def test_metadata_is_served_in_16_kib_and_not_for_ever() -> None:
    info = bytes(20_000)
    assert metadata.serve(info, 1) == MetadataData(1, 20_000, bytes(3616))
    assert metadata.may_ask(info, 1, 0)
    assert not metadata.may_ask(info, 2, 0)
    assert not metadata.may_ask(None, 0, 0)
    assert not metadata.may_ask(info, 0, 1000)


def test_an_address_is_tried_again_later_each_time_later() -> None:
    book = PeerBook(Random(1))
    address = PeerAddress("192.0.2.7", 6881)
    book.add(address)
    book.add(address)
    now, waits = 0.0, []
    for _ in range(10):
        assert book.take(5, now) == [address]
        assert book.take(5, now) == []  # it is being dialled
        book.failed(address, now)
        (known,) = book.known()
        waits.append(known.try_at - now)
        assert book.take(5, known.try_at - 0.01) == []
        now = known.try_at
    assert waits[0] <= 3
    assert 150 <= waits[-1] <= 450


def test_a_connected_address_is_not_dialled_and_a_banned_one_never_again() -> None:
    book = PeerBook(Random(1))
    address = PeerAddress("192.0.2.7", 6881)
    book.add(address)
    book.take(1, 0.0)
    book.connected(address)
    assert book.take(1, 1e9) == []
    book.ban(address, "a bad piece")
    book.failed(address, 0.0)
    assert book.take(1, 1e9) == []
    assert book.known()[0].state is AddressState.BANNED


def test_the_book_is_bounded() -> None:
    book = PeerBook(Random(1))
    for port in range(1, MAX_ADDRESSES + 100):
        book.add(PeerAddress("192.0.2.7", port))
    assert len(book.known()) == MAX_ADDRESSES
