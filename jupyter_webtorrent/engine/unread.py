"""Which torrents on demand are of no more use: programs that read by URL never say that they have done with one.

Only those that nobody named a folder for; their removal is the session's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.torrent import Torrent

MAX_UNREAD = 32
"""Torrents on demand that nobody reads, and that are kept all the same."""
STILL_READ_SECONDS = 3600.0
"""After its last read a program may have the file open still: it asks for each part anew."""


def surplus(torrents: Iterable[Torrent], services: Services, *, besides: Torrent) -> list[Torrent]:
    """Those that nobody reads and that were read longest ago, so many as are over MAX_UNREAD.

    `besides` is one that somebody is about to read again.
    """
    read_lately = asyncio.get_running_loop().time() - STILL_READ_SECONDS
    unread = [
        torrent
        for torrent in torrents
        if torrent is not besides
        and torrent.swarm.on_demand
        and not torrent.data.streams.is_read
        and torrent.data.streams.last_read_at <= read_lately
        and services.own_folders.entries_of([torrent.data.disk.folder])
    ]
    unread.sort(key=lambda torrent: torrent.data.streams.last_read_at)
    return unread[: max(0, len(unread) - MAX_UNREAD)]
