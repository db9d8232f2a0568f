"""What a person chooses anew of a torrent that is here: its files, and what its successor takes over of that.

Beginning the successor is the session's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.selection import FileSelection
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.schema.transfers import FilePriority, TransferState


async def set_priorities(
    services: Services, torrent: Torrent, priorities: Mapping[int, FilePriority]
) -> bool:
    """Change the priorities of some files; False if the torrent has to be begun anew for that.

    Raises EngineError, and DiskFullError if what is added has no room.
    """
    swarm, disk = torrent.swarm, torrent.data.disk
    info = swarm.info
    if info is None or swarm.downloader is None or torrent.shared is not None:
        raise EngineError(f"the files of {torrent.name} cannot be chosen now")
    if services.own_folders.entries_of([disk.folder]):  # where nobody would find them
        raise EngineError(
            f"{torrent.name} is only read, and is in no folder of yours: fetch it into one"
        )
    async with torrent.choosing:
        if not await disk.prioritize(info, priorities):
            return False
        if torrent.state is TransferState.ON_DEMAND:
            torrent.state = TransferState.DOWNLOADING
        swarm.on_demand = False
        swarm.select(*disk.pieces_by_priority(info), asyncio.get_running_loop().time())
    torrent.peering.web_seeds.wake()
    if swarm.is_complete:
        torrent.arrival.mark_due()  # what was added is here
    else:
        _more_is_wanted(torrent)
    torrent.keep(soon=True)
    torrent.run_commands()
    torrent.data.streams.changed()
    return True


def covers(torrent: Torrent, selection: FileSelection) -> bool:
    """Whether a request for these files brings nothing new; raises EngineError if there are none."""
    if torrent.swarm.on_demand or selection.on_demand:
        return selection.on_demand
    return torrent.shared is not None or torrent.data.disk.selection.covers(selection, torrent.info)


def succeed(torrent: Torrent, earlier: Torrent) -> None:
    """Take the place of one that was begun anew, with all that a person set there."""
    torrent.added_at = earlier.added_at
    torrent.data.succeed(earlier.data)
    limits = earlier.peering.limits
    torrent.peering.limits.set(limits.down, limits.up)
    if earlier.switch.is_paused:
        torrent.switch.pause(earlier.switch.reason)


def _more_is_wanted(torrent: Torrent) -> None:
    torrent.data.was_finished = False
    torrent.arrival.more_is_wanted()
    if torrent.state is TransferState.SEEDING:
        torrent.state = TransferState.DOWNLOADING
