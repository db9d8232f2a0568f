"""A DHT of pure nodes, all in this process: each has a routing table and answers at once, or lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import nsmallest
from random import Random

from jupyter_webtorrent.protocol.dht_lookup import Lookup
from jupyter_webtorrent.protocol.dht_node import Node, NodeId, id_for_address
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.reach import Reach
from jupyter_webtorrent.protocol.routing_table import BUCKET_SIZE, RoutingTable

Answer = Callable[[NodeId], list[Node] | None]
"""The nodes that a node names for a target; None: no answer."""


def public_host(number: int) -> str:
    """An IPv4 address of the internet, each in a /24 of its own."""
    return f"{20 + number // 65536}.{number // 256 % 256}.{number % 256}.7"


class DhtNetwork:
    """Nodes by their address."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.tables: dict[PeerAddress, RoutingTable] = {}
        self.nodes: dict[PeerAddress, Node] = {}
        self.answers: dict[PeerAddress, Answer] = {}
        self.lookups: list[Lookup] = []

    def add_node(self, *, fitting_id: bool = False) -> Node:
        """A node that knows nobody yet."""
        address = PeerAddress(public_host(len(self.nodes)), 6881)
        own_id = (
            id_for_address(address.host, self.random) if fitting_id else NodeId.random(self.random)
        )
        node = Node(own_id, address)
        self.nodes[address] = node
        table = self.tables[address] = RoutingTable(own_id, 0.0, self.random)
        self.answers[address] = lambda target: table.to_name(target, Reach.INTERNET)
        return node

    def join(self, node: Node, known: Iterable[Node]) -> None:
        """Look itself up, so that both sides learn of each other."""
        table = self.tables[node.address]
        for contact in known:
            table.answered(contact, 0.0)
        self.look_up(node, node.id)

    def look_up(self, asker: Node, target: NodeId) -> Lookup:
        """What a driver does, with no time passing."""
        table = self.tables[asker.address]
        lookup = Lookup(target, table.closest(target), lambda address: address != asker.address)
        while not lookup.is_done:
            for node in lookup.take():
                nodes = self._ask(asker, node, target)
                if nodes is None:
                    lookup.failed(node)
                else:
                    table.answered(node, 0.0)
                    lookup.answered(node, nodes, token=b"token")
        self.lookups.append(lookup)
        return lookup

    def closest(self, target: NodeId, among: Iterable[Node] | None = None) -> set[Node]:
        """Those who are truly closest."""
        nodes = self.nodes.values() if among is None else among
        return set(nsmallest(BUCKET_SIZE, nodes, key=lambda node: node.id.distance(target)))

    def _ask(self, asker: Node, node: Node, target: NodeId) -> list[Node] | None:
        if self.nodes.get(node.address) != node:
            return None
        answer = self.answers[node.address](target)
        if answer is not None and self.tables[node.address].queried(asker, 0.0):
            self.tables[node.address].answered(asker, 0.0)
        return answer


def joined_network(count: int, seed: int) -> DhtNetwork:
    """A DHT that grew node by node."""
    network = DhtNetwork(Random(seed))
    nodes: list[Node] = []
    for _ in range(count):
        node = network.add_node()
        network.join(node, network.random.sample(nodes, min(2, len(nodes))))
        nodes.append(node)
    network.lookups.clear()
    return network
