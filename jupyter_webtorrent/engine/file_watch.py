"""Looks, in a slow rotation, whether the files of a session's torrents are still what was checked.

A few `stat` calls a second, however many torrents there are. What a change means is `file_guard`'s business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from jupyter_webtorrent.engine.offload import Offload
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.store import PieceStore

TURN_SECONDS = 1.0
ROTATION_SECONDS = 15.0
"""Every torrent is looked at once in this time."""


class FileWatch:
    """One task for all torrents of a session."""

    def __init__(self, torrents: Mapping[InfoHash, Torrent], offload: Offload) -> None:
        self._torrents = torrents
        self._offload = offload
        self._waiting: list[InfoHash] = []
        """Torrents that have not had their turn in this rotation."""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(TURN_SECONDS)
            if not self._waiting:
                self._waiting = list(self._torrents)
            share = -(-len(self._torrents) // int(ROTATION_SECONDS / TURN_SECONDS))
            turn, self._waiting = self._waiting[:share], self._waiting[share:]
            await self._look(turn)

    async def _look(self, turn: Sequence[InfoHash]) -> None:
        torrents: list[Torrent] = []
        looks: list[tuple[PieceStore, list[int]]] = []
        for info_hash in turn:
            torrent = self._torrents.get(info_hash)
            if torrent is None or not torrent.is_running or torrent.data.disk.reader is None:
                continue
            assert torrent.data.disk.store is not None
            torrents.append(torrent)
            looks.append((torrent.data.disk.store, torrent.data.guard.files_to_look_at()))
        if not torrents:
            return
        for torrent, changed in zip(torrents, await self._offload(_changed, looks), strict=True):
            if changed and torrent.is_running:
                torrent.data.guard.changed(changed)


def _changed(looks: Sequence[tuple[PieceStore, list[int]]]) -> list[list[int]]:
    """Blocking."""
    found: list[list[int]] = []
    for store, files in looks:
        try:
            found.append(store.changed_files(files))
        except StorageError:  # out of reach for now: a read says so if anyone asks
            found.append([])
    return found
