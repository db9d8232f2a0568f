"""Chooses where a download goes: which name it gets, which part it grows in, or what is there already.

Nothing that was there before is overwritten or joined by accident. Moving the finished files into place
is left to `delivery`.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.storage.data import FileSlot, TorrentData
from jupyter_webtorrent.storage.errors import (
    BusyError,
    CheckCancelledError,
    DiskFullError,
    StorageError,
)
from jupyter_webtorrent.storage.files import (
    allocated_bytes,
    plain_errors,
    stat_below,
)
from jupyter_webtorrent.storage.hashing import Progress, check_pieces
from jupyter_webtorrent.storage.locks import PartLock
from jupyter_webtorrent.storage.ownership import (
    drop_second_names,
    has_form_of_part,
    looks_like_ours,
)
from jupyter_webtorrent.storage.paths import (
    lock_name,
    numbered,
    part_name,
    safe_name,
    safe_names,
    shown,
)

MAX_NUMBER: Final = 999
"""The last name tried is `data (999).csv`."""


@dataclass(frozen=True, slots=True)
class Names:
    """What one candidate is called in the folder of the download."""

    number: int
    target: str
    part: str
    lock: str


@dataclass(slots=True)
class Placement:
    """Where one download goes."""

    folder: Path
    names: Names
    slots: list[FileSlot]
    lock: PartLock | None
    """Held as long as a part is written or kept."""
    merging: bool = False
    """The target is a folder that an earlier selection of this torrent was delivered to."""
    adopted: bool = False
    """All that is wanted was there already: these files were never a download of ours."""
    notice: str = ""
    """What a person should know about it, in one line, or nothing."""

    @property
    def target(self) -> Path:
        return self.folder / self.names.target


class Chooser:
    """One choice. Hashes what stands in the way, so it can take as long as reading that."""

    def __init__(
        self,
        info: Info,
        folder: Path,
        wanted: frozenset[int],
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._info = info
        self.folder = folder
        self._wanted = wanted
        self._progress = progress
        self._cancelled = cancelled
        self._top = safe_name(info.name)
        self._paths = safe_names(info)
        self.owner = str(info.info_hash)
        self._reason = ""

    def choose(self, *, needs_room: bool = True) -> Placement:
        """Take the first name that fits, `needs_room` only if all that is wanted has room there.

        Raises BusyError, DiskFullError, StorageError, CheckCancelledError.
        """
        for names in self.candidates():
            placement = self._try(names)
            if placement is None:
                continue
            try:
                if needs_room:
                    self.require_room(placement, self._wanted)
            except BaseException:
                self.abandon(placement)
                raise
            if names.target != self._top and not placement.notice:
                placement.notice = self.renamed(placement.names.target)
            return placement
        raise StorageError(f"no free name is left for {self.label} in {shown(str(self.folder))}")

    @property
    def label(self) -> str:
        return shown(self._top)

    def renamed(self, target: str) -> str:
        """The notice of a download that could not have its own name."""
        reason = self._reason or f"{self.label} was there already and differs"
        return f"{reason}: saved as {shown(target)}"

    def abandon(self, placement: Placement) -> None:
        """Give up a placement; what tells of it stays only if there is something to go on with."""
        if placement.lock:
            try:
                kept = placement.merging or self._stands(placement.names.part)
            except OSError:
                kept = True
            placement.lock.release(remove=not kept)

    def reclaim(self, placement: Placement) -> bool:
        """Hold the lock of a part anew, after `abandon`; False if the part is another torrent's by now.

        Raises BusyError if another transfer goes on with it.
        """
        if placement.lock and not placement.lock.held:
            again = self._in_part(placement.names)
            if again is None:
                return False
            placement.lock = again.lock
        return True

    def relocate(self, placement: Placement) -> None:
        """Move a part, locked and with no file open, to the next name that is free; its slots too."""
        for names in self.candidates(placement.names.number + 1):
            if self._stands(names.target) or self._stands(names.part):
                continue
            lock = PartLock.acquire(self.folder, names.lock, self.owner, self.label)
            if lock is None:
                continue
            old = placement.names
            try:
                lock.claim(self.owner)
                if self._stands(old.part):
                    os.rename(self.folder / old.part, self.folder / names.part)
            except BaseException:
                lock.release(remove=True)
                raise
            if placement.lock:
                placement.lock.release(remove=True)
            for slot in placement.slots:
                if slot.writable:
                    slot.parts = (names.part, *slot.parts[1:])
            placement.names, placement.lock, placement.merging = names, lock, False
            placement.notice = self.renamed(names.target)
            return
        raise StorageError(f"no free name is left for {self.label} in {shown(str(self.folder))}")

    def move_part(self, placement: Placement, folder: Path) -> bool:
        """Move a part, locked and with no file open, to another folder, for a choice there to go on with.

        False, and it stays, if the name is taken there or it is another file system.
        """
        names = next(self.candidates())
        there = any(stat_below(folder, (name,)) for name in (names.target, names.part))
        if there or not self._stands(placement.names.part):
            return False
        lock = PartLock.acquire(folder, names.lock, self.owner, self.label)
        if lock is None:
            return False
        moved = False
        try:
            lock.claim(self.owner)
            with suppress(OSError):
                os.rename(self.folder / placement.names.part, folder / names.part)
                moved = True
        finally:
            lock.release(remove=not moved)
        return moved

    def candidates(self, first: int = 0) -> Iterator[Names]:
        """The names to try, in order."""
        for number in range(first, MAX_NUMBER + 1):
            target = numbered(self._top, number, keep_suffix=self._info.single_file)
            yield Names(number, target, part_name(target), lock_name(target))

    def slots(self, name: str, *, writable: bool) -> list[FileSlot]:
        """The files below `folder/name`, or that file itself."""
        return [
            FileSlot(
                self.folder,
                (name,) if self._info.single_file else (name, *path),
                file.length,
                writable=writable,
                name=path[-1],
                padding=file.padding,
            )
            for file, path in zip(self._info.files, self._paths, strict=True)
        ]

    def _try(self, names: Names) -> Placement | None:
        if not self._stands(names.target):
            return self._in_part(names)
        adopted = self._adopt(names)
        if adopted:
            return adopted
        self._reason = self._reason or f"{self.label} was there already and differs"
        if not (self._stands(names.part) or self._stands(names.lock)):
            return None
        placement = self._in_part(names)
        if placement is None:
            return None
        try:
            if self._merge(placement):
                return placement
            if self._stands(names.part):
                self.relocate(placement)
                return placement
        except BaseException:
            self.abandon(placement)
            raise
        # Only a lock file, of a crash: the part may stand at one of the next names.
        self.abandon(placement)
        return None

    def _stands(self, name: str) -> bool:
        return stat_below(self.folder, (name,)) is not None

    def _adopt(self, names: Names) -> Placement | None:
        """Take what stands under the target's name, if it is all that is wanted."""
        slots = self.slots(names.target, writable=False)
        data = TorrentData(self._info.layout, slots)
        try:
            data.stamp()
            if not all(slots[index].has_its_length for index in self._wanted):
                return None
            if not self._all_good(data, self._pieces_of(self._wanted)):
                return None
        finally:
            data.close()
        if len(self._wanted) == sum(not slot.padding for slot in slots):
            self._clear_leftovers(names)
        notice = f"{shown(names.target)} was there already and is the same: nothing to download"
        return Placement(self.folder, names, slots, None, adopted=True, notice=notice)

    def _clear_leftovers(self, names: Names) -> None:
        """Remove what a crash amid `finish` leaves: the file's second name, or the lock file alone."""
        if not self._stands(names.lock):
            return
        try:
            lock = PartLock.acquire(self.folder, names.lock, self.owner, self.label)
        except BusyError:
            return  # it is being finished right now
        if lock is None:
            return
        target = stat_below(self.folder, (names.target,))
        part = stat_below(self.folder, (names.part,))
        same = target is not None and part is not None and os.path.samestat(target, part)
        with suppress(OSError):
            if same:
                os.unlink(self.folder / names.part)
        lock.release(remove=same or part is None)

    def _in_part(self, names: Names) -> Placement | None:
        """Lock the part, new or begun earlier; None if it is another torrent's."""
        lock = PartLock.acquire(self.folder, names.lock, self.owner, self.label)
        if lock is None:
            self._reason = self._reason or f"another download is in the way of {self.label}"
            return None
        slots = self.slots(names.part, writable=True)
        try:
            if self._stands(names.part) and not self._is_ours(names, lock.owner, slots):
                self._reason = self._reason or f"another download is in the way of {self.label}"
                lock.release(remove=not lock.owner)
                return None
            drop_second_names(slots)
            lock.claim(self.owner)
        except BaseException:
            lock.release(remove=not lock.owner)
            raise
        return Placement(self.folder, names, slots, lock)

    def _is_ours(self, names: Names, owner: str, slots: Sequence[FileSlot]) -> bool:
        """Whether a part may be gone on with: nothing of another torrent's, or a person's, would be lost."""
        if not has_form_of_part(self._info, self.folder, names.part):
            return False
        if owner:
            return owner == self.owner
        with plain_errors(f"read the part of {self.label}"):
            return looks_like_ours(self._info, self.folder / names.part, slots, self._check)

    def _merge(self, placement: Placement) -> bool:
        """Go on in the folder that an earlier selection was delivered to, if its files are as they were."""
        target = stat_below(self.folder, (placement.names.target,))
        if self._info.single_file or target is None or not stat.S_ISDIR(target.st_mode):
            return False
        delivered = self.slots(placement.names.target, writable=False)
        there = [
            index
            for index, slot in enumerate(delivered)
            if not slot.padding and stat_below(slot.root, slot.parts) is not None
        ]
        slots = list(placement.slots)
        for index in there:
            slots[index] = delivered[index]
        data = TorrentData(self._info.layout, slots)
        try:
            data.stamp()
            good = all(slots[index].has_its_length for index in there) and self._all_good(
                data, self._pieces_of(frozenset(there))
            )
        finally:
            data.close()
        # Without a file of ours it is someone else's folder, unless it is one that was only just made.
        with plain_errors(f"read {shown(placement.names.target)}"):
            ours = bool(there) or not os.listdir(placement.target)
        if not (good and ours):
            return False
        placement.slots, placement.merging = slots, True
        return True

    def _pieces_of(self, files: frozenset[int]) -> list[int]:
        layout = self._info.layout
        return sorted({piece for file in files for piece in layout.pieces_of_file(file)})

    def _all_good(self, data: TorrentData, pieces: Sequence[int]) -> bool:
        return all(good for _, good in self._check(data, pieces))

    def _check(self, data: TorrentData, pieces: Sequence[int]) -> Iterator[tuple[int, bool]]:
        for result in check_pieces(self._info, data, pieces, self._progress):
            if self._cancelled and self._cancelled():
                raise CheckCancelledError(f"the check of {self.label} was cancelled")
            yield result

    def require_room(self, placement: Placement, wanted: frozenset[int]) -> None:
        """Raise DiskFullError if what is wanted and not there yet has no room."""
        if placement.adopted:
            return
        needed = self._info.layout.bytes_of_pieces(self._pieces_of(wanted))
        for slot in placement.slots:
            found = None if slot.padding else stat_below(slot.root, slot.parts)
            if slot.padding:
                needed -= slot.length
            elif found:
                needed -= allocated_bytes(found) if slot.writable else found.st_size
        with plain_errors(f"use {shown(str(self.folder))}"):
            free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise DiskFullError(
                f"not enough room in {shown(str(self.folder))} for {self.label}:"
                f" {needed:,} bytes are needed and {free:,} are free"
            )
