"""Peers on the local network, found by multicast (BEP 14): what we have is announced, what others have is heard.

One for a session; no announce goes past the next router. Whom to dial is left to the torrents.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from typing import cast

import ifaddr

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.lsd import (
    GROUP_IPV4,
    GROUP_IPV6,
    MAX_INFO_HASHES,
    PORT,
    LocalAnnounce,
)

log = logging.getLogger(__name__)

ANNOUNCE_SECONDS = 300.0
GATHER_SECONDS = 1.0
"""How long new torrents wait for others, to be announced in one message."""
MAX_HEARD = 50
"""Messages read in a second; the rest is a flood."""

Found = Callable[[InfoHash, PeerAddress], None]


class LocalDiscovery:
    """Announces this session's torrents, and tells of others' that it has too."""

    def __init__(self, port: int, random: Random, found: Found) -> None:
        self._port = port
        self._random = random
        self._found = found
        self._cookie = random.randbytes(8).hex()
        self._due: dict[InfoHash, float] = {}
        """When each torrent is announced next."""
        self._added = asyncio.Event()
        self._groups: list[_Group] = []
        self._announcing: asyncio.Task[None] | None = None
        self._second = 0
        self._heard = 0

    async def start(self) -> None:
        """Join the groups; raises NetError where there is no multicast."""
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                self._groups.append(await _Group.join(family, self._received))
            except OSError as error:
                log.debug("no local discovery over %s: %s", family.name, error)
        if not self._groups:
            raise NetError("the local network cannot be searched: there is no multicast")
        self._announcing = asyncio.create_task(self._announce_often())

    def add(self, info_hash: InfoHash) -> None:
        """Announce a torrent soon, and then every five minutes."""
        self._due[info_hash] = 0.0
        self._added.set()

    def remove(self, info_hash: InfoHash) -> None:
        self._due.pop(info_hash, None)

    async def aclose(self) -> None:
        if self._announcing is not None:
            self._announcing.cancel()
            await asyncio.gather(self._announcing, return_exceptions=True)
        for group in self._groups:
            group.close()
        await asyncio.sleep(0)  # the sockets close in the loop's next turn

    async def _announce_often(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            due = [info_hash for info_hash, at in self._due.items() if at <= now]
            for start in range(0, len(due), MAX_INFO_HASHES):
                self._announce(tuple(due[start : start + MAX_INFO_HASHES]))
            for info_hash in due:
                self._due[info_hash] = now + ANNOUNCE_SECONDS * self._random.uniform(0.9, 1.1)
            wait = min(self._due.values(), default=now + ANNOUNCE_SECONDS) - now
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._added.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._added.clear()

    def _announce(self, info_hashes: tuple[InfoHash, ...]) -> None:
        message = LocalAnnounce(self._port, info_hashes, self._cookie)
        for group in self._groups:
            group.send(message.encode(group.host))

    def _received(self, data: bytes, host: str) -> None:
        second = int(asyncio.get_running_loop().time())
        if second != self._second:
            self._second, self._heard = second, 0
        self._heard += 1
        if self._heard > MAX_HEARD:
            return
        try:
            announce = LocalAnnounce.decode(data)
        except ProtocolError:
            return
        if announce.cookie == self._cookie:
            return
        for info_hash in announce.info_hashes:
            if info_hash in self._due:
                self._found(info_hash, PeerAddress(host, announce.port))


class _Group(asyncio.DatagramProtocol):
    """One multicast group, on every interface that has it."""

    def __init__(self, sock: socket.socket, received: Callable[[bytes, str], None]) -> None:
        self._socket = sock
        self._received = received
        self._joined: set[bytes] = set()
        self._transport: asyncio.DatagramTransport | None = None
        self.host = GROUP_IPV4 if sock.family == socket.AF_INET else GROUP_IPV6

    @classmethod
    async def join(
        cls, family: socket.AddressFamily, received: Callable[[bytes, str], None]
    ) -> _Group:
        """Raises OSError."""
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            _share_port(sock)
            group = cls(sock, received)
            # Bound to the group, a socket hears nothing but it; Windows knows no such thing.
            sock.bind(("" if sys.platform == "win32" else group.host, PORT))
            if not list(group._interfaces()):
                raise OSError("no interface takes part in the group")
            loop = asyncio.get_running_loop()
            await loop.create_datagram_endpoint(lambda: group, sock=sock)
        except BaseException:
            sock.close()
            raise
        return group

    def send(self, data: bytes) -> None:
        """To everyone on every network of this machine."""
        for interface in self._interfaces():
            option = (
                (socket.IPPROTO_IP, socket.IP_MULTICAST_IF)
                if self._socket.family == socket.AF_INET
                else (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF)
            )
            with suppress(OSError):  # it has gone since; its announces are a few bytes
                self._socket.setsockopt(*option, interface)
                self._socket.sendto(data, (self.host, PORT))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _interfaces(self) -> Iterator[bytes]:
        """Those that are there now, as the socket options want them; joined if they are new."""
        for adapter in ifaddr.get_adapters():
            for address in adapter.ips:
                if self._socket.family == socket.AF_INET:
                    if not address.is_IPv4 or str(address.ip).startswith("127."):
                        continue
                    name = socket.inet_aton(cast(str, address.ip))
                    request = socket.inet_aton(self.host) + name
                    option = (socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP)
                else:
                    if address.is_IPv4 or address.ip[0] == "::1" or not adapter.index:
                        continue
                    name = struct.pack("@I", adapter.index)
                    request = socket.inet_pton(socket.AF_INET6, self.host) + name
                    option = (socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP)
                if name not in self._joined:
                    try:
                        self._socket.setsockopt(*option, request)
                    except OSError:
                        continue
                    self._joined.add(name)
                yield name

    # DatagramProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, ...]) -> None:
        self._received(data, str(addr[0]))

    def error_received(self, error: Exception) -> None:
        log.debug("local discovery: %s", error)


def _share_port(sock: socket.socket) -> None:
    """Several sessions of one machine hear the same announces."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform not in ("win32", "linux"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
