"""One torrent's place on disk, as the loop sees it: opened and checked, pieces stored, blocks read, finished.

The blocking work is `storage.PieceStore`'s and runs off the loop; what is fetched when is the swarm's business.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from jupyter_webtorrent.engine.block_reader import BlockReader
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.offload import run_to_end
from jupyter_webtorrent.engine.selection import FileSelection
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.schema.transfers import FilePriority
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
        self.priorities: dict[int, FilePriority] = {}
        """Of the wanted files that are not of normal priority, by index."""
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

    async def prioritize(self, info: Info, priorities: Mapping[int, FilePriority]) -> bool:
        """Change what is wanted of the files, and how much; False if it must be opened anew for that.

        Raises EngineError if there is no such file or none is left, and StorageError.
        """
        assert self.store is not None
        chosen = {**dict.fromkeys(self.wanted_files, FilePriority.NORMAL), **self.priorities}
        for index, priority in priorities.items():
            if not 0 <= index < len(info.files) or info.files[index].padding:
                raise EngineError(f"there is no file {index} in {info.name}")
            chosen[index] = priority
        wanted = tuple(sorted(i for i, p in chosen.items() if p is not FilePriority.SKIP))
        if not wanted:
            raise EngineError(f"no file of {info.name} is left to fetch: remove it instead")
        if wanted != self.wanted_files:
            self.selection = FileSelection(indices=tuple(range(i, i + 1) for i in wanted))
            if not await self._services.offload(self.store.select, wanted):
                return False
            self.wanted_files = wanted
        self.priorities = {
            index: chosen[index] for index in wanted if chosen[index] is not FilePriority.NORMAL
        }
        return True

    def pieces_by_priority(self, info: Info) -> tuple[Bitfield, list[Bitfield]]:
        """The wanted pieces, and those of them that are preferred: of high, then also of normal priority.

        A piece that two files share has the higher priority of both.
        """
        every, high, normal = (Bitfield(info.piece_count) for _ in range(3))
        for file in self.wanted_files:
            pieces = info.layout.pieces_of_file(file)
            priority = self.priorities.get(file, FilePriority.NORMAL)
            every.add_run(pieces)
            if priority is FilePriority.HIGH:
                high.add_run(pieces)
            elif priority is FilePriority.NORMAL:
                normal.add_run(pieces)
        return every, [high, normal] if self.priorities else []

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
