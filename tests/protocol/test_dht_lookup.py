"""Lookups through a DHT of 1,000 nodes, without a clock or a wire."""

from __future__ import annotations

from functools import partial
from random import Random

import pytest

from jupyter_webtorrent.protocol.dht_lookup import MAX_CANDIDATES, MAX_QUERIES, PARALLEL, Lookup
from jupyter_webtorrent.protocol.dht_node import Node, NodeId
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.routing_table import BUCKET_SIZE
from tests.protocol.dht_network import Answer, DhtNetwork, joined_network, public_host

LOOKUPS = 40


@pytest.fixture(scope="module")
def network() -> DhtNetwork:
    return joined_network(1000, seed=1)


@pytest.fixture(autouse=True)
def nothing_looked_up(network: DhtNetwork) -> None:
    network.lookups.clear()


def share_found(network: DhtNetwork, askers: list[Node], honest: list[Node]) -> float:
    """How many of the 8 honest nodes that are truly closest are found, on average."""
    found = 0
    for _ in range(LOOKUPS):
        target = NodeId.random(network.random)
        lookup = network.look_up(network.random.choice(askers), target)
        found += len({node for node, _ in lookup.found} & network.closest(target, honest))
    return found / LOOKUPS / BUCKET_SIZE


def test_a_lookup_finds_the_closest_nodes_in_few_queries(network: DhtNetwork) -> None:
    nodes = list(network.nodes.values())
    assert share_found(network, nodes, nodes) > 0.98
    assert max(lookup.queries for lookup in network.lookups) < 40
    assert max(len(table) for table in network.tables.values()) < 100


@pytest.mark.parametrize("lie", ["silent", "garbage", "crowd", "one host"])
def test_a_third_of_liars_does_not_keep_a_lookup_from_the_honest(
    network: DhtNetwork, lie: str
) -> None:
    nodes = list(network.nodes.values())
    liars = nodes[::3]
    honest = [node for node in nodes if node not in set(liars)]
    random = Random(2)

    def name_nobody(target: NodeId) -> list[Node] | None:
        return None

    def name_many(target: NodeId, host: str | None) -> list[Node]:
        """Nodes that do not exist, all of them closer than any true one."""
        return [
            Node(
                NodeId.from_number(target.number ^ random.getrandbits(60)),
                PeerAddress(host or public_host(random.getrandbits(23)), 1 + number),
            )
            for number in range(16)
        ]

    answers: dict[str, Answer] = {
        "silent": name_nobody,
        "garbage": lambda target: [Node(NodeId.random(random), PeerAddress("20.0.0.9", 9))] * 16,
        "crowd": partial(name_many, host=None),
        "one host": partial(name_many, host="66.6.6.6"),
    }
    kept = {node.address: network.answers[node.address] for node in liars}
    try:
        for node in liars:
            network.answers[node.address] = answers[lie]
        found = share_found(network, honest, honest)
    finally:
        network.answers |= kept
    assert found > (0.3 if lie == "crowd" else 0.6)
    assert max(lookup.queries for lookup in network.lookups) <= MAX_QUERIES


def lookup(start: list[Node], refused: str = "") -> Lookup:
    return Lookup(NodeId(bytes(20)), start, lambda address: address.host != refused)


def node(number: int, host: str | None = None) -> Node:
    return Node(NodeId.from_number(number), PeerAddress(host or public_host(number), 6881))


def test_three_are_asked_at_once_and_a_slow_one_is_not_waited_for() -> None:
    asking = lookup([node(number) for number in range(1, 9)])
    first = asking.take()
    assert first == [node(1), node(2), node(3)]
    assert asking.take() == []
    asking.slow(node(2))
    assert asking.take() == [node(4)]
    asking.answered(node(2), [])
    assert asking.take() == []
    assert len(first) == PARALLEL


def test_it_is_done_when_the_closest_have_answered() -> None:
    asking = lookup([node(number) for number in range(1, 30)])
    while asked := asking.take():
        assert not asking.is_done
        for each in asked:
            asking.answered(each, [], b"token of %d" % each.id.number)
    assert asking.is_done
    assert asking.found == [(node(n), b"token of %d" % n) for n in range(1, 9)]


def test_a_lookup_that_knows_nobody_is_done() -> None:
    assert lookup([]).is_done


def test_neither_ourselves_nor_a_host_twice_nor_a_failed_node_is_asked() -> None:
    asking = lookup([node(9, "20.0.0.1")], refused="127.0.0.1")
    asking.take()
    asking.answered(node(9, "20.0.0.1"), [node(1, "20.0.0.1"), node(2, "127.0.0.1"), node(3)])
    assert asking.take() == [node(3)]
    asking.failed(node(3))
    asking.answered(node(9, "20.0.0.1"), [node(3)])
    assert asking.take() == []
    assert asking.is_done


def test_answers_nobody_waits_for_change_nothing() -> None:
    asking = lookup([node(1)])
    asking.answered(node(1), [node(2)])
    asking.answered(node(7), [node(3)])
    asking.failed(node(8))
    assert asking.take() == [node(1)]
    assert asking.found == []


def test_endless_ever_closer_nodes_end_a_lookup() -> None:
    target = NodeId(bytes(20))
    asking = Lookup(target, [node(1 << 150)], lambda address: True)
    made = 0
    while not asking.is_done:
        for each in asking.take():
            closer = []
            for _ in range(16):
                made += 1
                closer.append(node((1 << 140) - made, public_host(made)))
            asking.answered(each, closer)
    assert asking.queries == MAX_QUERIES
    assert len(asking._distances) <= MAX_CANDIDATES
