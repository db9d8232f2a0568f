"""One torrent's place on disk, as the loop sees it: opened and checked, pieces stored, blocks read, finished.

The blocking work is `storage`'s and runs off the loop; what is fetched when is the swarm's business, files that
people change are `file_guard`'s.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from jupyter_webtorrent.engine.block_reader import BlockReader
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.offload import run_to_end
from jupyter_webtorrent.engine.selection import FileSelection
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.schema.transfers import FilePriority
from jupyter_webtorrent.storage.create import CreatedTorrent
from jupyter_webtorrent.storage.errors import DiskTroubleError, FileChangedError, StorageError
from jupyter_webtorrent.storage.journal import Kept
from jupyter_webtorrent.storage.resume import Resumed, resume_download, resume_seed
from jupyter_webtorrent.storage.store import PieceStore

P = ParamSpec("P")
T = TypeVar("T")

RETRY_SECONDS = 30.0
"""A disk that refuses is tried again so often."""


class TorrentDisk:
    """Opened once by `open` or `open_shared`. Every method may raise StorageError."""

    def __init__(
        self,
        services: Services,
        folder: Path,
        selection: FileSelection,
        *,
        kept: Kept | None,
        troubled: Callable[[bool], None],
        lost: Callable[[list[int]], None],
    ) -> None:
        """`kept` is what an earlier session left. `troubled` is told when the disk begins and ceases to
        refuse, `lost` which pieces turned out to be wrong as they were about to be used."""
        self.folder = folder
        self.selection = selection
        self.store: PieceStore | None = None
        self.inherited: PieceStore | None = None
        """What was read on demand elsewhere: it is taken over when this is opened, and removed then."""
        self.reader: BlockReader | None = None
        self.wanted_files: tuple[int, ...] = ()
        self.priorities: dict[int, FilePriority] = {}
        """Of the wanted files that are not of normal priority, by index."""
        self.checked_bytes = 0
        """How much of what is on disk was hashed, while it is."""
        self.trouble = ""
        """Why the disk takes nothing, in one line, while it does not."""
        self._services = services
        self._kept = kept
        self._troubled = troubled
        self._lost = lost
        self._unverified = Bitfield(0)
        """Pieces that an earlier session verified and this one did not."""
        self._stop = threading.Event()
        self._given_up = asyncio.Event()

    @property
    def notice(self) -> str:
        return "" if self.store is None else self.store.notice

    async def open(self, info: Info) -> Bitfield:
        """Choose the files and their place, and look at what is there already: the pieces that are had.

        Raises EngineError if the selection names no file.
        """
        self._stop = threading.Event()  # that of an earlier attempt may be set
        self.wanted_files = self.selection.choose(info)
        resumed = await self._run(self._resume, info)
        if resumed is not None:
            return await self._go_on(info, resumed)
        async with self._services.checks:
            store, have = await self._run(self._open_and_check, info)
        self._serve(info, store, have, Bitfield(info.piece_count))
        return have

    async def open_shared(self, shared: CreatedTorrent) -> Bitfield:
        """Serve files where they stand: they were hashed just now, or by the session that was `kept`."""
        info = shared.info
        self.wanted_files = tuple(range(len(info.files)))
        if self._kept is not None:
            return await self._go_on(info, await self._run(self._resume_seed, shared))
        store = self.store = await self._run(PieceStore.open_seed, info, shared.files)
        if store.stamps() != list(shared.stamps):
            raise FileChangedError(f"{info.name} changed while it was hashed: try again")
        have = Bitfield.full(info.piece_count)
        self._serve(info, store, have, Bitfield(info.piece_count))
        return have

    def wanted_pieces(self, info: Info) -> list[int]:
        """Every piece that holds a byte of a wanted file; on demand it is none."""
        if self.selection.on_demand:
            return []
        layout = info.layout
        return sorted(
            {piece for file in self.wanted_files for piece in layout.pieces_of_file(file)}
        )

    async def prioritize(self, info: Info, priorities: Mapping[int, FilePriority]) -> bool:
        """Change what is wanted of the files, and how much; False if it must be opened anew for that.

        What was on demand is so no more, and of its files only those named are wanted.
        Raises EngineError if there is no such file or none is left, and StorageError.
        """
        assert self.store is not None
        was_on_demand = self.selection.on_demand
        selected = () if was_on_demand else self.selection.choose(info)
        chosen = {**dict.fromkeys(selected, FilePriority.NORMAL), **self.priorities}
        for index, priority in priorities.items():
            if not 0 <= index < len(info.files) or info.files[index].padding:
                raise EngineError(f"there is no file {index} in {info.name}")
            chosen[index] = priority
        wanted = tuple(sorted(i for i, p in chosen.items() if p is not FilePriority.SKIP))
        if not wanted:
            raise EngineError(f"no file of {info.name} is left to fetch: remove it instead")
        has_place = True
        if wanted != self.wanted_files or was_on_demand:
            has_place = await self._services.offload(self.store.select, wanted)
            self.selection = FileSelection.of(wanted)
        self.priorities = {
            index: chosen[index] for index in wanted if chosen[index] is not FilePriority.NORMAL
        }
        if has_place:
            self.wanted_files = wanted
        return has_place

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

    def can_store(self, info: Info, piece: int) -> bool:
        """Whether all of a piece is in the part: finished and shared files are never written."""
        assert self.store is not None
        slots = (self.store.slots[part.file_index] for part in info.layout.segments_of_piece(piece))
        return all(slot.writable or slot.padding for slot in slots)

    async def write_piece(self, index: int, data: bytearray) -> bool:
        """Write a piece if its hash is right; False, and nothing is written, if it is not.

        While the disk refuses, it waits and tries again, with `trouble` to say why.
        """
        assert self.store is not None
        while True:
            try:
                ok = await self._run(self.store.write_piece, index, data)
            except DiskTroubleError as error:
                await self.wait_out(error)
            else:
                self._set_trouble("")
                return ok

    async def check_again(self, files: Iterable[int], pieces: list[int]) -> Bitfield:
        """Take changed files as they are now, and hash these pieces: those that are right."""
        assert self.store is not None
        async with self._services.checks:
            await self._run(self.store.accept, list(files))
            good = await self._run(self.store.check, pieces, None, self._stop.is_set)
        for index in good:
            self._unverified.discard(index)
        return good

    async def check_before_finish(self, info: Info) -> list[int]:
        """Hash what only an earlier session verified, before it gets its name: the pieces that are wrong."""
        wanted = self.wanted_pieces(info)
        doubtful = [
            index for index in wanted if index in self._unverified and self.can_store(info, index)
        ]
        if not doubtful:
            return []
        good = await self.check_again((), doubtful)
        for index in doubtful:
            self._unverified.discard(index)
        return [index for index in doubtful if index not in good]

    async def finish(self) -> tuple[Path, ...]:
        """Move the wanted files into place; the finished top-level paths."""
        assert self.store is not None
        paths = tuple(await self._run(self.store.finish))
        self._set_trouble("")
        return paths

    async def wait_out(self, error: DiskTroubleError) -> None:
        """Say what troubles the disk, and wait until it is worth another try; raises it anew at `give_up`."""
        self._set_trouble(f"{error}: trying again every {RETRY_SECONDS:.0f} s")
        with suppress(TimeoutError):
            async with asyncio.timeout(RETRY_SECONDS):
                await self._given_up.wait()
                raise error

    def give_up(self) -> None:
        """Wait no longer for a disk that refuses: the torrent rests."""
        self._given_up.set()

    def go_on(self) -> None:
        """The torrent runs, perhaps again."""
        self._stop.clear()
        self._given_up.clear()
        self._set_trouble("")

    def doubt(self, info: Info) -> None:
        """Begin anew with a part that could not be finished, and trust nothing in it."""
        self._set_trouble("")
        for index in self.wanted_pieces(info):
            if self.can_store(info, index):
                self._unverified.add(index)

    async def aclose(self) -> None:
        if self.reader is not None:
            await self.reader.aclose()
        if self.store is not None:
            await self._services.offload(self.store.close)

    async def _run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Off the loop, and to its end also if the torrent ends meanwhile."""
        return await run_to_end(self._services.offload, self._stop, function, *args, **kwargs)

    def _set_trouble(self, trouble: str) -> None:
        before, self.trouble = self.trouble, trouble
        if bool(before) != bool(trouble):
            self._troubled(bool(trouble))

    async def _go_on(self, info: Info, resumed: Resumed) -> Bitfield:
        """Check what is in doubt; the rest is taken as it was, and verified before it is used."""
        have = resumed.have
        if resumed.doubtful:
            async with self._services.checks:
                have = have | await self._run(
                    resumed.store.check, resumed.doubtful, self._progress, self._stop.is_set
                )
        self._serve(info, resumed.store, have, resumed.have)
        return have

    def _progress(self, done: int, total: int) -> None:
        self.checked_bytes = done

    def _resume(self, info: Info) -> Resumed | None:
        """Blocking."""
        kept = self._kept
        if kept is None or kept.progress is None:
            return None
        resumed = resume_download(
            info, self.folder, self.wanted_files, kept.progress, clean=kept.clean
        )
        if resumed is not None:
            self.store = resumed.store
        return resumed

    def _resume_seed(self, shared: CreatedTorrent) -> Resumed:
        """Blocking."""
        assert self._kept is not None
        resumed = resume_seed(shared.info, shared.files, self._kept.progress)
        self.store = resumed.store
        return resumed

    def _open_and_check(self, info: Info) -> tuple[PieceStore, Bitfield]:
        """Blocking."""
        stopped = self._stop.is_set
        if self.inherited is not None and self.inherited.move_part(self.folder):
            self.clear_inherited()
        self.store = PieceStore.open_download(
            info,
            self.folder,
            self.wanted_files,
            needs_room=not self.selection.on_demand,
            progress=self._progress,
            cancelled=stopped,
        )
        have = self.store.recheck(self._progress, stopped)
        if self.inherited is not None:
            have = have | self.store.take_over(self.inherited, stopped)
            if not stopped():
                self.clear_inherited()
        return self.store, have

    def clear_inherited(self) -> None:
        """Remove what is of no use any more where it was read. Blocking."""
        if self.inherited is not None:
            earlier, self.inherited = self.inherited, None
            with suppress(StorageError):
                earlier.delete_data()
            own = self._services.own_folders
            own.remove(own.entries_of((earlier.target,)))

    def _serve(self, info: Info, store: PieceStore, have: Bitfield, unverified: Bitfield) -> None:
        services = self._services
        self.store = store
        self._unverified = unverified.copy()
        self.reader = BlockReader(
            store, info.layout, have, self._unverified, self._lost, services.cache, services.offload
        )
