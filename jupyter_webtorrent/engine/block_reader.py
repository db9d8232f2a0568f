"""Blocks of stored pieces for upload: read in large chunks off the loop, kept in a bounded cache."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection

from jupyter_webtorrent.engine.offload import Offload
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.layout import PieceLayout
from jupyter_webtorrent.storage.errors import FileChangedError
from jupyter_webtorrent.storage.store import PieceStore

CHUNK_BYTES = 1 << 18
"""Bytes a read brings: fewer trips to the executor than blocks."""


class ChunkCache:
    """The chunks of all torrents of a session, least recently used out first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._chunks: OrderedDict[tuple[object, int], memoryview] = OrderedDict()

    def get(self, key: tuple[object, int]) -> memoryview | None:
        chunk = self._chunks.get(key)
        if chunk is not None:
            self._chunks.move_to_end(key)
        return chunk

    def put(self, key: tuple[object, int], chunk: memoryview) -> None:
        if key not in self._chunks:
            self._chunks[key] = chunk
            self._bytes += len(chunk)
            while self._bytes > self._max_bytes:
                _, oldest = self._chunks.popitem(last=False)
                self._bytes -= len(oldest)

    def drop(self, owner: object) -> None:
        """Forget everything of one torrent."""
        for key in [key for key in self._chunks if key[0] is owner]:
            self._bytes -= len(self._chunks.pop(key))


class BlockReader:
    """Reads one torrent's blocks through the session's cache."""

    def __init__(
        self,
        store: PieceStore,
        layout: PieceLayout,
        have: Bitfield,
        unverified: Bitfield,
        lost: Callable[[list[int]], None],
        cache: ChunkCache,
        offload: Offload,
    ) -> None:
        """Pieces that are `unverified` are hashed before their first block is given out, and taken from
        there; `lost` is told which turn out to be wrong, and takes them from `have`."""
        self._store = store
        self._layout = layout
        self._have = have
        self._unverified = unverified
        self._lost = lost
        self._verifying = asyncio.Lock()
        self._cache = cache
        self._offload = offload
        self._reading: dict[int, asyncio.Task[memoryview]] = {}

    def cached(self, index: int, begin: int, length: int) -> memoryview | None:
        """The block, if its chunk is at hand."""
        number, start = divmod(index * self._layout.piece_length + begin, CHUNK_BYTES)
        chunk = self._cache.get((self, number))
        if chunk is None or start + length > len(chunk):
            return None
        return chunk[start : start + length]

    async def read(self, index: int, begin: int, length: int) -> memoryview:
        """The block, from the disk if need be; raises StorageError."""
        offset = index * self._layout.piece_length + begin
        number, start = divmod(offset, CHUNK_BYTES)
        if self._unverified.any():
            await self._verify({index, *self._pieces_of(number)})
        if index not in self._have:
            raise FileChangedError(f"piece {index} is not what it was")
        if start + length > CHUNK_BYTES or not self._is_whole(number):
            return memoryview(await self._offload(self._store.read, offset, length))
        reading = self._reading.get(number)
        if reading is None:
            reading = self._reading[number] = asyncio.create_task(self._read_chunk(number))
            reading.add_done_callback(lambda task: self._have_read(number, task))
        return (await asyncio.shield(reading))[start : start + length]

    async def aclose(self) -> None:
        await asyncio.gather(*self._reading.values(), return_exceptions=True)
        self._cache.drop(self)

    def _is_whole(self, number: int) -> bool:
        """Whether every byte of a chunk is verified, so that it will not change."""
        return all(index in self._have for index in self._pieces_of(number))

    def _pieces_of(self, number: int) -> range:
        return self._layout.pieces_between(number * CHUNK_BYTES, self._length(number))

    async def _verify(self, pieces: Collection[int]) -> None:
        """Hash those that this session did not."""
        async with self._verifying:
            doubtful = sorted(index for index in pieces if index in self._unverified)
            if not doubtful:
                return
            good = await self._offload(self._store.check, doubtful)
            for index in doubtful:
                self._unverified.discard(index)
            bad = [index for index in doubtful if index in self._have and index not in good]
            if bad:
                self._lost(bad)

    def _length(self, number: int) -> int:
        return min(CHUNK_BYTES, self._layout.total - number * CHUNK_BYTES)

    async def _read_chunk(self, number: int) -> memoryview:
        length = self._length(number)
        return memoryview(await self._offload(self._store.read, number * CHUNK_BYTES, length))

    def _have_read(self, number: int, task: asyncio.Task[memoryview]) -> None:
        del self._reading[number]
        if not task.cancelled() and task.exception() is None:
            self._cache.put((self, number), task.result())
