"""What torrents keep in the session's own folders, and what becomes of it when they end."""

from __future__ import annotations

import logging
from pathlib import Path

from jupyter_webtorrent.engine.plans import Plan
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.storage.errors import StorageError

log = logging.getLogger(__name__)


async def hold(services: Services, torrent: Torrent) -> None:
    """Keep a torrent's own folders from other sessions, before it begins; of what another has it gets its own."""
    own, disk = services.own_folders, torrent.data.disk
    try:
        disk.folder = await services.offload(own.hold_for_reading, disk.folder)
        await services.offload(own.hold, _entries(services, torrent))
    except StorageError as error:
        log.warning("%s", error)  # the torrent says so itself, if it comes to nothing by it


async def clear(services: Services, ended: Torrent, successor: Torrent | None = None) -> None:
    """Remove what an ended torrent kept, but for what a person chose to fetch and what its successor uses."""
    entries, store = _entries(services, ended), ended.data.disk.store
    moved = successor is not None and successor.data.disk.folder != ended.data.disk.folder
    try:
        if ended.swarm.on_demand and moved and store is not None:
            await services.offload(store.delete_data)
    except StorageError as error:
        log.warning("%s", error)
    entries -= set() if successor is None else _entries(services, successor)
    if entries:
        await services.offload(services.own_folders.remove, entries)


async def clear_plan(services: Services, plan: Plan, *, besides: Torrent | None = None) -> None:
    """Remove the copies of a share that comes to nothing, but for those that another torrent serves."""
    assert plan.shared is not None
    entries = services.own_folders.entries_of(plan.shared.files)
    entries -= set() if besides is None else _entries(services, besides)
    if entries:
        await services.offload(services.own_folders.remove, entries)


def _entries(services: Services, torrent: Torrent) -> set[Path]:
    shared = torrent.shared.files if torrent.shared is not None else ()
    return services.own_folders.entries_of((torrent.data.disk.folder, *shared))
