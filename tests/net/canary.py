"""Servers for tests of the guard: a public one that redirects, and a canary everywhere that nobody may reach.

Both are on this machine: the test namespace is given the addresses that they need.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from aiohttp import web
from pyroute2 import IPRoute

PUBLIC = "9.8.7.6"
"""An address that counts as public, and is nobody's but this namespace's while the test runs."""
FORBIDDEN = (
    *("10.9.8.7", "172.16.9.8", "192.168.9.8", "169.254.169.254", "100.64.9.8", "192.0.0.8"),
    *("192.0.2.9", "198.18.9.8", "198.51.100.9", "203.0.113.9", "192.88.99.9"),
    *("fd00::9", "fec0::9", "2001:db8::9", "2002:7f00:1::9", "2001:0:7f00:1::9", "3fff::9"),
    *("64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "5f00::9"),
)
"""What this machine has too while the test runs, so that a packet to it would arrive."""


@contextmanager
def addresses_of_all_kinds() -> Iterator[None]:
    """Give the namespace's loopback PUBLIC and FORBIDDEN."""
    with IPRoute() as network:
        (index,) = network.link_lookup(ifname="lo")
        added = [(text, 128 if ":" in text else 32) for text in (PUBLIC, *FORBIDDEN)]
        for address, length in added:
            network.addr("add", index=index, address=address, prefixlen=length, flags=0x02)  # nodad
        try:
            yield
        finally:
            for address, length in added:
                network.addr("del", index=index, address=address, prefixlen=length)


@dataclass
class Canary:
    """Listens on every address of this machine; `reached` holds the local address of each connection."""

    port: int = 0
    reached: list[str] = field(default_factory=list)

    def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached.append(writer.get_extra_info("sockname")[0])
        writer.close()


@asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    bird = Canary()
    both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=500)
    bird.port = both.getsockname()[1]
    async with await asyncio.start_server(bird, sock=both):
        yield bird


class PublicServer:
    """`url(target, hops)` redirects so many times within itself, then to the target; anything else is /data."""

    def __init__(self) -> None:
        self.data = b""
        self.port = 0
        self.requests = 0
        self._targets: list[str] = []

    def url(self, target: str, hops: int) -> str:
        if not hops:
            return target
        self._targets.append(target)
        return f"http://{PUBLIC}:{self.port}/{len(self._targets) - 1}/{hops}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests += 1
        if request.path == "/data":
            return web.Response(body=self.data)
        number, hops = map(int, request.path.strip("/").split("/"))
        target = self._targets[number] if hops == 1 else f"/{number}/{hops - 1}"
        # Not aiohttp's redirect, which would tidy the target up.
        return web.Response(status=302, headers={"Location": target})


@asynccontextmanager
async def public_server() -> AsyncIterator[PublicServer]:
    server = PublicServer()
    runner = web.ServerRunner(web.Server(server.answer))
    await runner.setup()
    site = web.TCPSite(runner, PUBLIC, 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()
