from __future__ import annotations

from jupyter_webtorrent.protocol.dht_self import (
    MAX_ASKED,
    MIN_VOTES,
    PERIOD_SECONDS,
    TRIAL_SECONDS,
    OwnAddress,
    Reachability,
)
from jupyter_webtorrent.protocol.identity import PeerAddress
from tests.protocol.dht_network import public_host

OURS = "66.6.6.6"


def voter(number: int) -> PeerAddress:
    return PeerAddress(public_host(number), 6881)


def test_our_address_is_what_several_nodes_agree_on() -> None:
    own = OwnAddress()
    told = [own.told(OURS, voter(number)) for number in range(MIN_VOTES)]
    assert told == [False] * (MIN_VOTES - 1) + [True]
    assert own.host == OURS
    assert not own.told(OURS, voter(99))


def test_one_host_has_one_vote_and_near_ones_have_none() -> None:
    own = OwnAddress()
    for port in range(1, 50):
        own.told(OURS, PeerAddress(public_host(1), port))
        own.told(OURS, PeerAddress("127.0.0.1", port))
        own.told("192.168.1.1", voter(port))
    assert own.host is None


def test_endless_opinions_are_forgotten() -> None:
    own = OwnAddress()
    for number in range(1000):
        own.told(public_host(2 * number), voter(number))
    assert len(own._votes) <= 16


def test_a_node_that_no_stranger_reaches_is_read_only_but_for_its_trials() -> None:
    reach = Reachability(0.0)
    reach.asked(voter(1))
    reach.queried_by(voter(1), 10.0)
    reach.queried_by(PeerAddress("192.168.1.7", 1), 10.0)
    assert not reach.is_read_only(TRIAL_SECONDS - 1)
    assert reach.is_read_only(TRIAL_SECONDS)
    assert not reach.is_read_only(PERIOD_SECONDS + 1)
    assert reach.is_read_only(PERIOD_SECONDS + TRIAL_SECONDS)


def test_a_stranger_shows_that_it_is_reached() -> None:
    reach = Reachability(0.0)
    reach.queried_by(voter(1), 10.0)
    assert not reach.is_read_only(TRIAL_SECONDS)
    assert not reach.is_read_only(PERIOD_SECONDS + TRIAL_SECONDS)
    assert reach.is_read_only(2 * PERIOD_SECONDS - 1)


def test_only_so_many_hosts_are_remembered() -> None:
    reach = Reachability(0.0)
    for number in range(2 * MAX_ASKED):
        reach.asked(voter(number))
    assert len(reach._asked) == MAX_ASKED
