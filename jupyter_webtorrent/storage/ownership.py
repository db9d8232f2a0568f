"""Whether a part that stands under its name is one to go on with, so that nothing of anybody else's is lost.

Finding parts, and locking them, is left to `placement`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.storage.data import FileSlot, TorrentData
from jupyter_webtorrent.storage.files import (
    is_hole,
    open_below,
    read_at,
    remove_below,
    stat_below,
)
from jupyter_webtorrent.storage.hashing import digest_of_zeros

Check = Callable[[TorrentData, Sequence[int]], Iterator[tuple[int, bool]]]
"""Hashes pieces, one by one: which, and whether it is right."""

_SCAN_BYTES: Final = 1 << 20


def has_form_of_part(info: Info, folder: Path, part: str) -> bool:
    """Whether what stands there can be the torrent's by its kind, and writing to it changes nothing else."""
    found = stat_below(folder, (part,))
    if found is None:
        return False
    if info.single_file:
        # A second link would be a finished file that writing here would change.
        return stat.S_ISREG(found.st_mode) and found.st_nlink <= 1
    return stat.S_ISDIR(found.st_mode)


def looks_like_ours(info: Info, part: Path, slots: Sequence[FileSlot], check: Check) -> bool:
    """Judge a part whose lock file is gone by its data: some piece is right, or nothing is there at all.

    Raises OSError, and what `check` raises.
    """
    expected = {slot.path: slot.length for slot in slots if not slot.padding}
    there = [part] if info.single_file else [*_files_below(part)]
    if any(path not in expected or path.lstat().st_size > expected[path] for path in there):
        return False
    data = TorrentData(info.layout, slots)
    try:
        for piece, good in check(data, range(info.piece_count)):
            zeros = digest_of_zeros(info.layout.piece_size(piece))
            if good and info.piece_hash(piece) != zeros:
                return True
    finally:
        data.close()
    return not any(map(_has_data, there))


def drop_second_names(slots: Sequence[FileSlot]) -> None:
    """Take from the part what a crash amid `finish` left under its final name too: a person may edit that,
    and to write here would change it."""
    for slot in slots:
        found = None if slot.padding else stat_below(slot.root, slot.parts)
        if found and stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            remove_below(slot.root, slot.parts)


def _files_below(folder: Path) -> Iterator[Path]:
    for root, _, files in os.walk(folder):
        for name in files:
            yield Path(root, name)


def _has_data(path: Path) -> bool:
    """Whether any byte of a file is not zero."""
    descriptor = open_below(path.parent, (path.name,), os.O_RDONLY)
    try:
        length = os.fstat(descriptor).st_size
        for offset in range(0, length, _SCAN_BYTES):
            size = min(_SCAN_BYTES, length - offset)
            if not is_hole(descriptor, offset, size) and read_at(descriptor, size, offset).strip(
                b"\0"
            ):
                return True
        return False
    finally:
        os.close(descriptor)
