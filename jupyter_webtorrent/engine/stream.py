"""Readers of files that are still growing: a read at any offset gets its pieces before all others.

What is asked of whom is the swarm's decision; a reader tells it where it stands, and waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Final, Self, TypeVar

from jupyter_webtorrent.engine.disk import TorrentDisk
from jupyter_webtorrent.engine.errors import (
    EngineError,
    FileNotInTransferError,
    TooManyReadersError,
)
from jupyter_webtorrent.engine.offload import Offload
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.swarm.swarm import Swarm

T = TypeVar("T")

LOOK_AHEAD_BYTES: Final = 8 << 20
"""Fetched behind a reader's last read before the rest of the torrent."""
MAX_READ_BYTES: Final = 8 << 20
"""One read returns at most so much."""
MAX_STREAMS: Final = 64
"""Of one torrent."""


class Streams:
    """One torrent's readers, and what wakes those that wait."""

    def __init__(
        self,
        swarm: Swarm,
        disk: TorrentDisk,
        offload: Offload,
        run_commands: Callable[[], None],
        more_is_wanted: Callable[[], None],
        is_paused: Callable[[], bool],
    ) -> None:
        """`more_is_wanted` is told when a reader of a torrent on demand needs what is not here."""
        self.swarm = swarm
        self.disk = disk
        self.offload = offload
        self._run_commands = run_commands
        self._more_is_wanted = more_is_wanted
        self.is_paused = is_paused
        """Whether nothing comes for now; say `changed` when it begins."""
        self.ended_by = ""
        """Why nothing can be read any more."""
        self.last_read_at = asyncio.get_running_loop().time()
        """When the last reader left, or when there could be one."""
        self.has_successor = False
        """Whether its readers will go on with another torrent, which is not there yet."""
        self._open: set[FileStream] = set()
        self._needed: dict[FileStream, tuple[range, range]] = {}
        """The pieces that each reader waits for, or has, and those that it will come to next."""

    @property
    def is_read(self) -> bool:
        return bool(self._open)

    def open(self, file: int | str) -> FileStream:
        """A reader of a file, by its index or its path in the torrent, which need not be known yet.

        Raises TooManyReadersError.
        """
        if len(self._open) >= MAX_STREAMS:
            raise TooManyReadersError(f"{MAX_STREAMS} readers are open; close one first")
        stream = FileStream(self, file)
        self._open.add(stream)
        return stream

    @property
    def are_open(self) -> bool:
        return bool(self._open)

    def changed(self) -> None:
        """Something has come, or is not to come any more: whoever waits looks again."""
        for stream in self._open:
            stream.wake()

    def end(self, reason: str) -> None:
        """The torrent has ended: every read fails from now on, unless it waits for a successor."""
        self.ended_by = self.ended_by or reason
        self.changed()

    def await_successor(self) -> None:
        """The torrent will end, and another take its place: readers wait for `go_on_in`, or `give_up`."""
        self.has_successor = True

    def give_up(self) -> None:
        """There is no successor after all."""
        self.has_successor = False
        self.changed()

    def go_on_in(self, successor: Streams) -> None:
        """Let all readers go on with the torrent that took this one's place."""
        self.has_successor = False
        for stream in self._open:
            stream.streams = successor
            stream.wake()
        successor._open |= self._open
        self._open.clear()
        self._needed.clear()

    def moved(self, stream: FileStream, waiting: range, ahead: range, now: float) -> None:
        """A reader stands elsewhere: it waits for pieces, and will come to those `ahead`."""
        self._needed[stream] = (waiting, ahead)
        self._want_what_is_needed(now)
        self.swarm.reader_moved(stream, waiting, ahead, now)
        self._run_commands()

    def rests(self, stream: FileStream, now: float) -> None:
        """A reader needs nothing, for now or for good."""
        self.swarm.reader_closed(stream)
        if self._needed.pop(stream, None) is not None:
            self._want_what_is_needed(now)
            self._run_commands()

    def closed(self, stream: FileStream, now: float) -> None:
        self._open.discard(stream)
        self.last_read_at = now
        self.rests(stream, now)

    def _want_what_is_needed(self, now: float) -> None:
        """Of a torrent on demand nothing else is wanted."""
        downloader = self.swarm.downloader
        if not self.swarm.on_demand or downloader is None:
            return
        needed = Bitfield(downloader.layout.piece_count)
        for windows in self._needed.values():
            for pieces in windows:
                needed.add_run(pieces)
        before = downloader.missing
        self.swarm.select(needed, (), now)
        if (downloader.missing - before).any():
            self._more_is_wanted()


