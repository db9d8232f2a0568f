"""Local discovery over real multicast, between two sessions of this machine."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Self

from jupyter_webtorrent.net.lan import LocalDiscovery
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress

SHARED, OTHER = InfoHash(b"s" * 20), InfoHash(b"o" * 20)


class Machine:
    def __init__(self, port: int) -> None:
        self.found: asyncio.Queue[tuple[InfoHash, PeerAddress]] = asyncio.Queue()
        self.discovery = LocalDiscovery(
            port, Random(port), lambda *found: self.found.put_nowait(found)
        )

    async def __aenter__(self) -> Self:
        await self.discovery.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.discovery.aclose()


async def test_two_machines_with_one_torrent_find_each_other_and_not_themselves() -> None:
    async with asyncio.timeout(20), Machine(1001) as one, Machine(1002) as two:
        one.discovery.add(OTHER)
        one.discovery.add(SHARED)
        two.discovery.add(SHARED)
        info_hash, address = await two.found.get()
        assert info_hash == SHARED
        assert address.port == 1001
        info_hash, address = await one.found.get()
        assert info_hash == SHARED
        assert address.port == 1002
        while not one.found.empty():  # over IPv4 and IPv6
            assert one.found.get_nowait()[1].port == 1002


async def test_what_was_removed_is_not_found() -> None:
    async with asyncio.timeout(20), Machine(1001) as one, Machine(1002) as two:
        two.discovery.add(SHARED)
        two.discovery.remove(SHARED)
        two.discovery.add(OTHER)
        one.discovery.add(SHARED)
        one.discovery.add(OTHER)
        assert (await two.found.get())[0] == OTHER
