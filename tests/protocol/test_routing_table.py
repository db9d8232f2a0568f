from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_webtorrent.protocol.dht_node import ID_BITS, Node, NodeId, id_for_address
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.reach import Reach
from jupyter_webtorrent.protocol.routing_table import (
    BUCKET_SIZE,
    FRESH_SECONDS,
    RoutingTable,
)
from tests.protocol.dht_network import public_host

OWN = NodeId(bytes(20))
FAR = 1 << (ID_BITS - 1)


def table(own_id: NodeId = OWN) -> RoutingTable:
    return RoutingTable(own_id, 0.0, Random(1))


def far_node(number: int, host: str | None = None) -> Node:
    """A node of the bucket that is farthest from OWN."""
    address = PeerAddress(host or public_host(number), 6881)
    return Node(NodeId.from_number(FAR + number), address)


def near_node(number: int) -> Node:
    return Node(NodeId.from_number(number), PeerAddress(public_host(number), 6881))


def full_far_bucket() -> RoutingTable:
    known = table()
    for number in range(1, 10):
        known.answered(near_node(number), 0.0)
    for number in range(BUCKET_SIZE):
        known.answered(far_node(100 + number), 0.0)
    return known


def held(known: RoutingTable) -> set[Node]:
    return {contact.node for contact in known}


def test_a_far_bucket_holds_8_and_ours_is_split() -> None:
    known = full_far_bucket()
    known.answered(far_node(200), 0.0)
    assert far_node(200) not in held(known)
    assert {near_node(number) for number in range(1, 10)} <= held(known)


def test_a_replacement_takes_the_place_of_a_node_that_failed_twice() -> None:
    known = full_far_bucket()
    known.answered(far_node(200), 0.0)
    known.failed(far_node(100))
    assert far_node(100) in held(known)
    known.failed(far_node(100))
    assert far_node(100) not in held(known)
    assert far_node(200) in held(known)


def test_a_bad_node_stays_until_there_is_a_better_one() -> None:
    known = full_far_bucket()
    for _ in range(5):
        known.failed(far_node(100))
    assert far_node(100) in held(known)
    assert far_node(100) not in known.closest(far_node(100).id, 100)
    known.answered(far_node(200), 0.0)
    assert far_node(100) not in held(known)
    assert far_node(200) in held(known)


def test_after_an_outage_the_bad_ones_are_asked_again() -> None:
    known = table()
    known.answered(far_node(1), 0.0)
    for _ in range(5):
        known.failed(far_node(1))
    assert known.closest(OWN) == [far_node(1)]


def test_an_id_that_fits_its_address_goes_before_one_that_does_not() -> None:
    known = full_far_bucket()
    host = public_host(300)
    random = Random(3)
    fitting = id_for_address(host, random)
    while fitting.number < FAR:
        fitting = id_for_address(host, random)
    node = Node(fitting, PeerAddress(host, 1))
    known.answered(node, 0.0)
    assert node in held(known)
    assert len([contact for contact in known if contact.node.id.number >= FAR]) == BUCKET_SIZE


def test_nobody_takes_the_id_of_a_node_that_is_well() -> None:
    known = table()
    known.answered(far_node(1), 0.0)
    thief = Node(far_node(1).id, PeerAddress(public_host(2), 6881))
    known.answered(thief, 1.0)
    assert held(known) == {far_node(1)}
    known.failed(far_node(1))
    known.answered(thief, 2.0)
    assert held(known) == {thief}


@pytest.mark.parametrize(
    ("hosts", "count"),
    [
        (["20.1.1.1"] * 5, 1),
        ([f"20.1.1.{last}" for last in range(1, 6)], 2),
        ([f"2606:4700:1:1::{last}" for last in range(1, 6)], 1),
        ([f"192.168.1.{last}" for last in range(1, 6)], 5),
        (["192.168.1.1"] * 5, 1),
        (["127.0.0.1"] * 5, 5),
    ],
)
def test_one_owner_of_addresses_gets_few_places(hosts: list[str], count: int) -> None:
    known = table()
    for number, host in enumerate(hosts):
        known.answered(
            Node(NodeId.from_number(FAR + number), PeerAddress(host, 1000 + number)), 0.0
        )
    assert len(known) == count


