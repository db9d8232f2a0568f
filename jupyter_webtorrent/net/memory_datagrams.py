"""Datagrams in memory, with latency and loss, for tests: they may be lost and may overtake one another."""

from __future__ import annotations

import asyncio
from random import Random

from jupyter_webtorrent.net.datagrams import Received
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.memory import Link
from jupyter_webtorrent.protocol.identity import PeerAddress


class MemoryDatagramNetwork:
    """Hosts, each with its ports. `host(name)` is one machine's view."""

    def __init__(self, random: Random, link: Link | None = None) -> None:
        self.random = random
        self.link = link or Link()
        self.sent = 0
        """Datagrams, the lost ones too."""
        self.open: dict[PeerAddress, MemoryDatagrams] = {}

    def host(self, name: str) -> MemoryDatagramHost:
        return MemoryDatagramHost(self, name)

    def deliver(self, data: bytes, sender: PeerAddress, receiver: PeerAddress) -> None:
        """Carry one datagram; also one whose sender is made up."""
        self.sent += 1
        if self.random.random() >= self.link.loss:
            delay = self.link.latency * self.random.uniform(0.5, 1.5)
            loop = asyncio.get_running_loop()
            loop.call_later(delay, self._arrived, data, sender, receiver)

    def _arrived(self, data: bytes, sender: PeerAddress, receiver: PeerAddress) -> None:
        if (port := self.open.get(receiver)) is not None:
            port.received(data, sender)


class MemoryDatagramHost:
    def __init__(self, network: MemoryDatagramNetwork, name: str) -> None:
        self._network = network
        self._name = name

    async def bind(self, address: PeerAddress, received: Received) -> MemoryDatagrams:
        """Whatever host is asked for, it is this machine's one."""
        if (":" in address.host) != (":" in self._name):
            raise NetError(f"cannot open UDP port {address}: no such address here")
        taken = {known.port for known in self._network.open if known.host == self._name}
        port = address.port or next(port for port in range(1024, 65536) if port not in taken)
        if port in taken:
            raise NetError(f"cannot open UDP port {address}: Address already in use")
        bound = MemoryDatagrams(self._network, PeerAddress(self._name, port), received)
        self._network.open[bound.address] = bound
        return bound


class MemoryDatagrams:
    def __init__(
        self, network: MemoryDatagramNetwork, address: PeerAddress, received: Received
    ) -> None:
        self.address = address
        self.received = received
        self._network = network

    def send(self, data: bytes, address: PeerAddress) -> None:
        if self._network.open.get(self.address) is self:
            self._network.deliver(data, self.address, address)

    async def aclose(self) -> None:
        self._network.open.pop(self.address, None)
