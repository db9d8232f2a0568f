from __future__ import annotations

from random import Random

import pytest

from jupyter_webtorrent.protocol.dht_node import Family, Node, NodeId
from jupyter_webtorrent.protocol.dht_server import (
    MAX_PEERS_PER_PLACE,
    MAX_PEERS_PER_TORRENT,
    PEER_SECONDS,
    QUERIES_PER_SECOND,
    QUERIES_PER_SECOND_PER_PLACE,
    TOKEN_SECONDS,
    DhtServer,
    PeerStore,
)
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.krpc import (
    MAX_SENT_BYTES,
    MAX_TRANSACTION_BYTES,
    AnnouncePeer,
    Failure,
    FindNode,
    GetPeers,
    Message,
    Ping,
    Query,
    Reply,
)
from jupyter_webtorrent.protocol.reach import Reach
from jupyter_webtorrent.protocol.routing_table import RoutingTable
from tests.protocol.dht_network import public_host

TORRENT = InfoHash(bytes(20))
SENDER = NodeId(b"s" * 20)
ASKER = PeerAddress("20.0.0.1", 6881)
BOTH = frozenset(Family)


class Served:
    """A server with a table for each family, and who asks it."""

    def __init__(self, nodes: int = 0) -> None:
        random = Random(1)
        self.tables = {
            family: RoutingTable(NodeId.random(random), 0.0, random) for family in Family
        }
        for number in range(nodes):
            host = public_host(number)
            ipv6 = f"2606:4700:{number:x}::1"
            for family, each in ((Family.IPV4, host), (Family.IPV6, ipv6)):
                known = Node(NodeId.random(random), PeerAddress(each, 6881))
                self.tables[family].answered(known, 0.0)
        self.server = DhtServer(self.tables, 0.0, random)

    def ask(
        self, query: Query, sender: PeerAddress = ASKER, now: float = 0.0
    ) -> Reply | Failure | None:
        answer = self.server.answer(Message(b"t", query), query, sender, now)
        if answer is None:
            return None
        assert isinstance(answer.body, Reply | Failure)
        return answer.body

    def token(self, sender: PeerAddress = ASKER, now: float = 0.0) -> bytes:
        reply = self.ask(GetPeers(SENDER, TORRENT), sender, now)
        assert isinstance(reply, Reply)
        return reply.token

    def announce(
        self, token: bytes, sender: PeerAddress = ASKER, now: float = 0.0, port: int | None = 5000
    ) -> Reply | Failure | None:
        return self.ask(AnnouncePeer(SENDER, TORRENT, token, port), sender, now)

    def peers(self, sender: PeerAddress = ASKER, now: float = 0.0) -> set[PeerAddress]:
        reply = self.ask(GetPeers(SENDER, TORRENT), sender, now)
        assert isinstance(reply, Reply)
        return set(reply.values)


def test_who_announced_is_named_until_half_an_hour_has_passed() -> None:
    served = Served()
    assert isinstance(served.announce(served.token()), Reply)
    assert served.peers(now=PEER_SECONDS - 1) == {PeerAddress(ASKER.host, 5000)}
    assert served.peers(now=PEER_SECONDS) == set()
    assert len(served.server.peers) == 0


def test_without_a_port_the_peer_is_where_its_node_is() -> None:
    served = Served()
    served.announce(served.token(), port=None)
    assert served.peers() == {ASKER}


def test_a_token_counts_for_the_host_that_got_it_and_for_10_minutes() -> None:
    served = Served()
    token = served.token()
    other = PeerAddress("20.0.0.2", 6881)
    assert isinstance(served.announce(token, other), Failure)
    assert isinstance(served.announce(b"", other), Failure)
    assert isinstance(served.announce(bytes(8)), Failure)
    assert isinstance(served.announce(token, PeerAddress(ASKER.host, 7)), Reply)
    assert isinstance(served.announce(token, now=TOKEN_SECONDS + 1), Reply)
    assert isinstance(served.announce(token, now=2 * TOKEN_SECONDS + 2), Failure)


def test_a_token_does_not_outlive_a_long_silence() -> None:
    served = Served()
    token = served.token()
    assert isinstance(served.announce(token, now=10 * TOKEN_SECONDS), Failure)


