"""The torrents of a session, each a task of its own that ends with it."""

from __future__ import annotations

import asyncio

from jupyter_webtorrent.engine import leftovers
from jupyter_webtorrent.engine.errors import EngineError, TransferNotFoundError
from jupyter_webtorrent.engine.plans import Plan
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.protocol.identity import InfoHash

MAX_TORRENTS = 1000


class RunningTorrents:
    """One torrent of each info hash. Who changes that holds a lock meanwhile."""

    def __init__(self, services: Services) -> None:
        self.torrents: dict[InfoHash, Torrent] = {}
        self._services = services
        self._tasks: dict[InfoHash, asyncio.Task[None]] = {}

    def torrent(self, info_hash: InfoHash) -> Torrent:
        """Raises TransferNotFoundError."""
        try:
            return self.torrents[info_hash]
        except KeyError:
            raise TransferNotFoundError(f"there is no transfer {info_hash}") from None

    def task(self, torrent: Torrent) -> asyncio.Task[None]:
        return self._tasks[torrent.info_hash]

    async def begin(self, torrent: Torrent) -> Torrent:
        if len(self.torrents) >= MAX_TORRENTS:
            raise EngineError(f"a session holds {MAX_TORRENTS} torrents; remove one first")
        await leftovers.hold(self._services, torrent)
        self.torrents[torrent.info_hash] = torrent
        task = self._tasks[torrent.info_hash] = asyncio.create_task(torrent.run())
        task.add_done_callback(lambda _: torrent.ended())
        self._services.keep(torrent.info_hash, soon=True)
        return torrent

    async def begin_in_place_of(self, existing: Torrent | None, plan: Plan) -> Torrent:
        """Begin a torrent; what there is of the same info hash ends for it, and leaves it what it can."""
        if existing is None:
            return await self.begin(plan.torrent(self._services))
        readers = existing.data.streams
        readers.await_successor()
        try:
            await self.end(existing)
            torrent = plan.torrent(self._services)
            inherits = leftovers.hand_over(existing, torrent)
            await self.begin(torrent)
            readers.go_on_in(torrent.data.streams)
        finally:
            readers.give_up()
        if not inherits:
            await leftovers.clear(self._services, existing, torrent)
        return torrent

    async def end(self, torrent: Torrent) -> None:
        """Stop a torrent, whatever it is doing; what it has on disk stays."""
        task = self._tasks[torrent.info_hash]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        del self._tasks[torrent.info_hash], self.torrents[torrent.info_hash]

    async def aclose(self) -> None:
        """Stop all of them; they are listed on."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