class FileStream:
    """Reads one file of a torrent, verified bytes only; an async context manager, or `close` it.

    Reads of one stream take turns; streams of one torrent do not wait for each other.
    """

    def __init__(self, streams: Streams, file: int | str) -> None:
        self.streams = streams
        """Of the torrent as it is now: others may have taken its place."""
        self._file = file
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def length(self) -> int:
        """Bytes of the file; waits for the torrent's metadata. Raises EngineError."""

        async def length(streams: Streams) -> int:
            info, index = await self._located(streams)
            return info.files[index].length

        return await self._in_turn(length)

    async def seek(self, offset: int, *, ahead: int = LOOK_AHEAD_BYTES) -> None:
        """Say where the next read will be, so that it is fetched from now on; waits for the metadata.

        Raises EngineError.
        """
        await self._at(offset, 0, ahead)

    async def read(self, offset: int, length: int, *, ahead: int = LOOK_AHEAD_BYTES) -> bytes:
        """Up to `length` bytes at `offset`, less only at the file's end or past MAX_READ_BYTES.

        Waits until they have come; the `ahead` bytes behind them, LOOK_AHEAD_BYTES at most, are fetched next.
        A cancelled read withdraws its urgency. Raises EngineError if they cannot come any more or the transfer
        is paused, and StorageError.
        """
        return await self._at(offset, length, ahead)

    def close(self) -> None:
        """End every read, and take back what was asked for ahead."""
        if not self._closed:
            self._closed = True
            self.streams.closed(self, asyncio.get_running_loop().time())
            self._woken.set()

    def wake(self) -> None:
        self._woken.set()

    async def _at(self, offset: int, length: int, ahead: int) -> bytes:
        if min(offset, length, ahead) < 0:
            raise EngineError(f"nothing can be read at {offset}, {length} bytes long")

        async def read(streams: Streams) -> bytes:
            info, index = await self._located(streams)
            size = info.files[index].length
            count = max(0, min(length, size - offset, MAX_READ_BYTES))
            start = info.layout.file_offset(index) + min(offset, size)
            further = min(ahead, LOOK_AHEAD_BYTES, max(0, size - offset - count))
            pieces = info.layout.pieces_between(start, count)
            coming = info.layout.pieces_between(start + count, further)
            await self._arrived(streams, info.files[index].path[-1], pieces, coming)
            if not count:
                return b""
            store = streams.disk.store
            assert store is not None
            return await streams.offload(store.read, start, count)

        return await self._in_turn(read)

    async def _in_turn(self, ask: Callable[[Streams], Coroutine[None, None, T]]) -> T:
        """Ask the torrent, and anew the one that takes its place meanwhile."""
        async with self._turn:
            while True:
                streams = self.streams
                try:
                    return await ask(streams)
                except WebTorrentError:
                    while streams.has_successor and not self._closed:
                        self._woken.clear()
                        await self._woken.wait()
                    if streams is self.streams or self._closed:
                        raise

    async def _located(self, streams: Streams) -> tuple[Info, int]:
        """The metadata and the file's index, once the torrent has begun."""
        swarm = streams.swarm
        await self._until(streams, lambda: swarm.downloader is not None)
        info, file = swarm.info, self._file
        assert info is not None
        for index, candidate in enumerate(info.files):
            if not candidate.padding and file in (index, "/".join(candidate.path)):
                return info, index
        raise FileNotInTransferError(f"there is no file {file} in {info.name}")

    async def _arrived(self, streams: Streams, name: str, pieces: range, ahead: range) -> None:
        swarm = streams.swarm
        downloader, loop = swarm.downloader, asyncio.get_running_loop()
        assert downloader is not None

        def all_there() -> bool:
            for index in pieces:
                if index not in downloader.have:
                    if index not in downloader.missing:
                        raise EngineError(f"{name} is not among the files that are fetched")
                    return False
            return True

        streams.moved(self, pieces, ahead, loop.time())
        try:
            await self._until(streams, all_there)
        except BaseException:
            streams.rests(self, loop.time())
            raise

    async def _until(self, streams: Streams, condition: Callable[[], bool]) -> None:
        """Wait until it holds; raises EngineError once this cannot be."""
        while True:
            self._woken.clear()
            if self._closed:
                raise EngineError("the reader is closed")
            if streams.ended_by:
                raise EngineError(f"nothing can be read any more: {streams.ended_by}")
            if condition():
                return
            if streams.is_paused():
                raise EngineError("the transfer is paused, and these bytes are not here yet")
            await self._woken.wait()
