"""A torrent's bytes as the engine sees them: pieces checked and written, bytes read, a download finished.

Blocking and thread-safe: callers use an executor. Where files go is left to `placement` and `delivery`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final, Self, TypeAlias

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.storage.data import FileSlot, Stamp, TorrentData
from jupyter_webtorrent.storage.delivery import deliver, discard
from jupyter_webtorrent.storage.errors import FileChangedError, StorageError
from jupyter_webtorrent.storage.files import plain_errors, require_possible
from jupyter_webtorrent.storage.hashing import Progress, check_pieces, sha1
from jupyter_webtorrent.storage.journal import KeptFile, KeptPlace
from jupyter_webtorrent.storage.paths import shown
from jupyter_webtorrent.storage.placement import Chooser, Placement

Buffer: TypeAlias = bytes | bytearray | memoryview


class PieceStore:
    """One torrent on disk, opened by `open_download` or `open_seed`; close it when done.

    Every method may raise StorageError, or one of its subclasses, with one line for a person.
    """

    def __init__(self, info: Info, data: TorrentData, wanted: frozenset[int]) -> None:
        self._info: Final = info
        self._data: Final = data
        self._wanted = wanted
        self._have = Bitfield(info.piece_count)
        self._have_lock = Lock()
        self._finishing = Lock()
        self._download: tuple[Placement, Chooser] | None = None
        self._seeded_target = Path()
        self._fresh_check = False
        """Whether `_have` was just read from the disk, so that the first `recheck` need not."""

    @classmethod
    def open_download(
        cls,
        info: Info,
        folder: Path,
        wanted: Collection[int] | None = None,
        *,
        needs_room: bool = True,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Self:
        """Begin a download into `folder`, or go on with one, or adopt it if it is there and complete.

        `wanted` are indexes of `info.files`, None for all. What stands under the name already is hashed
        first, with `progress` and `cancelled` as in `recheck`. Raises BusyError if another transfer
        writes it, DiskFullError if the rest `needs_room` and has none, UnsafePathError, CheckCancelledError.
        """
        require_possible(folder)
        files = {index for index, file in enumerate(info.files) if not file.padding}
        chosen = frozenset(files if wanted is None else files.intersection(wanted))
        folder = folder.absolute()
        chooser = Chooser(info, folder, chosen, progress, cancelled)
        with plain_errors(f"download to {shown(str(folder))}"):
            folder.mkdir(parents=True, exist_ok=True)
            placement = chooser.choose(needs_room=needs_room)
        store = cls(info, TorrentData(info.layout, placement.slots), chosen)
        store._download = placement, chooser
        if placement.adopted and chosen == files:
            store._have, store._fresh_check = Bitfield.full(info.piece_count), True
        return store

    @classmethod
    def resumed(
        cls, info: Info, placement: Placement, chooser: Chooser, wanted: frozenset[int]
    ) -> Self:
        """Go on in a place that an earlier session had (`resume.resume_download`); no piece counts yet."""
        store = cls(info, TorrentData(info.layout, placement.slots), wanted)
        store._download = placement, chooser
        store._data.stamp()
        return store

    @classmethod
    def open_seed(cls, info: Info, files: Sequence[Path], *, complete: bool = True) -> Self:
        """Serve files where they stand, one for each of `info.files`, read-only.

        Raises FileChangedError if one is not there or not as long as the torrent says, unless it need not
        be `complete`. Its bytes are taken as they are: `recheck`, unless they were hashed just now.
        """
        slots = [
            _seed_slot(path, file.length, padding=file.padding)
            for path, file in zip(files, info.files, strict=True)
        ]
        data = TorrentData(info.layout, slots)
        data.stamp()
        for slot in slots:
            if complete and not (slot.has_its_length or slot.padding):
                raise FileChangedError(
                    f"{shown(str(slot.path))} is not there, or not the {slot.length:,} bytes it was"
                )
        store = cls(info, data, frozenset())
        store._seeded_target = _seeded_target(info, files)
        return store

    def select(self, wanted: Collection[int]) -> bool:
        """Want other files of a download from now on; what has come of the rest stays in the part.

        False, and nothing changes, if files are needed that this store has no place for: the download has
        to be opened anew. Raises DiskFullError.
        """
        assert self._download
        placement, chooser = self._download
        with self._finishing:
            slots = self._data.slots
            if placement.adopted and any(not slots[index].stamp for index in wanted):
                return False
            chooser.require_room(placement, frozenset(wanted))
            self._wanted = frozenset(wanted)
        return True

    @property
    def target(self) -> Path:
        """The top-level file or folder: where it is, or will be when it is finished."""
        return self._download[0].target if self._download else self._seeded_target

    @property
    def notice(self) -> str:
        """What a person should know about where it goes, in one line; empty if all is as expected."""
        return self._download[0].notice if self._download else ""

    def recheck(
        self,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Bitfield:
        """Hash what is there: the pieces that are right. Not while pieces are written.

        `progress` gets the bytes looked at and the bytes in all. Once `cancelled` answers True the pieces
        found until then are returned.
        """
        if self._fresh_check:
            self._fresh_check = False
            if progress:
                progress(self._info.total, self._info.total)
            return self._have.copy()
        self._data.stamp()
        return self.check(range(self._info.piece_count), progress, cancelled)

    def check(
        self,
        pieces: Sequence[int],
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Bitfield:
        """Hash some pieces: those of them that are right. Otherwise as `recheck`."""
        checked = Bitfield(self._info.piece_count)
        found = checked.copy()
        for piece, good in check_pieces(self._info, self._data, pieces, progress):
            if cancelled and cancelled():
                break
            checked.add(piece)
            if good:
                found.add(piece)
        with self._have_lock:
            self._have = (self._have - checked) | found
        return found

    def trust(self, have: Bitfield) -> None:
        """Take these pieces as right, without a look: an earlier session verified them."""
        with self._have_lock:
            self._have = have.copy()

    def write_piece(self, index: int, data: Buffer) -> bool:
        """Write a whole piece if its hash is right; False, and nothing is written, if it is not.

        Raises DiskFullError, UnsafePathError, StorageError, and IndexError if there is no such piece.
        """
        if sha1(data) != self._info.piece_hash(index):
            return False
        with memoryview(data) as view:
            self._data.write(self._info.layout.offset(index), view.cast("B"))
        with self._have_lock:
            self._have.add(index)
        return True

    def read(self, offset: int, length: int) -> bytes:
        """Bytes of the torrent. Only those of verified pieces mean anything: the caller knows which.

        Raises FileChangedError if a file is gone, shorter or no longer what was checked, and IndexError
        for bytes that do not exist.
        """
        return self._data.read(offset, length)

    @property
    def slots(self) -> Sequence[FileSlot]:
        """Where each file stands, in the torrent's order."""
        return self._data.slots

    def changed_files(self, files: Collection[int] | None = None) -> list[int]:
        """Which files, of those named, are finished or shared and no longer as they were checked.

        Stop serving them, `accept` them as they are, then `check` their pieces.
        """
        return self._data.changed(files)

    def accept(self, files: Collection[int]) -> None:
        """Take changed files as they are now; the bytes of pieces that are not checked again mean nothing."""
        self._data.stamp(files)

    def stamps(self) -> list[Stamp | None]:
        """Of each file as it was checked; quick, for any thread."""
        return [slot.stamp for slot in self._data.slots]

    def settle(self, stamps: Sequence[Stamp | None]) -> KeptPlace:
        """Bring all that was written to the disk; where the files stand, for a later session to `resume`.

        `stamps` are from when the pieces were counted that the place is kept with.
        """
        with self._finishing:  # no file moves meanwhile
            self._data.flush()
            files = [
                KeptFile(
                    slot.writable,
                    slot.current_stamp() if slot.writable and not slot.padding else stamp,
                    slot.delivered,
                )
                for slot, stamp in zip(self._data.slots, stamps, strict=True)
            ]
            if self._download is None:
                return KeptPlace(files)
            placement, _ = self._download
            return KeptPlace(
                files,
                placement.names.number,
                placement.names.target,
                placement.merging,
                placement.adopted,
                placement.notice,
            )

    def finish(self) -> list[Path]:
        """Flush, and move every wanted file into place; the top-level file or folder, absolute.

        Does nothing the second time. Reads go on. Raises StorageError if a wanted piece was not verified
        by this store.
        """
        if self._download is None:
            return [self._seeded_target]
        placement, chooser = self._download
        with self._finishing:
            if not self._is_delivered():
                self._require_complete()
                deliver(placement, chooser, self._data, self._wanted)
        return [placement.target] if self._wanted else []

    def take_over(self, earlier: PieceStore, cancelled: Callable[[], bool]) -> Bitfield:
        """Copy what is wanted, is not here and was verified by another store, now closed: what there is now.

        Once `cancelled` answers True the rest is left out.
        """
        layout, wanted = self._info.layout, self._needed_pieces()
        data = TorrentData(layout, earlier.slots)
        try:
            for index in sorted(wanted & set(earlier._have) - set(self._have)):
                if cancelled():
                    break
                with suppress(FileChangedError):  # here or there: it has to be fetched
                    self.write_piece(
                        index, data.read(layout.offset(index), layout.piece_size(index))
                    )
        finally:
            data.close()
        return self._have.copy()

    def move_part(self, folder: Path) -> bool:
        """Move the part of a closed download to another folder, for a store there to open.

        False, and it stays, if some of it was finished already, the name is taken there or it is another
        file system.
        """
        if self._download is None:
            return False
        placement, chooser = self._download
        if not all(slot.writable or slot.padding for slot in self._data.slots):
            return False
        with plain_errors(f"move the part of {chooser.label}"), self._finishing:
            moved = chooser.reclaim(placement) and chooser.move_part(placement, folder)
            chooser.abandon(placement)
        return moved

    def delete_data(self) -> None:
        """Close, and remove the part and the finished download; may follow `close`.

        Files that were shared, that were there before this download, or that were changed since it was
        finished, are never removed.
        """
        if self._download:
            placement, chooser = self._download
            with self._finishing:
                discard(placement, chooser, self._data)
        self.close()

    def close(self) -> None:
        """Release all files and the lock; a part that was begun stays, to be gone on with."""
        self._data.close()
        if self._download:
            placement, chooser = self._download
            chooser.abandon(placement)

    def _is_delivered(self) -> bool:
        return not any(self._data.slots[index].writable for index in self._wanted)

    def _needed_pieces(self) -> set[int]:
        layout = self._info.layout
        return {piece for index in self._wanted for piece in layout.pieces_of_file(index)}

    def _require_complete(self) -> None:
        needed = self._needed_pieces()
        with self._have_lock:
            missing = sum(piece not in self._have for piece in needed)
        if missing:
            raise StorageError(
                f"{shown(self.target.name)} is not complete:"
                f" {missing:,} of {len(needed):,} pieces are missing"
            )


def _seed_slot(path: Path, length: int, *, padding: bool) -> FileSlot:
    if padding:
        return FileSlot(path.parent, (path.name,), length, padding=True)
    with plain_errors(f"share {shown(str(path))}"):
        real = Path(os.path.realpath(path))
    return FileSlot(real.parent, (real.name,), length)


def _seeded_target(info: Info, files: Sequence[Path]) -> Path:
    """What was shared: the only file, the folder of a folder torrent, or the folder that all of it is in."""
    first, parts = files[0].absolute(), info.files[0].path
    return first if info.single_file else first.parents[len(parts) - 1]
