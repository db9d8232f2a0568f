"""A network in memory, with latency and loss, for tests: streams between named hosts of one event loop.

A lost segment is sent again after a round trip, as TCP does it: the stream stays whole and stalls.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from jupyter_webtorrent.net.errors import ConnectError
from jupyter_webtorrent.net.transport import (
    HIGH_WATER,
    Buffer,
    Receiver,
    Transport,
    TransportKind,
)
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.schema.failures import FailureCode

SEGMENT_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class Link:
    """What every stream suffers. Loss and its delay are a segment's, latency is one way in seconds."""

    latency: float = 0.0
    loss: float = 0.0
    """Probability from 0 to 1 that a segment has to be sent again."""
    rate: float | None = None
    """Bytes per second and direction; None: no bound."""


class MemoryNetwork:
    """Hosts that can reach each other. `host(name)` is one machine's view, and what a Session takes."""

    def __init__(self, random: Random, link: Link | None = None) -> None:
        self.random = random
        self.link = link or Link()
        self._listeners: dict[PeerAddress, MemoryListener] = {}
        self._unplugged: set[str] = set()
        self._open: dict[str, set[MemoryTransport]] = {}

    def host(self, name: str) -> MemoryHost:
        return MemoryHost(self, name)

    def unplug(self, name: str) -> None:
        """The host vanishes: its connections break, nobody can dial it any more, and it can dial nobody."""
        self._unplugged.add(name)
        for transport in list(self._open.get(name, ())):
            transport.close("unplugged")

    def plug(self, name: str) -> None:
        """The host is back, at its old addresses."""
        self._unplugged.discard(name)

    def add_listener(self, listener: MemoryListener) -> None:
        self._listeners[listener.address] = listener

    def remove_listener(self, listener: MemoryListener) -> None:
        self._listeners.pop(listener.address, None)

    def free_port(self, host: str) -> int:
        taken = {address.port for address in self._listeners if address.host == host}
        return next(port for port in range(1024, 65536) if port not in taken)

    def connect(self, caller: str, address: PeerAddress) -> MemoryTransport:
        listener = self._listeners.get(address)
        if listener is None or self._unplugged & {caller, address.host}:
            why = f"cannot connect to {address}: Connection refused"
            raise ConnectError(FailureCode.REFUSED, why)
        ours = MemoryTransport(self, str(address))
        theirs = MemoryTransport(self, f"{caller}:0")
        ours.peer, theirs.peer = theirs, ours
        for name, end in ((caller, ours), (address.host, theirs)):
            ends = self._open.setdefault(name, set())
            ends.add(end)
            end.on_closed = lambda ends=ends, end=end: ends.discard(end)  # type: ignore[misc]
        asyncio.get_running_loop().call_later(self.link.latency, listener.accepted, theirs)
        return ours


class MemoryHost:
    """One machine of a MemoryNetwork."""

    def __init__(self, network: MemoryNetwork, name: str) -> None:
        self._network = network
        self._name = name

    async def listen(
        self, address: PeerAddress, accepted: Callable[[Transport], None]
    ) -> MemoryListener:
        port = address.port or self._network.free_port(self._name)
        listener = MemoryListener(self._network, PeerAddress(self._name, port), accepted)
        self._network.add_listener(listener)
        return listener

    async def dial(self, address: PeerAddress) -> MemoryTransport:
        await asyncio.sleep(2 * self._network.link.latency)
        return self._network.connect(self._name, address)


class MemoryListener:
    def __init__(
        self,
        network: MemoryNetwork,
        address: PeerAddress,
        accepted: Callable[[Transport], None],
    ) -> None:
        self._network = network
        self.address = address
        self.accepted = accepted

    async def aclose(self) -> None:
        self._network.remove_listener(self)


class MemoryTransport:
    """One end of a stream."""

    kind: TransportKind = "memory"

    def __init__(self, network: MemoryNetwork, remote: str) -> None:
        self.remote = remote
        self.peer: MemoryTransport
        self.on_closed: Callable[[], None] = lambda: None
        self._network = network
        self._loop = asyncio.get_running_loop()
        self._receiver: Receiver | None = None
        self._early = bytearray()
        self._outgoing = bytearray()
        self._on_the_way: deque[bytes] = deque()
        self._in_flight = 0
        self._flushing = False
        self._free_at = 0.0
        """When the last segment sent so far arrives: none overtakes it."""
        self._reason: str | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def unsent(self) -> int:
        return len(self._outgoing) + self._in_flight

    def start(self, receiver: Receiver) -> None:
        self._receiver = receiver
        if self._early:
            self._loop.call_soon(self._deliver, b"")
        if self._reason is not None:
            self._loop.call_soon(receiver.closed, self._reason)

    def write(self, *parts: Buffer) -> None:
        if self._reason is not None:
            return
        for part in parts:
            self._outgoing += part
        if self.unsent > HIGH_WATER:
            self._writable.clear()
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    async def drain(self) -> None:
        await self._writable.wait()

    def close(self, reason: str) -> None:
        if self._reason is None:
            self._end(reason)
            arrival = max(self._free_at, self._loop.time() + self._network.link.latency)
            self._loop.call_at(arrival, self.peer._end, "the peer closed the connection")

    async def aclose(self) -> None:
        self.close("closed here")

    def _flush(self) -> None:
        self._flushing = False
        while self._outgoing and self._reason is None:
            segment = bytes(self._outgoing[:SEGMENT_BYTES])
            del self._outgoing[:SEGMENT_BYTES]
            self._in_flight += len(segment)
            self._on_the_way.append(segment)
            self._loop.call_at(self._arrival(len(segment)), self._arrived)

    def _arrival(self, size: int) -> float:
        link = self._network.link
        delay = link.latency
        while link.loss and self._network.random.random() < link.loss:
            delay += 2 * link.latency
        arrival = max(self._free_at, self._loop.time() + delay)
        if link.rate is not None:
            arrival += size / link.rate
        self._free_at = arrival
        return arrival

    def _arrived(self) -> None:
        segment = self._on_the_way.popleft()  # the loop does not order timers of one time
        self._in_flight -= len(segment)
        if self.unsent < HIGH_WATER // 4:
            self._writable.set()
        self.peer._deliver(segment)

    def _deliver(self, segment: bytes) -> None:
        self._early += segment
        while self._early and self._receiver is not None and self._reason is None:
            buffer = self._receiver.get_buffer()
            count = min(len(buffer), len(self._early))
            buffer[:count] = self._early[:count]
            del self._early[:count]
            self._receiver.buffer_updated(count)

    def _end(self, reason: str) -> None:
        if self._reason is not None:
            return
        self._reason = reason
        self._writable.set()
        self.on_closed()
        if self._receiver is not None:
            self._loop.call_soon(self._receiver.closed, reason)