def test_a_host_that_got_a_new_id_takes_its_own_place_over() -> None:
    known = table()
    old = far_node(1)
    known.answered(old, 0.0)
    known.failed(old)
    new = Node(far_node(2).id, old.address)
    known.answered(new, 1.0)
    assert held(known) == {new}


def test_only_nodes_that_answered_are_named_and_none_nearer_than_the_asker() -> None:
    known = table()
    known.restore([far_node(1)], 0.0)
    known.answered(far_node(2), 0.0)
    known.answered(far_node(3, "192.168.1.7"), 0.0)
    known.answered(far_node(4, "127.0.0.1"), 0.0)
    hosts = {
        reach: {node.address.host for node in known.to_name(OWN, reach)}
        for reach in (Reach.MACHINE, Reach.NETWORK, Reach.INTERNET)
    }
    internet = public_host(2)
    assert hosts[Reach.INTERNET] == {internet}
    assert hosts[Reach.NETWORK] == {internet, "192.168.1.7"}
    assert hosts[Reach.MACHINE] == {internet, "192.168.1.7", "127.0.0.1"}


def test_a_node_that_asked_is_of_use_only_where_there_is_room() -> None:
    known = full_far_bucket()
    assert known.queried(near_node(50), 0.0)
    assert known.queried(far_node(200), 0.0)
    assert not known.queried(far_node(100), 0.0)
    assert not known.queried(Node(OWN, PeerAddress("20.9.9.9", 1)), 0.0)
    for number in range(200, 208):
        known.answered(far_node(number), 0.0)
    assert not known.queried(far_node(300), 0.0)


def test_a_node_is_questionable_after_a_quarter_of_an_hour_and_is_asked_once() -> None:
    known = table()
    known.answered(far_node(1), 0.0)
    assert known.good_count(FRESH_SECONDS - 1) == 1
    assert known.to_ping(FRESH_SECONDS - 1, 8) == []
    assert known.good_count(FRESH_SECONDS) == 0
    assert known.to_ping(FRESH_SECONDS, 8) == [far_node(1)]
    assert known.to_ping(FRESH_SECONDS, 8) == []
    known.queried(far_node(1), FRESH_SECONDS)
    assert known.good_count(FRESH_SECONDS) == 1


def test_a_bucket_that_did_not_change_is_refreshed_in_its_turn() -> None:
    known = full_far_bucket()
    assert known.to_refresh(FRESH_SECONDS - 1) is None
    targets = []
    while (target := known.to_refresh(FRESH_SECONDS)) is not None:
        targets.append(target)
    shared = [ID_BITS - target.number.bit_length() for target in targets]
    assert shared == sorted(set(shared))
    assert targets[0].number >= FAR


def test_what_is_kept_between_runs_can_be_restored() -> None:
    known = full_far_bucket()
    known.failed(far_node(100))
    again = table()
    again.restore(known.nodes(), 50.0)
    assert held(again) == held(known) - {far_node(100)}
    assert again.good_count(50.0) == 0
    assert len(again.to_ping(50.0, 100)) == len(again)


def test_a_new_id_keeps_the_nodes() -> None:
    known = full_far_bucket()
    moved = known.with_id(NodeId.from_number(FAR), 1.0)
    assert held(moved) >= {far_node(100 + number) for number in range(BUCKET_SIZE)}
    assert moved.good_count(1.0) == len(moved)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), max_size=300), st.integers(0, 9))
def test_no_story_breaks_the_bounds(story: list[tuple[int, int]], seed: int) -> None:
    random = Random(seed)
    nodes = [
        Node(NodeId(random.randbytes(20)), PeerAddress(f"20.1.{number % 40}.{number % 50}", 1))
        for number in range(61)
    ]
    known = RoutingTable(NodeId(random.randbytes(20)), 0.0, random)
    for now, (number, what) in enumerate(story):
        node = nodes[number]
        if what == 0:
            known.failed(node)
        elif what == 1:
            known.restore([node], float(now))
        else:
            known.answered(node, float(now))
    hosts = [contact.node.address.host for contact in known]
    assert len(set(hosts)) == len(hosts)
    assert set(known.closest(nodes[0].id, 1000)) <= held(known)
    assert all(len(bucket.contacts) <= BUCKET_SIZE for bucket in known._buckets)
    for contact in list(known):
        assert known._bucket(contact.node.id).contacts[contact.node.id] is contact
