"""HTTP peers in the embedded tracker's memory: who is told of whom, and how much one address may ask."""

from __future__ import annotations

import random

import pytest

from jupyter_webtorrent.protocol.announce import Event, SwarmCounts, TcpAnnounce
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.tracker.addresses import MAX_PEERS_GIVEN, AddressSwarms
from jupyter_webtorrent.tracker.errors import RefusedError
from jupyter_webtorrent.tracker.registry import LIFETIME, SwarmLimits

HASH = InfoHash(b"h" * 20)
OUR_IP = "192.168.1.1"


class Tracker:
    def __init__(self, limits: SwarmLimits | None = None) -> None:
        self.swarms = AddressSwarms(random.Random(4), limits)

    def announce(
        self,
        ip: str,
        port: int = 6881,
        *,
        now: float = 0.0,
        room: str = "",
        left: int | None = 1,
        event: Event | None = None,
        numwant: int = 50,
        info_hash: InfoHash = HASH,
    ) -> set[str]:
        """The peers it is told of."""
        announce = TcpAnnounce(
            info_hash=info_hash,
            peer_id=PeerId(b"p" * 20),
            port=port,
            left=left,
            event=event,
            numwant=numwant,
        )
        response = self.swarms.announce(now, room, ip, announce, our_ip=OUR_IP)
        assert response.external_ip == ip
        return set(map(str, response.peers))

    def counts(self, now: float = 0.0) -> SwarmCounts:
        return self.swarms.scrape(now, "", [HASH])[HASH]


def test_peers_are_told_of_each_other_but_not_of_themselves() -> None:
    tracker = Tracker()
    assert tracker.announce("10.0.0.1") == set()
    assert tracker.announce("10.0.0.1", 7000) == {"10.0.0.1:6881"}
    assert tracker.announce("2001:db8::1") == {"10.0.0.1:6881", "10.0.0.1:7000"}
    assert tracker.announce("10.0.0.1") == {"10.0.0.1:7000", "[2001:db8::1]:6881"}
    assert tracker.announce("10.0.0.1", room="red") == set()


def test_seeds_are_not_told_of_seeds() -> None:
    tracker = Tracker()
    tracker.announce("10.0.0.1", left=0)
    tracker.announce("10.0.0.2")
    assert tracker.announce("10.0.0.3", left=0) == {"10.0.0.2:6881"}
    assert tracker.announce("10.0.0.4", event="completed") == {"10.0.0.2:6881"}


def test_as_many_are_told_as_are_wanted_up_to_a_limit() -> None:
    tracker = Tracker()
    for number in range(100):
        tracker.announce(f"10.0.1.{number}", numwant=0)
    assert len(tracker.announce("10.0.0.1", numwant=3)) == 3
    assert len(tracker.announce("10.0.0.1", numwant=200)) == MAX_PEERS_GIVEN
    assert tracker.announce("10.0.0.1", numwant=0) == set()


def test_a_peer_that_stops_or_goes_silent_is_gone() -> None:
    tracker = Tracker()
    tracker.announce("10.0.0.1", left=0)
    tracker.announce("10.0.0.2")
    tracker.announce("10.0.0.3", now=100)
    assert tracker.counts() == SwarmCounts(complete=1, incomplete=2)
    assert tracker.announce("10.0.0.1", event="stopped") == set()
    assert tracker.counts(now=100) == SwarmCounts(incomplete=2)
    assert tracker.announce("10.0.0.4", now=LIFETIME + 1) == {"10.0.0.3:6881"}
    assert tracker.counts(now=2 * LIFETIME + 2) == SwarmCounts()
    assert tracker.swarms.is_empty


def test_nobody_can_end_anothers_membership() -> None:
    tracker = Tracker()
    tracker.announce("10.0.0.1")
    tracker.announce("10.0.0.2", event="stopped")
    assert tracker.announce("10.0.0.3") == {"10.0.0.1:6881"}


def test_a_peer_on_the_trackers_machine_is_told_by_the_address_that_reaches_it() -> None:
    tracker = Tracker()
    tracker.announce("127.0.0.1", 7000)
    tracker.announce("::1", 7001)
    assert tracker.announce("192.168.1.7") == {f"{OUR_IP}:7000", f"{OUR_IP}:7001"}
    assert tracker.announce("127.0.0.1", 7002) == {
        "127.0.0.1:7000",
        "[::1]:7001",
        "192.168.1.7:6881",
    }


def test_one_address_cannot_fill_the_tracker() -> None:
    tracker = Tracker(SwarmLimits(swarms_per_owner=3))
    for port in (1, 2, 3):
        tracker.announce("10.0.0.1", port)
    with pytest.raises(RefusedError, match="over 3 torrents on one address"):
        tracker.announce("10.0.0.1", 4)
    tracker.announce("10.0.0.2", 4)
