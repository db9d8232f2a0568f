"""What of a session outlives it: its journal, and the folders of its own. The next one of this process takes over
both as they are, so that no other process finds them free meanwhile.

Which torrents come of the records is the session's business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.state_keeper import StateKeeper
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.journal import Journal, Kept

log = logging.getLogger(__name__)


class SessionMemory:
    """`open` first, `aclose` last; nothing is remembered where there is no state folder, or it cannot be used."""

    def __init__(self, services: Services, torrents: Mapping[InfoHash, Torrent]) -> None:
        self._services = services
        self._torrents = torrents
        self._journal: Journal | None = None
        self._keeper: StateKeeper | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._is_inherited = False

    def go_on_from(self, before: SessionMemory) -> None:
        """Take over what another session has, which is to be closed before this one is opened."""
        before._is_inherited = True
        self._journal = before._journal
        self._services.own_folders = before._services.own_folders

    async def open(self) -> dict[InfoHash, Kept]:
        """What sessions before left; from now on the torrents are remembered."""
        folder = self._services.config.state_folder
        if folder is None:
            return {}
        offload = self._services.offload
        try:
            if self._journal is None:
                self._journal = await offload(Journal.open, folder)
        except StorageError as error:
            log.warning("%s: transfers are forgotten when this session ends", error)
            return {}
        self._keeper = StateKeeper(self._journal, self._torrents, offload)
        self._services.keeper = self._keeper
        self._keeping = asyncio.create_task(self._keeper.run())
        return self._journal.take()

    async def sweep(self) -> None:
        """Remove what sessions left in own folders that ended, once all that is remembered holds its own."""
        if self._keeper is not None:
            await self._services.offload(self._services.own_folders.sweep)

    async def save(self) -> None:
        """Write what is not written yet; raises StorageError if another session could not go on."""
        if self._keeper is not None:
            await self._keeper.save()
        elif self._torrents:
            folder = self._services.config.state_folder
            raise StorageError(
                "there is no state folder" if folder is None else "the state folder cannot be used"
            )

    async def aclose(self) -> None:
        """Write the rest, after the torrents have ended, and let go of what nobody has taken over."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._keeper is not None:
            await self._keeper.aclose(leave_open=self._is_inherited)
        if not self._is_inherited:
            await self._services.offload(self._services.own_folders.close)
