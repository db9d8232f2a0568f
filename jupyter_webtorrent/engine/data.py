"""One torrent's data between its swarm and its disk: pieces stored, guarded, lost and found again, and read.

How it lies on disk is `disk`'s business, what people do to its files `file_guard`'s.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from jupyter_webtorrent.engine.amounts import Amounts
from jupyter_webtorrent.engine.disk import TorrentDisk
from jupyter_webtorrent.engine.file_guard import FileGuard
from jupyter_webtorrent.engine.selection import FileSelection
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.stream import Streams
from jupyter_webtorrent.engine.work import Work
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.messages import Request
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.storage.errors import DiskTroubleError, FileChangedError, StorageError
from jupyter_webtorrent.storage.journal import Kept
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.swarm import Swarm

log = logging.getLogger(__name__)


class TorrentData:
    """Implements `GuardedTorrent`."""

    def __init__(
        self,
        swarm: Swarm,
        services: Services,
        work: Work,
        *,
        folder: Path,
        selection: FileSelection,
        kept: Kept | None,
        was: str,
        run_commands: Callable[[], None],
        wanted_again: Callable[[], None],
        is_paused: Callable[[], bool],
    ) -> None:
        """`was` is what a person did with the files: `shared` or `fetched`. `wanted_again` is told when what was
        had has to be fetched again, or a reader needs what was not wanted before."""
        self.swarm = swarm
        self.disk = TorrentDisk(
            services,
            folder,
            selection,
            kept=kept,
            troubled=self._disk_troubled,
            lost=self._found_wrong,
        )
        self.amounts = Amounts(swarm, self.disk)
        self.guard = FileGuard(self, was)
        self.streams = Streams(
            swarm, self.disk, services.offload, run_commands, wanted_again, is_paused
        )
        self._earlier = kept.progress if kept is not None else None
        self._downloaded_before = self._earlier.downloaded if self._earlier is not None else 0
        self._uploaded_before = self._earlier.uploaded if self._earlier is not None else 0
        self.was_finished = self._earlier is not None and self._earlier.finished
        """Whether every byte that is wanted now was in place in an earlier session."""
        self._services = services
        self._work = work
        self._run_commands = run_commands
        self._wanted_again = wanted_again
        self._loop = asyncio.get_running_loop()

    @property
    def info(self) -> Info | None:
        """Known once the swarm has begun."""
        return self.swarm.info

    @property
    def notice(self) -> str:
        """What a person should know of it, in one line."""
        return self.disk.trouble or self.guard.notice or self.disk.notice

    @property
    def is_read(self) -> bool:
        """Whether somebody reads of it, or has: something of it is here, or on its way."""
        downloader = self.swarm.downloader
        is_here = downloader is not None and downloader.have.any()
        return self.streams.are_open or is_here or self.downloaded > 0

    @property
    def downloaded(self) -> int:
        """Block bytes, with those of earlier sessions, as `uploaded`."""
        return self.swarm.down.total + self._downloaded_before

    @property
    def uploaded(self) -> int:
        return self.swarm.up.total + self._uploaded_before

    def succeed(self, earlier: TorrentData) -> None:
        """Take the place of one that was begun anew."""
        self.disk.priorities.update(earlier.disk.priorities)
        self._downloaded_before = earlier.downloaded
        self._uploaded_before = earlier.uploaded

    def store(self, index: int, data: bytearray) -> None:
        """Write a piece that has come, if its hash is right, and tell the swarm."""
        if self._work.spawn_job(self._store(index, data)) is None:
            self.swarm.piece_not_stored(index)

    async def _store(self, index: int, data: bytearray) -> None:
        try:
            ok = await self.disk.write_piece(index, data)
        except FileChangedError:
            self.swarm.piece_not_stored(index)
            self.guard.lost([index])
            return
        except DiskTroubleError:  # paused meanwhile: it has to come again
            self.swarm.piece_not_stored(index)
            return
        except StorageError:
            self.swarm.piece_not_stored(index)
            self._work.close()
            raise
        self.swarm.piece_stored(index, self._loop.time(), ok=ok)
        self.streams.changed()
        if ok:
            self._services.keep(self.swarm.info_hash, stored=len(data))
        self._run_commands()

    async def deliver(self, info: Info) -> tuple[Path, ...] | None:
        """Move the files into place; None if pieces turned out to be wrong.

        Raises StorageError, of which `wait_to_deliver` takes DiskTroubleError.
        """
        if wrong := await self.disk.check_before_finish(info):
            self.guard.lost(wrong)
            return None
        return await self.disk.finish()

    async def wait_to_deliver(self, info: Info, error: DiskTroubleError) -> None:
        """Wait until it is worth another try."""
        await self.disk.wait_out(error)
        self.disk.doubt(info)

    def read_failed(self, peer: Peer, request: Request, error: WebTorrentError) -> None:
        """A block that a peer waits for cannot be read."""
        log.debug("%s: %s", self.swarm.info_hash, error)
        self.swarm.reject(peer, request)
        self.guard.read_failed(request.index)
        self._run_commands()

    # What its guard asks (`GuardedTorrent`)

    def lose(self, pieces: Bitfield, *, refetch: bool) -> None:
        if not pieces.any():
            return
        self.swarm.lose(pieces, self._loop.time(), refetch=refetch)
        if refetch:
            self._wanted_again()
        self.streams.changed()
        self._services.keep(self.swarm.info_hash)
        self._run_commands()

    def regain(self, pieces: Bitfield) -> None:
        self.swarm.regain(pieces)
        self._services.keep(self.swarm.info_hash)
        self._run_commands()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._work.spawn_chore(work)

    # What its disk tells

    def _disk_troubled(self, troubled: bool) -> None:
        self.swarm.requesting.hold(troubled, self._loop.time())
        self._run_commands()

    def _found_wrong(self, pieces: list[int]) -> None:
        self.guard.lost(pieces)
