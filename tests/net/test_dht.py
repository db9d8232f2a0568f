"""Whole DHT nodes on a network in memory that loses datagrams, in virtual time; and some on real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

import pytest

from jupyter_webtorrent.net.datagrams import UdpNetwork
from jupyter_webtorrent.net.dht import Dht
from jupyter_webtorrent.net.dht_socket import QUERIES_PER_SECOND, QUERY_BURST
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.memory import Link
from jupyter_webtorrent.net.memory_datagrams import MemoryDatagramNetwork
from jupyter_webtorrent.protocol.dht_node import Family, Node, NodeId, fits_address
from jupyter_webtorrent.protocol.dht_state import decode_state
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.krpc import (
    MAX_SENT_BYTES,
    AnnouncePeer,
    Failure,
    FindNode,
    GetPeers,
    Message,
    Ping,
    Reply,
    decode,
)
from tests.protocol.dht_network import public_host

# Nothing here waits for a file or a socket: time may pass as soon as nothing is left to run.
virtual_time = pytest.mark.looptime(noop_cycles=0)

TORRENT = InfoHash(b"t" * 20)
PORT = 6881


class Swarm:
    """DHT nodes, each on a host of its own; all join by the first."""

    def __init__(self, stack: AsyncExitStack, link: Link) -> None:
        self.network = MemoryDatagramNetwork(Random(1), link)
        self.nodes: list[Dht] = []
        self._stack = stack

    async def add(self, host: str | None = None, **settings: object) -> Dht:
        number = len(self.nodes)
        host = host or public_host(number)
        first = PeerAddress(public_host(0), PORT)
        bootstrap = settings.pop("bootstrap", () if number == 0 else (first,))
        node = Dht(bootstrap, Random(number), **settings)  # type: ignore[arg-type]
        self._stack.push_async_callback(node.aclose)
        await node.open(self.network.host(host), "::" if ":" in host else "0.0.0.0", PORT)
        node.join()
        self.nodes.append(node)
        return node

    async def find(self, node: Dht) -> set[PeerAddress]:
        found: set[PeerAddress] = set()
        await node.search(TORRENT, found.update, port=None)
        return found


@asynccontextmanager
async def swarm(count: int, link: Link) -> AsyncIterator[Swarm]:
    async with AsyncExitStack() as stack:
        nodes = Swarm(stack, link)
        for _ in range(count):
            await nodes.add()
            await asyncio.sleep(0.2)
        yield nodes


def watch(
    network: MemoryDatagramNetwork, seen: Callable[[bytes, PeerAddress, PeerAddress], None]
) -> None:
    """Have `seen` called with each datagram that is sent."""
    deliver = network.deliver

    def watched(data: bytes, sender: PeerAddress, receiver: PeerAddress) -> None:
        seen(data, sender, receiver)
        deliver(data, sender, receiver)

    network.deliver = watched  # type: ignore[method-assign]


async def end(tasks: list[asyncio.Task[int]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Stranger:
    """Speaks KRPC by hand."""

    def __init__(self, network: MemoryDatagramNetwork, host: str) -> None:
        self.network = network
        self.address = PeerAddress(host, PORT)
        self.received: list[tuple[Message, PeerAddress]] = []
        self.largest = 0

    async def open(self) -> None:
        self._port = await self.network.host(self.address.host).bind(
            PeerAddress("0.0.0.0", PORT), self._take
        )

    def _take(self, data: bytes, sender: PeerAddress) -> None:
        self.largest = max(self.largest, len(data))
        message = decode(data)
        self.received.append((message, sender))
        answer = self.answer(message)
        if answer is not None:
            self.send(Message(message.transaction, answer), sender)

    def answer(self, message: Message) -> Reply | None:
        return None

    def send(self, message: Message, to: PeerAddress) -> None:
        self._port.send(message.encode(), to)


@virtual_time
async def test_a_peer_is_found_among_300_nodes_though_every_tenth_datagram_is_lost() -> None:
    async with swarm(300, Link(latency=0.05, loss=0.1)) as nodes:
        await asyncio.sleep(60)
        assert min(node.node_count for node in nodes.nodes) >= 1
        await nodes.nodes[7].search(TORRENT, lambda peers: None, port=5555)
        expected = {PeerAddress(public_host(7), 5555)}
        for asker in (nodes.nodes[150], nodes.nodes[299], nodes.nodes[3]):
            # A search that loses too much is made again, as a torrent does.
            found = await nodes.find(asker) or await nodes.find(asker)
            assert found == expected


@virtual_time
async def test_a_lost_datagram_to_the_only_bootstrap_node_is_sent_again() -> None:
    async with swarm(5, Link()) as nodes:
        lost: list[bytes] = []
        deliver = nodes.network.deliver

        def lose_first(data: bytes, sender: PeerAddress, receiver: PeerAddress) -> None:
            if sender.host == public_host(5) and not lost:
                lost.append(data)
            else:
                deliver(data, sender, receiver)

        nodes.network.deliver = lose_first  # type: ignore[method-assign]
        node = await nodes.add()
        await asyncio.sleep(5.5)
        assert lost
        assert node.node_count >= 1


@virtual_time
async def test_a_network_that_is_left_alone_stays_whole_and_quiet() -> None:
    async with swarm(60, Link(latency=0.05, loss=0.02)) as nodes:
        await asyncio.sleep(60)
        before = nodes.network.sent
        await asyncio.sleep(1800)
        assert (nodes.network.sent - before) / 1800 / 60 < 0.2, "datagrams per second and node"
        assert min(node.node_count for node in nodes.nodes) >= 8


@virtual_time
async def test_after_an_outage_a_node_joins_again() -> None:
    async with swarm(20, Link(latency=0.05)) as nodes:
        await asyncio.sleep(60)
        nodes.network.link = Link(loss=1.0)
        await asyncio.sleep(7200)
        assert nodes.nodes[5].node_count == 0
        assert nodes.nodes[5].trouble == "no DHT node answered"
        nodes.network.link = Link(latency=0.05)
        await asyncio.sleep(3700)
        assert nodes.nodes[5].node_count >= 1  # the others come back in their own time
        assert nodes.nodes[5].trouble == ""


@virtual_time
async def test_a_later_run_goes_on_with_the_nodes_it_knew() -> None:
    async with swarm(20, Link(latency=0.05)) as nodes:
        await asyncio.sleep(60)
        state = nodes.nodes[5].export()
        again = Dht((), Random(99))
        host = nodes.network.host("30.0.0.1")
        await again.open(host, "0.0.0.0", PORT, state)
        assert again.can_join
        assert again.node_count == 0
        sent = nodes.network.sent
        await asyncio.sleep(10)
        assert nodes.network.sent - sent < 20, "nobody is asked before it joins"
        assert again.export() == state
        again.join()
        await asyncio.sleep(30)
        assert again.node_count >= 8
        await again.aclose()


@virtual_time
async def test_no_more_queries_are_sent_than_allowed() -> None:
    async with swarm(60, Link(latency=0.05)) as nodes, AsyncExitStack() as stack:
        await asyncio.sleep(60)
        queries = 0

        def count(data: bytes, sender: PeerAddress, receiver: PeerAddress) -> None:
            nonlocal queries
            queries += sender.host == public_host(9) and b"1:y1:q" in data

        watch(nodes.network, count)
        own = nodes.nodes[9]
        torrents = [InfoHash(number.to_bytes(20, "big")) for number in range(1000)]
        tasks = [
            asyncio.create_task(own.search(each, lambda peers: None, port=1)) for each in torrents
        ]
        stack.push_async_callback(end, tasks)
        await asyncio.sleep(20)
        assert 500 < queries <= 20 * QUERIES_PER_SECOND + QUERY_BURST
        started = asyncio.get_running_loop().time()
        await own.search(TORRENT, lambda peers: None, port=None, urgent=True)
        assert asyncio.get_running_loop().time() - started < 30


@virtual_time
async def test_liars_name_no_address_of_ours_and_get_no_packet_there() -> None:
    class Liar(Stranger):
        def answer(self, message: Message) -> Reply | None:
            own_id = NodeId(self.address.host.encode().ljust(20, b"x")[:20])
            if isinstance(message.body, Reply):
                return None
            hosts = ["127.0.0.1", "192.168.1.1", "10.0.0.1", "224.0.0.1", public_host(5)]
            ids = Random(1)
            return Reply(
                own_id,
                tuple(Node(NodeId.random(ids), PeerAddress(host, 53)) for host in hosts),
                tuple(PeerAddress(host, 80) for host in hosts),
                b"token",
            )

    async with AsyncExitStack() as stack:
        nodes = Swarm(stack, Link(latency=0.01))
        sent: set[str] = set()
        watch(nodes.network, lambda data, sender, receiver: sent.add(receiver.host))
        liar = Liar(nodes.network, "50.0.0.1")
        await liar.open()
        victim = await nodes.add(bootstrap=(liar.address,))
        await asyncio.sleep(20)
        assert await nodes.find(victim) == {PeerAddress(public_host(5), 80)}
        assert sent <= {liar.address.host, public_host(0), public_host(5)}


@virtual_time
async def test_a_flood_is_not_amplified_and_others_are_still_answered() -> None:
    async with swarm(20, Link(latency=0.01)) as nodes:
        await asyncio.sleep(30)
        target = PeerAddress(public_host(3), PORT)
        victim, other = (Stranger(nodes.network, host) for host in ("50.0.0.1", "51.0.0.1"))
        await victim.open()
        await other.open()
        query = GetPeers(NodeId(b"v" * 20), TORRENT, frozenset(Family))
        flood = Message(b"x", query, read_only=True).encode()
        for number in range(2000):  # sent by somebody else, in the victim's name
            nodes.network.deliver(flood, victim.address, target)
            nodes.network.deliver(b"d1:q1:x1:t1:x1:y1:qe", victim.address, target)
            if number % 100 == 0:
                await asyncio.sleep(0.1)
        other.send(Message(b"o", Ping(NodeId(b"o" * 20)), read_only=True), target)
        await asyncio.sleep(1)
        assert len(victim.received) < 60
        assert victim.largest <= MAX_SENT_BYTES
        assert [message.transaction for message, _ in other.received] == [b"o"]


@virtual_time
async def test_a_stranger_announces_nobody_with_a_token_that_is_not_its_own() -> None:
    async with swarm(2, Link(latency=0.01)) as nodes:
        stranger = Stranger(nodes.network, "50.0.0.1")
        await stranger.open()
        for token in (b"", b"12345678", bytes(64)):
            announce = AnnouncePeer(NodeId(b"s" * 20), TORRENT, token, 80)
            stranger.send(
                Message(b"a", announce, read_only=True), PeerAddress(public_host(1), PORT)
            )
        await asyncio.sleep(1)
        assert [type(message.body) for message, _ in stranger.received] == [Failure] * 3
        assert await nodes.find(nodes.nodes[0]) == set()


@virtual_time
async def test_an_answer_from_elsewhere_or_unasked_is_not_believed() -> None:
    async with AsyncExitStack() as stack:
        nodes = Swarm(stack, Link(latency=0.01))
        own = await nodes.add(bootstrap=(PeerAddress("50.0.0.1", PORT),))
        asked, other = (Stranger(nodes.network, host) for host in ("50.0.0.1", "51.0.0.1"))
        await asked.open()
        await other.open()
        await asyncio.sleep(0.5)
        message, sender = asked.received[0]
        assert isinstance(message.body, FindNode)
        other.send(Message(message.transaction, Reply(NodeId(b"o" * 20))), sender)
        asked.send(Message(b"guess", Reply(NodeId(b"a" * 20))), sender)
        await asyncio.sleep(1)
        assert own.node_count == 0
        asked.send(Message(message.transaction, Reply(NodeId(b"a" * 20))), sender)
        await asyncio.sleep(1)
        assert own.node_count == 1


@virtual_time
async def test_a_read_only_node_is_answered_but_not_remembered() -> None:
    async with swarm(1, Link(latency=0.01)) as nodes:
        shy, plain = (Stranger(nodes.network, host) for host in ("50.0.0.1", "51.0.0.1"))
        await shy.open()
        await plain.open()
        target = PeerAddress(public_host(0), PORT)
        shy.send(Message(b"s", Ping(NodeId(b"s" * 20)), read_only=True), target)
        plain.send(Message(b"p", Ping(NodeId(b"p" * 20))), target)
        await asyncio.sleep(1)
        assert [type(message.body) for message, _ in shy.received] == [Reply]
        assert sorted(type(message.body).__name__ for message, _ in plain.received) == [
            "Ping",
            "Reply",
        ]


@virtual_time
async def test_our_id_comes_to_fit_the_address_that_others_see() -> None:
    async with swarm(12, Link(latency=0.01)) as nodes:
        await asyncio.sleep(120)
        fitting = [
            fits_address(decode_state(node.export())[Family.IPV4].own_id, public_host(number))
            for number, node in enumerate(nodes.nodes)
        ]
        assert all(fitting)


@virtual_time
async def test_ipv6_nodes_have_a_dht_of_their_own() -> None:
    async with AsyncExitStack() as stack:
        nodes = Swarm(stack, Link(latency=0.01))
        first = PeerAddress("2606:4700:1::1", PORT)
        for number in range(1, 6):
            await nodes.add(f"2606:4700:{number}::1", bootstrap=(first,))
        await asyncio.sleep(20)
        await nodes.nodes[1].search(TORRENT, lambda peers: None, port=80)
        assert await nodes.find(nodes.nodes[4]) == {PeerAddress("2606:4700:2::1", 80)}


@virtual_time
async def test_a_name_is_looked_up_and_one_that_cannot_be_found_is_named() -> None:
    async def resolve(address: PeerAddress) -> list[PeerAddress]:
        if address.host == "first.example":
            return [PeerAddress(public_host(0), address.port)]
        if address.host.endswith(".example"):
            raise OSError("no such name")
        return [address]

    async with swarm(1, Link(latency=0.01)) as nodes:
        lost = await nodes.add(bootstrap=(PeerAddress("x.example", 1),), resolve=resolve)
        found = await nodes.add(bootstrap=(PeerAddress("first.example", PORT),), resolve=resolve)
        await asyncio.sleep(20)
        assert found.node_count == 1
        assert lost.trouble == "the DHT bootstrap node x.example cannot be found"


@virtual_time
async def test_a_node_on_loopback_sends_to_loopback_alone_and_looks_no_name_up() -> None:
    async def never(address: PeerAddress) -> list[PeerAddress]:
        assert address.host == "127.0.0.1", "a name was looked up"
        return [address]

    network = MemoryDatagramNetwork(Random(1), Link(latency=0.01))
    nodes = (PeerAddress("router.example", 6881), PeerAddress("20.0.0.1", 6881))
    node = Dht(nodes, Random(1), resolve=never)
    await node.open(network.host("127.0.0.1"), "127.0.0.1", PORT)
    assert not node.can_join
    node.join()
    node.add_node(PeerAddress("192.168.1.1", 6881))
    node.add_node(PeerAddress("name", 6881))
    await asyncio.sleep(60)
    assert network.sent == 0
    node.add_node(PeerAddress("127.0.0.1", 7000))
    assert network.sent == 1
    await node.aclose()


async def test_a_taken_port_is_replaced_by_another() -> None:
    network = UdpNetwork()
    taken = await network.bind(PeerAddress("127.0.0.1", 0), lambda data, sender: None)
    node = Dht((), Random(1))
    await node.open(network, "127.0.0.1", taken.address.port)
    assert node.port not in (None, taken.address.port)
    await node.aclose()
    await taken.aclose()


async def test_an_address_that_is_not_here_is_a_plain_error() -> None:
    node = Dht((), Random(1))
    with pytest.raises(NetError, match="cannot open UDP port"):
        await node.open(UdpNetwork(), "192.0.2.1", 0)
    await node.aclose()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", ""])
async def test_nodes_meet_over_real_sockets(host: str) -> None:
    hub, seeder, fetcher = (Dht((), Random(number)) for number in range(3))
    for node in (hub, seeder, fetcher):
        await node.open(UdpNetwork(), host, 0)
    found: set[PeerAddress] = set()
    async with asyncio.timeout(10):
        for node, port in ((seeder, 4321), (fetcher, None)):
            assert hub.port is not None
            near = "::1" if host == "::1" else "127.0.0.1"
            node.add_node(PeerAddress(near, hub.port))
            await node.ready.wait()
            await node.search(TORRENT, found.update, port=port)
    for node in (hub, seeder, fetcher):
        await node.aclose()
    assert found == {PeerAddress(near, 4321)}
