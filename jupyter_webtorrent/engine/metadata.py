"""One torrent's metadata: known from the start, or brought by peers (BEP 9) or an exact source, whichever is first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from jupyter_webtorrent.engine.exact_sources import ExactSources
from jupyter_webtorrent.engine.links import Source
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.metainfo import Info


class TorrentMetadata:
    """Settled once: by an info dictionary, or by an error if the peers' one cannot be used."""

    def __init__(self, source: Source, services: Services) -> None:
        self.exact_sources = ExactSources(
            source.link.exact_sources, source.link.info_hash, services
        )
        self._known: asyncio.Future[Info] = asyncio.get_running_loop().create_future()
        if source.info is not None:
            self._known.set_result(source.info)

    @property
    def info(self) -> Info | None:
        known = self._known
        if not known.done() or known.cancelled() or known.exception() is not None:
            return None
        return known.result()

    @property
    def is_settled(self) -> bool:
        return self._known.done()

    def when_settled(self, call: Callable[[], object]) -> None:
        self._known.add_done_callback(lambda _: call())

    async def wait(self) -> Info:
        """Raises WebTorrentError for what the peers sent, if it cannot be used."""
        return await asyncio.shield(self._known)

    def came_from_peers(self, raw: bytes) -> None:
        """The info dictionary has come, and fits the info hash."""
        if self.is_settled:
            return
        try:
            self._known.set_result(Info.from_bytes(raw))
        except WebTorrentError as error:
            self._known.set_exception(error)

    def learn(self, source: Source) -> None:
        """Another link names the same torrent: use what it says."""
        self.exact_sources.add(source.link.exact_sources)
        if source.info is not None and not self.is_settled:
            self._known.set_result(source.info)
