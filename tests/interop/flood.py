"""A flood of connections: `python -m tests.interop.flood HOST:PORT INFO_HASH SILENT RATE`, until it is ended.

Keeps SILENT connections open that say nothing, half of them after a handshake, and makes RATE more a second
that hang up at once; all from many loopback addresses. Says `ready` when the first SILENT are there, then
each second how many it made.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
from contextlib import suppress

from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from tests.interop.peers.options import say

ADDRESSES = [f"127.1.{number // 200}.{1 + number % 200}" for number in range(400)]


RETURN_SECONDS = 10.0
"""Before a silent peer that was closed comes again."""


class Flood:
    def __init__(self, target: PeerAddress, info_hash: InfoHash) -> None:
        self.made = 0
        self._target = (target.host, target.port)
        self._info_hash = info_hash
        self._sources = itertools.cycle(ADDRESSES)

    async def connect(self, *, shake_hands: bool) -> socket.socket:
        self.made += 1
        connection = socket.socket()
        connection.setblocking(False)
        try:
            connection.bind((next(self._sources), 0))
            await asyncio.get_running_loop().sock_connect(connection, self._target)
            if shake_hands:
                peer_id = PeerId(b"-XX0001-" + f"{self.made:012}".encode())
                connection.send(Handshake(self._info_hash, peer_id).encode())
        except BaseException:
            connection.close()
            raise
        return connection

    async def be_silent(self, number: int) -> None:
        """One connection, made again whenever it was closed."""
        loop = asyncio.get_running_loop()
        while True:
            with suppress(OSError):
                connection = await self.connect(shake_hands=number % 2 == 0)
                with connection:
                    while await loop.sock_recv(connection, 4096):
                        pass
            await asyncio.sleep(RETURN_SECONDS)

    async def come_and_go(self, rate: int) -> None:
        while True:
            for _ in range(rate // 20):
                with suppress(OSError):
                    (await self.connect(shake_hands=False)).close()
            await asyncio.sleep(1 / 20)


async def main() -> None:
    target = PeerAddress.from_text(sys.argv[1])
    flood = Flood(target, InfoHash.from_text(sys.argv[2]))
    silent, rate = int(sys.argv[3]), int(sys.argv[4])
    async with asyncio.TaskGroup() as tasks:
        for number in range(silent):
            tasks.create_task(flood.be_silent(number))
        await asyncio.sleep(1)
        say("ready")
        tasks.create_task(flood.come_and_go(rate))
        while True:
            made = flood.made
            await asyncio.sleep(1)
            say("made", count=flood.made - made)


if __name__ == "__main__":
    asyncio.run(main())
