"""Moves a finished download from its part to its name, and removes a download that nobody wants.

A file gets its name whole and at once, and never in place of another. Which names are tried is left to
`placement`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from jupyter_webtorrent.storage.data import FileSlot, TorrentData
from jupyter_webtorrent.storage.errors import StorageError
from jupyter_webtorrent.storage.files import (
    move_without_overwriting,
    open_below,
    place_below,
    plain_errors,
    remove_below,
    stat_below,
    sync_folder,
)
from jupyter_webtorrent.storage.paths import shown
from jupyter_webtorrent.storage.placement import Chooser, Names, Placement

_TAKEN: Final = frozenset(
    {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR, errno.EACCES}
)
"""What renaming a folder answers where the new name is taken (EACCES on Windows)."""

_FLUSHERS: Final = 8
"""Threads that wait for the disk: it writes many small files together far faster than one by one."""


def deliver(
    placement: Placement, chooser: Chooser, data: TorrentData, wanted: Collection[int]
) -> None:
    """Flush the wanted files and give them their names; the slots then say where they are.

    All of their bytes must be verified. Readers wait while files move. Raises StorageError, and then
    what did not move is still in the part.
    """
    files = [slot for slot in data.slots if not slot.padding]
    arriving = [data.slots[index] for index in sorted(wanted) if data.slots[index].writable]
    with ThreadPoolExecutor(_FLUSHERS, "flush") as pool:
        for _ in pool.map(_complete, arriving):
            pass  # an error of any is raised
    with data.moving(), plain_errors(f"finish {chooser.label}"):
        if len(arriving) < len(files) or placement.merging:
            _deliver_selection(placement, chooser, arriving)
        else:
            _deliver_whole(placement, chooser, arriving)
        sync_folder(placement.folder)
    if placement.lock and not any(slot.writable for slot in files):
        placement.lock.release(remove=True)


def discard(placement: Placement, chooser: Chooser, data: TorrentData) -> None:
    """Remove the part and what was delivered of it; files that were there before, or were edited, stay.

    Raises BusyError, and removes nothing, if another transfer goes on with the part by now.
    """
    if placement.adopted:
        return
    with data.moving(), plain_errors(f"remove {shown(placement.names.target)}"):
        ours = chooser.reclaim(placement)
        for slot in data.slots:
            if not slot.padding and (ours if slot.writable else _is_as_delivered(slot)):
                remove_below(slot.root, slot.parts)
    if placement.lock:
        placement.lock.release(remove=True)


def _complete(slot: FileSlot) -> None:
    """Bring a file of the part to its exact length, and to the disk; empty files are made here."""
    flags = os.O_RDWR if slot.length else os.O_RDWR | os.O_CREAT
    with plain_errors(f"flush {slot.label}"):
        descriptor = open_below(slot.root, slot.parts, flags, make_folders=not slot.length)
        try:
            size = os.fstat(descriptor).st_size
            if size < slot.length:
                raise StorageError(f"{slot.label} lost bytes: {size:,} of {slot.length:,} are left")
            if size > slot.length:
                os.ftruncate(descriptor, slot.length)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _deliver_whole(placement: Placement, chooser: Chooser, arriving: list[FileSlot]) -> None:
    """One move: of the only file, or of the folder that all files are in."""
    single_file = len(arriving[0].parts) == 1
    move = _move_file if single_file else _move_folder
    for names in chooser.candidates(placement.names.number):
        if move(placement, names):
            if names.number != placement.names.number:
                placement.notice = chooser.renamed(names.target)
            placement.names = replace(placement.names, target=names.target)
            for slot in arriving:
                _arrived(slot, names.target)
            return
    raise StorageError(f"no free name is left for {chooser.label}")


def _move_file(placement: Placement, names: Names) -> bool:
    with (
        place_below(placement.folder, (placement.names.part,)) as part,
        place_below(placement.folder, (names.target,)) as target,
    ):
        try:
            move_without_overwriting(part, target)
        except FileExistsError:
            return False
    return True


def _move_folder(placement: Placement, names: Names) -> bool:
    if stat_below(placement.folder, (names.target,)) is not None:
        return False
    try:
        os.rename(placement.folder / placement.names.part, placement.folder / names.target)
    except OSError as error:
        taken = stat_below(placement.folder, (names.target,)) is not None
        if taken and error.errno in _TAKEN:
            return False
        raise
    return True


def _deliver_selection(placement: Placement, chooser: Chooser, arriving: list[FileSlot]) -> None:
    """File by file, into a folder of this torrent alone; the part keeps what belongs to other files."""
    while arriving and not placement.merging:
        try:
            placement.target.mkdir()
        except FileExistsError:
            chooser.relocate(placement)
        else:
            placement.merging = True
    for slot in arriving:
        before, after = slot.parts, (placement.names.target, *slot.parts[1:])
        with (
            place_below(slot.root, before) as part,
            place_below(slot.root, after, make_folders=True) as target,
        ):
            try:
                move_without_overwriting(part, target)
            except FileExistsError:
                raise StorageError(
                    f"{slot.label} is in {shown(placement.names.target)} already, and is not overwritten"
                ) from None
        _arrived(slot, placement.names.target)
        remove_below(slot.root, before)  # it is moved: only the folders that this left empty
    if arriving:
        sync_folder(placement.target)


def _arrived(slot: FileSlot, target: str) -> None:
    slot.parts = (target, *slot.parts[1:])
    slot.name = ""
    slot.writable = False
    slot.take_stamp()
    slot.delivered = slot.stamp


def _is_as_delivered(slot: FileSlot) -> bool:
    return slot.delivered is not None and slot.delivered == slot.current_stamp()