def test_no_reply_is_larger_than_a_datagram_should_be() -> None:
    served = Served(nodes=200)
    for number in range(MAX_PEERS_PER_TORRENT // 2):
        served.server.peers.add(TORRENT, PeerAddress(public_host(number), 1), 0.0)
        served.server.peers.add(TORRENT, PeerAddress(f"2606:4700:{number:x}::2", 1), 0.0)
    for host, values in ((ASKER.host, 50), ("2606:4700:ffff::1", 25)):
        query = GetPeers(SENDER, TORRENT, BOTH)
        answer = served.server.answer(
            Message(bytes(MAX_TRANSACTION_BYTES), query), query, PeerAddress(host, 6881), 0.0
        )
        assert answer is not None
        assert isinstance(answer.body, Reply)
        assert len(answer.body.nodes) == 16
        assert len(answer.body.values) == values
        assert 1000 < len(answer.encode()) <= MAX_SENT_BYTES


@pytest.mark.parametrize(
    ("want", "families"),
    [
        (frozenset[Family](), {Family.IPV4}),
        (frozenset({Family.IPV6}), {Family.IPV6}),
        (BOTH, set(Family)),
    ],
)
def test_nodes_of_the_wanted_families_are_named(
    want: frozenset[Family], families: set[Family]
) -> None:
    reply = Served(nodes=20).ask(FindNode(SENDER, SENDER, want))
    assert isinstance(reply, Reply)
    assert {node.family for node in reply.nodes} == families


def test_an_asker_on_the_internet_is_told_of_no_peer_of_our_network() -> None:
    served = Served()
    near = PeerAddress("192.168.1.7", 6881)
    served.announce(served.token(near), near)
    assert served.peers() == set()
    assert served.peers(PeerAddress("192.168.1.8", 1)) == {PeerAddress(near.host, 5000)}


def test_one_host_is_answered_so_often_and_the_others_still_are() -> None:
    served = Served()
    answered = sum(
        served.ask(Ping(SENDER), PeerAddress(ASKER.host, 1 + number), number / 1000) is not None
        for number in range(1000)
    )
    assert answered <= 6 * QUERIES_PER_SECOND_PER_PLACE
    assert served.ask(Ping(SENDER), PeerAddress("20.0.0.2", 1), 1.0) is not None


def test_many_hosts_together_are_answered_so_often() -> None:
    served = Served()
    answered = sum(
        served.ask(Ping(SENDER), PeerAddress(public_host(number), 1), number / 5000) is not None
        for number in range(5000)
    )
    assert answered <= 6 * QUERIES_PER_SECOND


def test_nobody_is_answered_where_no_node_can_be() -> None:
    assert Served().ask(Ping(SENDER), PeerAddress("224.0.0.1", 1)) is None


def test_one_torrent_and_one_host_fill_only_their_share() -> None:
    store = PeerStore(Random(1))
    for number in range(MAX_PEERS_PER_TORRENT + 50):
        store.add(TORRENT, PeerAddress(public_host(number), 1), 0.0)
    assert len(store) == MAX_PEERS_PER_TORRENT
    for number in range(MAX_PEERS_PER_PLACE + 50):
        store.add(InfoHash(number.to_bytes(20, "big")), ASKER, 1.0)
    assert len(store) <= MAX_PEERS_PER_TORRENT + MAX_PEERS_PER_PLACE
    assert store.add(InfoHash(b"x" * 20), PeerAddress("20.9.9.9", 1), 2.0)
    assert not store.add(InfoHash(b"x" * 20), ASKER, 2.0)


def test_who_announces_again_counts_once_and_anew() -> None:
    store = PeerStore(Random(1))
    assert store.add(TORRENT, ASKER, 0.0)
    assert store.add(TORRENT, ASKER, 100.0)
    assert len(store) == 1
    internet = Reach.INTERNET
    assert store.some(TORRENT, Family.IPV4, internet, PEER_SECONDS + 50) == (ASKER,)
    assert store.some(TORRENT, Family.IPV6, internet, 200.0) == ()
