"""TCP and the network in memory behave alike: whole streams, back-pressure, one `closed`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random

import pytest

from jupyter_webtorrent.engine.loop import run
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.memory import Link, MemoryNetwork
from jupyter_webtorrent.net.tcp import TcpNetwork
from jupyter_webtorrent.net.transport import HIGH_WATER, Network, Transport
from jupyter_webtorrent.protocol.identity import PeerAddress

DATA = Random(1).randbytes(3_000_000)


class Sink:
    """A receiver that keeps all it gets, in a buffer of an odd size."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.reasons: list[str] = []
        self.ended = asyncio.Event()
        self.grown = asyncio.Event()
        self._buffer = bytearray(10_007)

    def get_buffer(self) -> memoryview:
        return memoryview(self._buffer)

    def buffer_updated(self, count: int) -> None:
        self.received += self._buffer[:count]
        self.grown.set()

    def closed(self, reason: str) -> None:
        self.reasons.append(reason)
        self.ended.set()

    async def has(self, count: int) -> bytes:
        while len(self.received) < count:
            self.grown.clear()
            await self.grown.wait()
        return bytes(self.received)


class Pair:
    """Two connected transports, the first one dialled."""

    def __init__(self, dialled: Transport, accepted: Transport) -> None:
        self.dialled, self.accepted = dialled, accepted


@pytest.fixture(params=["tcp", "memory", "memory with latency and loss"])
async def network(request: pytest.FixtureRequest) -> Network:
    if request.param == "tcp":
        return TcpNetwork()
    link = Link(latency=0.001, loss=0.1) if "loss" in request.param else Link()
    return MemoryNetwork(Random(1), link).host("127.0.0.1")


@pytest.fixture
async def pair(network: Network) -> AsyncIterator[Pair]:
    accepted: asyncio.Queue[Transport] = asyncio.Queue()
    listener = await network.listen(PeerAddress("127.0.0.1", 0), accepted.put_nowait)
    made = Pair(await network.dial(listener.address), await accepted.get())
    yield made
    await made.dialled.aclose()
    await made.accepted.aclose()
    await listener.aclose()


async def test_a_stream_arrives_whole_both_ways(pair: Pair) -> None:
    near, far = Sink(), Sink()
    pair.dialled.start(near)
    pair.accepted.start(far)
    view = memoryview(DATA)
    for start in range(0, len(DATA), 50_000):
        pair.dialled.write(b"", view[start : start + 20_000], view[start + 20_000 : start + 50_000])
        pair.accepted.write(view[start : start + 50_000])
    assert await far.has(len(DATA)) == DATA
    assert await near.has(len(DATA)) == DATA


async def test_what_came_before_start_is_not_lost(pair: Pair) -> None:
    pair.accepted.start(Sink())
    pair.accepted.write(b"early")
    await pair.accepted.drain()
    near = Sink()
    pair.dialled.start(near)
    assert await near.has(5) == b"early"


@pytest.mark.parametrize("network", ["tcp"], indirect=True)  # memory has no socket buffers
async def test_a_reader_that_does_not_read_holds_the_writer_back(pair: Pair) -> None:
    pair.dialled.start(Sink())
    block = bytes(1 << 16)
    while pair.dialled.unsent <= HIGH_WATER:
        pair.dialled.write(block)
        await asyncio.sleep(0)
    draining = asyncio.create_task(pair.dialled.drain())
    done, _ = await asyncio.wait([draining], timeout=0.05)
    assert not done
    pair.accepted.start(Sink())
    await draining
    assert pair.dialled.unsent < HIGH_WATER


async def test_both_ends_hear_once_that_it_is_closed(pair: Pair) -> None:
    near, far = Sink(), Sink()
    pair.dialled.start(near)
    pair.accepted.start(far)
    pair.dialled.close("enough")
    pair.dialled.close("again")
    pair.dialled.write(b"into the void")
    await near.ended.wait()
    await far.ended.wait()
    await pair.dialled.aclose()
    assert near.reasons == ["enough"]
    assert len(far.reasons) == 1
    assert not near.received


async def test_nobody_listening_is_a_plain_line(network: Network) -> None:
    listener = await network.listen(PeerAddress("127.0.0.1", 0), lambda _: None)
    await listener.aclose()
    with pytest.raises(NetError, match=r"cannot connect to 127\.0\.0\.1:\d+: Connection refused"):
        await network.dial(listener.address)


async def test_a_taken_port_is_a_plain_line() -> None:
    network = TcpNetwork()
    listener = await network.listen(PeerAddress("127.0.0.1", 0), lambda _: None)
    with pytest.raises(NetError, match=r"cannot listen on .*: .*in use"):
        await network.listen(listener.address, lambda _: None)
    await listener.aclose()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_every_interface_means_both_families_on_one_port(host: str) -> None:
    accepted: asyncio.Queue[Transport] = asyncio.Queue()
    network = TcpNetwork()
    listener = await network.listen(PeerAddress("", 0), accepted.put_nowait)
    dialled = await network.dial(PeerAddress(host, listener.address.port))
    taken = await accepted.get()
    assert host in taken.remote
    await dialled.aclose()
    await taken.aclose()
    await listener.aclose()


async def test_an_unplugged_host_is_gone_for_all() -> None:
    network = MemoryNetwork(Random(1))
    accepted: asyncio.Queue[Transport] = asyncio.Queue()
    listener = await network.host("a").listen(PeerAddress("a", 0), accepted.put_nowait)
    dialled = await network.host("b").dial(listener.address)
    taken = await accepted.get()
    near, far = Sink(), Sink()
    dialled.start(near)
    taken.start(far)
    network.unplug("a")
    await near.ended.wait()
    await far.ended.wait()
    others = await network.host("b").listen(PeerAddress("b", 0), accepted.put_nowait)
    for caller, address in (("b", listener.address), ("a", others.address)):
        with pytest.raises(NetError, match="refused"):
            await network.host(caller).dial(address)
    network.plug("a")
    await network.host("a").dial(others.address)
    assert accepted.qsize() == 0
    assert await accepted.get()


def test_what_came_before_start_is_not_lost_on_the_engine_s_loop_either() -> None:
    async def talk() -> None:
        accepted: asyncio.Queue[Transport] = asyncio.Queue()
        network = TcpNetwork()
        listener = await network.listen(PeerAddress("127.0.0.1", 0), accepted.put_nowait)
        dialled = await network.dial(listener.address)
        taken = await accepted.get()
        far, near = Sink(), Sink()
        taken.start(far)
        taken.write(b"early ")
        for _ in range(20):  # the loop reads, if it will
            await asyncio.sleep(0)
        dialled.start(near)
        taken.write(DATA)
        assert await near.has(6 + len(DATA)) == b"early " + DATA
        taken.close("done")
        await near.ended.wait()
        late = Sink()
        gone = await network.dial(listener.address)
        other = await accepted.get()
        other.start(Sink())
        other.write(b"last words")
        await other.drain()
        await asyncio.sleep(0)
        gone.start(late)
        assert await late.has(10) == b"last words"
        for transport in (dialled, taken, gone, other):
            await transport.aclose()
        await listener.aclose()

    run(talk())
