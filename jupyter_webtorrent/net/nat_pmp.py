"""A port mapped by NAT-PMP (RFC 6886): asks the gateway over UDP, and believes nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol, TypeVar

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.gateway import Gateway, Mapped
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.nat_pmp import (
    AddressRequest,
    GatewayRefusalError,
    MappingRequest,
)

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

TRIES = 4
"""Of RFC 6886's nine (section 3.1): after these 4 s a gateway that is silent is asked by UPnP."""
FIRST_WAIT = 0.25
"""Seconds until a request is sent again; doubled each time."""
MAX_UNREAD = 8


class _Request(Protocol[T_co]):
    def encode(self) -> bytes: ...

    def decode_reply(self, data: bytes) -> T_co: ...


class NatPmp:
    """A MappingMethod."""

    name = "NAT-PMP"

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._asked: MappingRequest | None = None
        """What may be mapped now, whether or not it was answered."""

    async def map(self, port: int, lifetime: int) -> Mapped:
        wish = self._asked.external_port if self._asked is not None else port
        async with self._connected() as channel:
            host = await channel.ask(AddressRequest())
            self._asked = MappingRequest(port, wish, lifetime)
            given = await channel.ask(self._asked)
        if not given.external_port or not given.lifetime:
            raise NetError("the gateway gives no port")
        self._asked = given
        return Mapped(host, given.external_port, given.lifetime)

    async def unmap(self) -> None:
        if self._asked is not None:
            removal, self._asked = self._asked.removal(), None
            async with self._connected() as channel:
                await channel.ask(removal)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[_Channel]:
        try:
            transport, channel = await asyncio.get_running_loop().create_datagram_endpoint(
                _Channel, remote_addr=(self._gateway.host, self._gateway.nat_pmp_port)
            )
        except OSError as error:
            raise NetError(f"the gateway cannot be asked: {error}") from error
        try:
            yield channel
        finally:
            transport.close()
            await asyncio.sleep(0)  # the socket closes in the loop's next turn


class _Channel(asyncio.DatagramProtocol):
    """A socket connected to the gateway: the system lets no other sender's datagrams through."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._replies: asyncio.Queue[bytes | Exception] = asyncio.Queue(MAX_UNREAD)

    async def ask(self, request: _Request[T]) -> T:
        """Send until it is answered; raises NetError."""
        assert self._transport is not None
        for attempt in range(TRIES):
            self._transport.sendto(request.encode())
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_WAIT * 2**attempt):
                    return await self._reply(request)
        raise NetError("the gateway does not answer")

    async def _reply(self, request: _Request[T]) -> T:
        while True:
            reply = await self._replies.get()
            if isinstance(reply, Exception):
                raise NetError("the gateway does not speak it") from reply
            try:
                return request.decode_reply(reply)
            except GatewayRefusalError as refusal:
                raise NetError(f"the gateway refused: {refusal}") from refusal
            except ProtocolError:
                continue  # perhaps the late reply to another request

    # DatagramProtocol

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | object, ...]) -> None:
        with suppress(asyncio.QueueFull):
            self._replies.put_nowait(data)

    def error_received(self, error: Exception) -> None:
        with suppress(asyncio.QueueFull):
            self._replies.put_nowait(error)
