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


def hand_over(ended: Torrent, successor: Torrent) -> bool:
    """Let the successor of a torrent on demand take over what was read, and clear it, if it goes elsewhere.

    False if there is nothing of the kind.
    """
    earlier, later = ended.data.disk, successor.data.disk
    if successor.shared is not None:
        return False
    if ended.swarm.on_demand and earlier.folder != later.folder and earlier.store is not None:
        later.inherited = earlier.store
        return True
    later.inherited, earlier.inherited = (
        earlier.inherited,
        None,
    )  # there was no time to take it over
    return False


async def clear(services: Services, ended: Torrent, successor: Torrent | None = None) -> None:
    """Remove what an ended torrent kept, but for what a person chose to fetch and what its successor uses."""
    entries, disk = _entries(services, ended), ended.data.disk
    moved = successor is not None and successor.data.disk.folder != disk.folder
    await services.offload(disk.clear_inherited)
    try:
        if ended.swarm.on_demand and moved and disk.store is not None:
            await services.offload(disk.store.delete_data)
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
