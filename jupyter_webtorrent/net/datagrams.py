"""UDP: datagrams to and from named addresses, for what is no stream (the DHT)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeAlias, cast

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.protocol.identity import PeerAddress

Received: TypeAlias = Callable[[bytes, PeerAddress], None]
"""Takes a datagram and the IP address and port it came from."""


class Datagrams(Protocol):
    """An open UDP port."""

    @property
    def address(self) -> PeerAddress:
        """The host it was asked to bind, and the port it has."""

    def send(self, data: bytes, address: PeerAddress) -> None:
        """Send to an IP address; a datagram that cannot be sent is lost."""

    async def aclose(self) -> None: ...


class DatagramNetwork(Protocol):
    """Where UDP ports come from: the machine, or a network in memory for tests."""

    async def bind(self, address: PeerAddress, received: Received) -> Datagrams:
        """Open a port of one IP address, `0.0.0.0` or `::`; port 0 means any. Raises NetError."""


class UdpNetwork:
    """The machine's own network."""

    async def bind(self, address: PeerAddress, received: Received) -> UdpDatagrams:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_DGRAM)
        try:
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.setblocking(False)
            bound.bind((address.host, address.port))
            port: int = bound.getsockname()[1]
            loop = asyncio.get_running_loop()
            _, protocol = await loop.create_datagram_endpoint(
                lambda: UdpDatagrams(PeerAddress(address.host, port), received), sock=bound
            )
        except OSError as error:
            bound.close()
            reason = error.strerror or type(error).__name__
            raise NetError(f"cannot open UDP port {address}: {reason}") from error
        return protocol


class UdpDatagrams(asyncio.DatagramProtocol):
    def __init__(self, address: PeerAddress, received: Received) -> None:
        self.address = address
        self._received = received
        self._transport: asyncio.DatagramTransport | None = None
        self._is_full = False
        self._closed = asyncio.get_running_loop().create_future()

    def send(self, data: bytes, address: PeerAddress) -> None:
        if self._transport is None or self._transport.is_closing() or self._is_full:
            return
        with suppress(OSError):
            self._transport.sendto(data, (address.host, address.port))

    async def aclose(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            await asyncio.shield(self._closed)

    # asyncio.DatagramProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._received(data, PeerAddress(addr[0], addr[1]))

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed.done():
            self._closed.set_result(None)
