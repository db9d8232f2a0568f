"""A small STUN and TURN server for tests (RFC 8489, RFC 8656): over UDP, TCP or TLS, relaying UDP by channels."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aioice import stun

from jupyter_webtorrent.protocol.ice_servers import TurnServer, TurnTransport

USER, PASSWORD, REALM, NONCE = "a-student", "s3cret:p@ss", "tests", b"nonce"
KEY = hashlib.md5(f"{USER}:{REALM}:{PASSWORD}".encode()).digest()
LIFETIME = 600

Address = tuple[str, int]


class Client:
    """One client's allocation: a UDP socket that stands for it."""

    def __init__(self, server: Server, address: Address, send: Callable[[bytes], None]) -> None:
        self._server = server
        self._address = address
        self._send = send
        self._relay: asyncio.DatagramTransport | None = None
        self._channels: dict[int, Address] = {}

    async def received(self, data: bytes) -> None:
        if data[0] & 0xC0 == 0x40:
            number, size = struct.unpack_from("!HH", data)
            if self._relay is not None and number in self._channels:
                self._server.relayed_bytes += size
                self._relay.sendto(data[4 : 4 + size], self._channels[number])
            return
        request = stun.parse_message(data)
        response = await self._answer(request)
        if "MESSAGE-INTEGRITY" in request.attributes:
            response.add_message_integrity(KEY)
        self._send(bytes(response))

    async def _answer(self, request: stun.Message) -> stun.Message:
        if request.message_method is stun.Method.BINDING:
            mapped = self._server.mapped_address or self._address
            return _response(request, {"XOR-MAPPED-ADDRESS": mapped})
        if not request.check_message_integrity(KEY):
            return _response(
                request,
                {"ERROR-CODE": (401, "Unauthorized"), "REALM": REALM, "NONCE": NONCE},
                stun.Class.ERROR,
            )
        match request.message_method:
            case stun.Method.ALLOCATE:
                relayed = await self._allocate()
                return _response(
                    request,
                    {
                        "XOR-RELAYED-ADDRESS": relayed,
                        "XOR-MAPPED-ADDRESS": self._address,
                        "LIFETIME": LIFETIME,
                    },
                )
            case stun.Method.CHANNEL_BIND:
                number = request.attributes["CHANNEL-NUMBER"]
                self._channels[number] = request.attributes["XOR-PEER-ADDRESS"]
            case stun.Method.REFRESH:
                if not request.attributes["LIFETIME"]:
                    self.close()
                return _response(request, {"LIFETIME": request.attributes["LIFETIME"]})
        return _response(request, {})

    async def _allocate(self) -> Address:
        client = self

        class Relay(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
                client.relay(data, (addr[0], addr[1]))

        loop = asyncio.get_running_loop()
        self._relay, _ = await loop.create_datagram_endpoint(
            Relay, local_addr=(self._server.host, 0)
        )
        self._server.allocations += 1
        address: Address = self._relay.get_extra_info("sockname")
        return address

    def relay(self, data: bytes, source: Address) -> None:
        """Pass on what came to the relayed address, if the client spoke to the sender first."""
        for number, peer in self._channels.items():
            if peer == source:
                self._server.relayed_bytes += len(data)
                padding = bytes(-len(data) % 4)
                self._send(struct.pack("!HH", number, len(data)) + data + padding)

    def close(self) -> None:
        if self._relay is not None:
            self._server.allocations -= 1
            self._relay.close()
            self._relay = None


class Server(asyncio.DatagramProtocol):
    """Listens on one port; use `turn_server`."""

    def __init__(self, host: str, mapped_address: Address | None) -> None:
        self.host = host
        self.mapped_address = mapped_address
        """What it says that every client's address is, as if a router stood between; None: the truth."""
        self.relayed_bytes = 0
        self.allocations = 0
        self.config = TurnServer(host)
        self.is_deaf = False
        """It answers nothing any more."""
        self._clients: dict[Address, Client] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None

    async def listen(self, transport: TurnTransport, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        if transport == "udp":
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: self, local_addr=(self.host, 0)
            )
            port = self._transport.get_extra_info("sockname")[1]
        else:
            self._listener = await asyncio.start_server(self._serve, self.host, 0, ssl=tls)
            port = self._listener.sockets[0].getsockname()[1]
        self.config = TurnServer(self.host, port, transport, USER, PASSWORD)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        address = (addr[0], addr[1])
        if self.is_deaf or self._transport is None:
            return
        transport = self._transport
        if address not in self._clients:
            self._clients[address] = Client(
                self, address, lambda data: transport.sendto(data, address)
            )
        task = asyncio.create_task(self._clients[address].received(data))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("peername")[:2]
        client = self._clients[address] = Client(self, address, writer.write)
        try:
            while header := await reader.readexactly(4):
                size = struct.unpack_from("!H", header, 2)[0]
                rest = size + -size % 4 if header[0] & 0xC0 == 0x40 else size + 16
                await client.received(header + await reader.readexactly(rest))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            client.close()
            writer.close()

    async def aclose(self) -> None:
        for client in self._clients.values():
            client.close()
        if self._transport is not None:
            self._transport.close()
        else:
            self._listener.close()
            await self._listener.wait_closed()


@asynccontextmanager
async def turn_server(
    host: str,
    transport: TurnTransport = "udp",
    *,
    tls: ssl.SSLContext | None = None,
    mapped_address: Address | None = None,
) -> AsyncIterator[Server]:
    """A server with one user; `config` is how to reach it."""
    server = Server(host, mapped_address)
    await server.listen(transport, tls)
    try:
        yield server
    finally:
        await server.aclose()


def _response(
    request: stun.Message,
    attributes: dict[str, Any],
    kind: stun.Class = stun.Class.RESPONSE,
) -> stun.Message:
    return stun.Message(request.message_method, kind, request.transaction_id, attributes)
