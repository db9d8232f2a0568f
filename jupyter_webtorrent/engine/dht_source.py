"""One torrent in the DHT: when it is searched for, and announced (BEP 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.session_dht import SessionDht
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress

ANNOUNCE_SECONDS = (900.0, 1800.0)
"""Between announces; nodes forget a peer after half an hour."""
FIRST_RETRY_SECONDS = 30.0
"""Until the next search when nobody was found to fetch from, or no node answered; doubles each time."""


class SearchedTorrent(Protocol):
    """The torrent, as far as its search knows it."""

    info_hash: InfoHash

    @property
    def bytes_left(self) -> int | None: ...

    @property
    def peer_count(self) -> int: ...

    def peers_found(self, addresses: Iterable[PeerAddress], source: str) -> None: ...


class DhtSource:
    """Searches as long as it is not closed."""

    def __init__(self, torrent: SearchedTorrent, services: Services, dht: SessionDht) -> None:
        self._torrent = torrent
        self._services = services
        self._dht = dht
        self._searching: asyncio.Task[None] | None = None

    def start(self, *, local: bool) -> None:
        """Begin. For a local torrent no public bootstrap node is asked; what nodes are known anyway are."""
        if not local or self._dht.nodes_are_named:
            self._dht.dht.join()
        self._searching = asyncio.create_task(self._search_often())

    def cancel(self) -> None:
        """Stop searching; `aclose` waits until that has come about."""
        if self._searching is not None:
            self._searching.cancel()

    async def aclose(self) -> None:
        self.cancel()
        if self._searching is not None:
            await asyncio.gather(self._searching, return_exceptions=True)

    async def _search_often(self) -> None:
        dht, torrent = self._dht.dht, self._torrent
        await dht.ready.wait()
        retry = FIRST_RETRY_SECONDS
        while True:
            listening = self._services.listening
            answered = await dht.search(
                torrent.info_hash,
                self._found,
                port=listening.port if listening is not None else None,
                urgent=self._is_alone,
            )
            shortest, longest = ANNOUNCE_SECONDS
            if not answered or self._is_alone:
                shortest, longest = min(retry, shortest), min(1.5 * retry, longest)
                retry *= 2
            else:
                retry = FIRST_RETRY_SECONDS
            await asyncio.sleep(self._services.random.uniform(shortest, longest))

    @property
    def _is_alone(self) -> bool:
        """It has something to fetch, and nobody to fetch it from."""
        return self._torrent.bytes_left != 0 and not self._torrent.peer_count

    def _found(self, addresses: list[PeerAddress]) -> None:
        self._torrent.peers_found(addresses, "the DHT")
