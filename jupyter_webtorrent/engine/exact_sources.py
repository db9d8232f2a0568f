"""A magnet link's exact sources (`xs`): the .torrent file by HTTP, for when no peer has the metadata yet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress

from jupyter_webtorrent.engine import links
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.trackers.backoff import Backoff
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.metainfo import Metainfo
from jupyter_webtorrent.protocol.urls import shown_url

log = logging.getLogger(__name__)

PEERS_FIRST_SECONDS = 2.0
"""What peers get to bring the metadata before a server is asked."""


class ExactSources:
    """The URLs where a stranger says that a torrent's .torrent file is."""

    def __init__(self, urls: Iterable[str], info_hash: InfoHash, services: Services) -> None:
        self._urls = list(urls)
        self._added = asyncio.Event()
        self._info_hash = info_hash
        self._services = services
        self._failures: dict[str, str] = {}

    @property
    def failures(self) -> list[str]:
        """Why each of them gave nothing, in one line each."""
        return [f"{shown_url(url)}: {reason}" for url, reason in self._failures.items()]

    def add(self, urls: Iterable[str]) -> None:
        """Look there, too."""
        self._urls += [url for url in urls if url not in self._urls]
        self._added.set()

    async def find(self) -> Metainfo:
        """The .torrent file with the info hash, however often it takes to try."""
        await asyncio.sleep(PEERS_FIRST_SECONDS)
        backoff = Backoff(self._services.random)
        while True:
            self._added.clear()
            for url in self._urls:
                try:
                    metainfo = await links.download(self._services.http, url, Policy.PUBLIC)
                except WebTorrentError as error:
                    log.debug("%s: exact source: %s", self._info_hash, error)
                    self._failures[url] = str(error)
                    continue
                if metainfo.info.info_hash == self._info_hash:
                    return metainfo
                self._failures[url] = "its .torrent file is of another torrent"
            with suppress(TimeoutError):
                async with asyncio.timeout(backoff.next() if self._urls else None):
                    await self._added.wait()
