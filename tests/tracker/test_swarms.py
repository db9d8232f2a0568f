"""The embedded tracker's memory: who is in which swarm, and who gets whose offers."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.announce import Event, SwarmCounts
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.ws_messages import (
    Announce,
    AnnounceResponse,
    Answer,
    Offer,
    Scrape,
)
from jupyter_webtorrent.tracker.errors import RefusedError
from jupyter_webtorrent.tracker.registry import INTERVAL, LIFETIME, SwarmLimits
from jupyter_webtorrent.tracker.swarms import Swarms

HASH = InfoHash(b"h" * 20)


def peer(number: int) -> PeerId:
    return PeerId(b"-JW0010-%012d" % number)


def offers(count: int) -> tuple[Offer, ...]:
    return tuple(Offer(b"%020d" % number, f"sdp {number}") for number in range(count))


class Room:
    """Swarms under test: each peer on a socket named by its number, all in one room."""

    def __init__(self, *, name: str = "", limits: SwarmLimits | None = None) -> None:
        self.name = name
        self.swarms: Swarms[int] = Swarms(random.Random(4), limits)

    def announce(
        self,
        number: int,
        *,
        now: float = 0.0,
        socket: int | None = None,
        info_hash: InfoHash = HASH,
        left: int | None = 1,
        event: Event | None = None,
        offered: int = 0,
        numwant: int | None = None,
    ) -> tuple[AnnounceResponse, list[int]]:
        """The response, and the sockets that get the offers in their order."""
        announce = Announce(
            info_hash=info_hash,
            peer_id=peer(number),
            left=left,
            event=event,
            numwant=offered if numwant is None else numwant,
            offers=offers(offered),
        )
        response, deliveries = self.swarms.announce(
            now, self.name, number if socket is None else socket, announce
        )
        for delivery, offer in zip(deliveries, announce.offers, strict=False):
            assert delivery.offer.peer_id == peer(number)
            assert (delivery.offer.offer_id, delivery.offer.sdp) == (offer.offer_id, offer.sdp)
        return response, [delivery.socket for delivery in deliveries]

    def join(self, numbers: Iterable[int], *, left: int | None = 1) -> None:
        for number in numbers:
            self.announce(number, left=left)

    def counts(self, *, now: float = 0.0) -> SwarmCounts:
        return self.swarms.scrape(now, self.name, Scrape((HASH,))).swarms[HASH]


def answer_of(number: int, to: int) -> Answer:
    return Answer(
        info_hash=HASH, peer_id=peer(number), to_peer_id=peer(to), offer_id=b"o" * 20, sdp=""
    )


def test_a_response_counts_seeds_and_downloaders() -> None:
    room = Room()
    room.join([1], left=0)
    room.join([2], left=None)
    response, _ = room.announce(3)
    assert response == AnnounceResponse(info_hash=HASH, interval=INTERVAL, complete=1, incomplete=2)


def test_offers_go_to_different_peers_and_never_back() -> None:
    room = Room()
    room.join(range(1, 8))
    _, receivers = room.announce(3, offered=10)
    assert sorted(receivers) == [1, 2, 4, 5, 6, 7]


def test_no_more_offers_go_out_than_peers_are_wanted() -> None:
    room = Room()
    room.join(range(1, 8))
    _, receivers = room.announce(9, offered=5, numwant=2)
    assert len(receivers) == 2


def test_seeds_are_not_introduced_to_seeds() -> None:
    room = Room()
    room.join(range(1, 6), left=0)
    room.join([7])
    _, receivers = room.announce(9, left=0, offered=10)
    assert receivers == [7]


def test_a_downloader_always_gets_a_seed() -> None:
    room = Room()
    room.join(range(1, 100))
    room.join([100], left=0)
    for _ in range(20):
        _, receivers = room.announce(1, offered=2)
        assert len(receivers) == 2
        assert 100 in receivers


def test_a_peer_that_completes_counts_as_a_seed_and_as_a_download() -> None:
    room = Room()
    room.announce(1, event="started")
    room.announce(1, event="completed", left=None)
    room.announce(1, event="completed", left=0)
    assert room.counts() == SwarmCounts(complete=1, incomplete=0, downloaded=1)


def test_a_peer_that_joins_complete_is_no_download() -> None:
    room = Room()
    room.announce(1, event="completed", left=0)
    assert room.counts() == SwarmCounts(complete=1, incomplete=0, downloaded=0)


def test_a_peer_that_stops_is_gone_and_gets_no_offers() -> None:
    room = Room()
    room.join([1, 2])
    response, receivers = room.announce(1, event="stopped", offered=1)
    assert (response.complete, response.incomplete, receivers) == (0, 1, [])
    _, receivers = room.announce(3, offered=5)
    assert receivers == [2]


def test_a_peer_is_forgotten_when_its_announces_end() -> None:
    room = Room()
    room.announce(1, now=0)
    room.announce(2, now=100)
    assert room.counts(now=LIFETIME).incomplete == 2
    assert room.counts(now=LIFETIME + 1).incomplete == 1
    _, receivers = room.announce(3, now=LIFETIME + 1, offered=5)
    assert receivers == [2]


def test_a_closed_socket_takes_all_its_peers_along() -> None:
    room = Room()
    room.announce(1, socket=50)
    room.announce(2, socket=50)
    room.announce(3)
    room.swarms.disconnected(50)
    assert room.counts().incomplete == 1
    room.announce(1, socket=51)
    assert room.counts().incomplete == 2


def test_a_peer_id_of_another_socket_is_refused() -> None:
    room = Room()
    room.announce(1, left=0)
    events: tuple[Event | None, ...] = (None, "started", "stopped", "completed")
    for event in events:
        with pytest.raises(RefusedError, match="belongs to another connection"):
            room.announce(1, socket=99, event=event)
    assert room.counts() == SwarmCounts(complete=1)


def test_a_peer_id_stays_its_sockets_in_every_swarm_of_the_room() -> None:
    room = Room()
    room.announce(1)
    with pytest.raises(RefusedError):
        room.announce(1, socket=99, info_hash=InfoHash(b"i" * 20))


def test_rooms_are_swarms_apart() -> None:
    swarms = Room().swarms
    announce = Announce(info_hash=HASH, peer_id=peer(1), left=0)
    swarms.announce(0.0, "red", 1, announce)
    response, _ = swarms.announce(0.0, "blue", 2, announce)
    assert response.complete == 1
    assert swarms.scrape(0.0, "", Scrape((HASH,))).swarms[HASH] == SwarmCounts()


def test_an_answer_goes_to_the_peer_that_offered() -> None:
    room = Room()
    room.join([1, 2])
    assert room.swarms.answer("", 2, answer_of(2, to=1)) == 1


def test_an_answer_to_a_peer_that_left_goes_nowhere() -> None:
    room = Room()
    assert room.swarms.answer("", 2, answer_of(2, to=1)) is None
    room.join([2])
    assert room.swarms.answer("", 2, answer_of(2, to=1)) is None


def test_an_answer_in_the_name_of_another_is_refused() -> None:
    room = Room()
    room.join([1, 2])
    with pytest.raises(RefusedError):
        room.swarms.answer("", 3, answer_of(2, to=1))
    with pytest.raises(RefusedError):
        room.swarms.answer("", 3, answer_of(3, to=1))


def test_a_full_swarm_refuses_newcomers_only() -> None:
    room = Room(limits=SwarmLimits(peers_per_swarm=2))
    room.join([1, 2])
    with pytest.raises(RefusedError, match="the swarm is full: 2 peers"):
        room.announce(3)
    room.announce(1)


def test_a_full_tracker_refuses_new_torrents_only() -> None:
    room = Room(limits=SwarmLimits(swarms=1))
    room.announce(1)
    with pytest.raises(RefusedError, match="the tracker is full: 1 torrents"):
        room.announce(1, info_hash=InfoHash(b"i" * 20))
    room.announce(2)


def test_a_full_tracker_forgets_a_stale_torrent_for_a_new_one() -> None:
    room = Room(limits=SwarmLimits(swarms=3))
    hashes = [InfoHash(b"%020d" % number) for number in range(4)]
    room.announce(1, now=0.0, info_hash=hashes[0])
    room.announce(1, now=10.0, info_hash=hashes[1])
    room.announce(2, now=20.0, info_hash=hashes[1])
    room.announce(1, now=30.0, info_hash=hashes[2])
    room.announce(3, now=100.0, info_hash=hashes[0])
    with pytest.raises(RefusedError, match="the tracker is full: 3 torrents"):
        room.announce(9, now=20.0 + LIFETIME, info_hash=hashes[3])
    room.announce(9, now=21.0 + LIFETIME, info_hash=hashes[3])
    with pytest.raises(RefusedError, match="the tracker is full: 3 torrents"):
        room.announce(9, now=22.0 + LIFETIME, info_hash=hashes[1])


def test_one_socket_cannot_fill_the_tracker() -> None:
    room = Room(limits=SwarmLimits(swarms_per_owner=3))
    for number in range(3):
        room.announce(number, socket=1, info_hash=InfoHash(b"%020d" % number))
    room.announce(0, now=10.0, socket=1, info_hash=InfoHash(b"%020d" % 0))
    with pytest.raises(RefusedError, match="over 3 torrents on one connection"):
        room.announce(1, now=LIFETIME)
    room.announce(1, now=LIFETIME + 1)


def test_a_peer_id_is_given_back_with_its_last_torrent() -> None:
    room = Room()
    other = InfoHash(b"i" * 20)
    room.announce(1)
    room.announce(1, info_hash=other)
    room.announce(1, event="stopped")
    with pytest.raises(RefusedError, match="belongs to another connection"):
        room.announce(1, socket=99)
    room.announce(1, info_hash=other, event="stopped")
    assert room.swarms.is_empty
    room.announce(1, socket=99)
    assert room.counts(now=LIFETIME + 1) == SwarmCounts()
    assert room.swarms.is_empty


def test_a_peer_that_never_came_or_was_refused_leaves_nothing() -> None:
    room = Room(limits=SwarmLimits(peers_per_swarm=1))
    room.announce(1, event="stopped")
    assert room.swarms.is_empty
    room.announce(1)
    with pytest.raises(RefusedError, match="the swarm is full"):
        room.announce(2)
    room.announce(1, event="stopped")
    assert room.swarms.is_empty


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["announce", "stopped", "completed", "closed", "later"]),
            st.integers(0, 4),  # the peer
            st.integers(0, 2),  # the socket
            st.integers(0, 1),  # the torrent
            st.sampled_from([None, 0, 1]),
        ),
        max_size=60,
    )
)
def test_whatever_happens_the_counts_are_right_and_nothing_is_left_behind(
    steps: list[tuple[str, int, int, int, int | None]],
) -> None:
    room = Room(limits=SwarmLimits(peers_per_swarm=3))
    now = 0.0
    for verb, number, socket, torrent, left in steps:
        info_hash = InfoHash(bytes([torrent]) * 20)
        events: dict[str, Event | None] = {"stopped": "stopped", "completed": "completed"}
        if verb == "later":
            now += LIFETIME / 2
        elif verb == "closed":
            room.swarms.disconnected(socket)
        else:
            try:
                response, receivers = room.announce(
                    number,
                    now=now,
                    socket=socket,
                    info_hash=info_hash,
                    left=left,
                    event=events.get(verb),
                    offered=5,
                )
            except RefusedError:
                continue
            assert response.complete is not None
            assert response.incomplete is not None
            assert min(response.complete, response.incomplete) >= 0
            assert len(receivers) <= response.complete + response.incomplete <= 3
    for socket in range(3):
        room.swarms.disconnected(socket)
    assert room.swarms.is_empty
