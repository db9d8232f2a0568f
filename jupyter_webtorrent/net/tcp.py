"""Connections over TCP, received into the receiver's own buffer (`asyncio.BufferedProtocol`)."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from typing import cast

from jupyter_webtorrent.net.errors import ConnectError, NetError
from jupyter_webtorrent.net.transport import (
    HIGH_WATER,
    Buffer,
    Receiver,
    Transport,
    TransportKind,
)
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.schema.failures import FailureCode

BACKLOG = 128
EARLY_BYTES = 1 << 16
EVERY_INTERFACE = "0.0.0.0"

_CODES = {
    errno.ECONNREFUSED: FailureCode.REFUSED,
    errno.ECONNRESET: FailureCode.REFUSED,
    errno.EHOSTUNREACH: FailureCode.UNREACHABLE,
    errno.ENETUNREACH: FailureCode.UNREACHABLE,
    errno.ENETDOWN: FailureCode.UNREACHABLE,
    errno.EADDRNOTAVAIL: FailureCode.UNREACHABLE,
    errno.ETIMEDOUT: FailureCode.TIMED_OUT,
}


class TcpTransport(asyncio.BufferedProtocol):
    """One TCP connection. What comes before `start` is kept for it, and no more than a buffer is read."""

    kind: TransportKind = "tcp"

    def __init__(self, accepted: Callable[[Transport], None] | None = None) -> None:
        self._accepted = accepted
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._early_buffer = bytearray()
        self._early = b""
        self._reading = False
        """Whether the receiver has what came early, and takes the rest itself."""
        self._reason = ""
        self._lost = self._loop.create_future()
        self._writable = asyncio.Event()
        self._writable.set()
        self.remote = ""

    # Transport

    @property
    def unsent(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def start(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._loop.call_soon(self._begin, receiver)

    def write(self, *parts: Buffer) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines(parts)

    async def drain(self) -> None:
        await self._writable.wait()

    def close(self, reason: str) -> None:
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    async def aclose(self) -> None:
        self.close("closed here")
        await asyncio.shield(self._lost)

    # asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER, low=HIGH_WATER // 4)
        self._transport.pause_reading()
        host, port, *_ = transport.get_extra_info("peername") or ("?", 0)
        self.remote = str(PeerAddress(_plain(host), port))
        if self._accepted is not None:
            self._accepted(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        if self._reading and self._receiver is not None:
            return self._receiver.get_buffer()
        # uvloop begins to read after connection_made, whatever that asked for.
        self._early_buffer = bytearray(EARLY_BYTES)
        return memoryview(self._early_buffer)

    def buffer_updated(self, nbytes: int) -> None:
        if self._reading and self._receiver is not None:
            self._receiver.buffer_updated(nbytes)
        else:
            self._early += self._early_buffer[:nbytes]
            if self._transport is not None:
                self._transport.pause_reading()

    def _begin(self, receiver: Receiver) -> None:
        """Hand over what came early, then read on."""
        early = memoryview(self._early)
        while early:
            space = receiver.get_buffer()
            count = min(len(space), len(early))
            space[:count] = early[:count]
            receiver.buffer_updated(count)
            early = early[count:]
        self._early, self._early_buffer = b"", bytearray()
        self._reading = True
        if self._lost.done():
            receiver.closed(self._reason)
        elif self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._reason:
            why = _why(exc) if isinstance(exc, OSError) else str(exc or "")
            self._reason = why or "the peer closed the connection"
        self._writable.set()
        self._lost.set_result(None)
        if self._reading and self._receiver is not None:
            self._receiver.closed(self._reason)


class TcpListener:
    def __init__(self, server: asyncio.Server, host: str) -> None:
        self._server = server
        self.address = PeerAddress(host, server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        # Its connections are their receivers' to close: newer Pythons would wait for them here.
        self._server.close()


class TcpNetwork:
    """The machine's own network."""

    async def listen(
        self, address: PeerAddress, accepted: Callable[[Transport], None]
    ) -> TcpListener:
        """Listen on one host, or with an empty one on every IPv4 and IPv6 interface. Raises NetError."""
        loop = asyncio.get_running_loop()

        def protocol() -> TcpTransport:
            return TcpTransport(accepted)

        try:
            if address.host:
                server = await loop.create_server(
                    protocol, address.host, address.port, backlog=BACKLOG
                )
            else:
                bound = _every_interface(address.port)
                server = await loop.create_server(protocol, sock=bound, backlog=BACKLOG)
        except OSError as error:
            where = address if address.host else f"port {address.port}"
            raise NetError(f"cannot listen on {where}: {_why(error)}") from error
        return TcpListener(server, address.host or EVERY_INTERFACE)

    async def dial(self, address: PeerAddress) -> TcpTransport:
        loop = asyncio.get_running_loop()
        try:
            _, protocol = await loop.create_connection(TcpTransport, address.host, address.port)
        except OSError as error:
            why = f"cannot connect to {address}: {_why(error)}"
            raise ConnectError(_code(error), why) from error
        return protocol


def _every_interface(port: int) -> socket.socket:
    """One socket for both address families, so that port 0 becomes one port."""
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        except OSError:
            if port:
                raise
    return socket.create_server(("", port))


def _plain(host: str) -> str:
    """An IPv4 address that came through an IPv6 socket, as itself."""
    return host.removeprefix("::ffff:") if host.count(".") == 3 else host


def _code(error: OSError) -> FailureCode:
    if isinstance(error, socket.gaierror):
        return FailureCode.NO_SUCH_HOST
    return _CODES.get(error.errno or 0, FailureCode.OTHER)


def _why(error: OSError) -> str:
    """The plain reason; asyncio's own text is about its calls."""
    if error.errno and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__
