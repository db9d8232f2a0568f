"""One torrent's place on disk, as the loop sees it: opened and checked, pieces stored, blocks read, finished.

The blocking work is `storage.PieceStore`'s and runs off the loop; what is fetched when is the swarm's business.
"""

from __future__ import annotations

import threading
from pathlib import Path

from jupyter_webtorrent.engine.block_reader import BlockReader
from jupyter_webtorrent.engine.offload import run_to_end
from jupyter_webtorrent.engine.selection import FileSelection
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.storage.create import CreatedTorrent
from jupyter_webtorrent.storage.store import PieceStore


class TorrentDisk:
    """Opened once by `open` or `open_shared`. Every method may raise StorageError."""

    def __init__(self, services: Services, folder: Path, selection: FileSelection) -> None:
        self.folder = folder
        self.selection = selection
        self.store: PieceStore | None = None
        self.reader: BlockReader | None = None
        self.wanted_files: tuple[int, ...] = ()
        self.checked_bytes = 0
        """How much of what is on disk was hashed, while it is."""
        self._services = services
        self._stop = threading.Event()

    @property
    def notice(self) -> str:
        return "" if self.store is None else self.store.notice

    async def open(self, info: Info) -> Bitfield:
        """Choose the files and their place, and hash what is there already: the pieces that are had.

        Raises EngineError if the selection names no file.
        """
        self._stop = threading.Event()  # that of an earlier attempt may be set
        self.wanted_files = self.selection.choose(info)
        offload = self._services.offload
        store, have = await run_to_end(offload, self._stop, self._open_and_check, info)
        self._serve(info, store, have)
        return have

    async def open_shared(self, shared: CreatedTorrent) -> Bitfield:
        """Serve files that were hashed just now, where they stand."""
        info = shared.info
        store = await self._services.offload(PieceStore.open_seed, info, shared.files)
        self.wanted_files = tuple(range(len(info.files)))
        have = Bitfield.full(info.piece_count)
        self._serve(info, store, have)
        return have

    def wanted_pieces(self, info: Info) -> list[int]:
        """Every piece that holds a byte of a wanted file."""
        layout = info.layout
        return sorted(
            {piece for file in self.wanted_files for piece in layout.pieces_of_file(file)}
        )

    async def write_piece(self, index: int, data: bytearray) -> bool:
        """Write a piece if its hash is right; False, and nothing is written, if it is not."""
        assert self.store is not None
        return await self._services.offload(self.store.write_piece, index, data)

    async def finish(self) -> tuple[Path, ...]:
        """Move the wanted files into place; the finished top-level paths."""
        assert self.store is not None
        return tuple(await self._services.offload(self.store.finish))

    async def aclose(self) -> None:
        if self.reader is not None:
            await self.reader.aclose()
        if self.store is not None:
            await self._services.offload(self.store.close)

    def _open_and_check(self, info: Info) -> tuple[PieceStore, Bitfield]:
        """Blocking."""

        def progress(done: int, total: int) -> None:
            self.checked_bytes = done

        stopped = self._stop.is_set
        self.store = PieceStore.open_download(
            info, self.folder, self.wanted_files, progress=progress, cancelled=stopped
        )
        return self.store, self.store.recheck(progress, stopped)

    def _serve(self, info: Info, store: PieceStore, have: Bitfield) -> None:
        services = self._services
        self.store = store
        self.reader = BlockReader(store, info.layout, have, services.cache, services.offload)
