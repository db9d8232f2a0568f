"""The bytes of a torrent over the files that hold them now: read, write and ask what is there.

Knows where each file stands and whether it may be written; hashes and names are elsewhere.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias

from jupyter_webtorrent.protocol.layout import PieceLayout, Segment
from jupyter_webtorrent.storage.errors import FileChangedError, StorageError
from jupyter_webtorrent.storage.files import (
    is_hole,
    open_below,
    plain_errors,
    read_at,
    stat_below,
    write_at,
)
from jupyter_webtorrent.storage.handles import HandleCache
from jupyter_webtorrent.storage.paths import shown

MAX_OPEN_FILES: Final = 64
"""Of one torrent."""

Stamp: TypeAlias = tuple[int, int, int]
"""Size, mtime_ns and inode of a plain file: while they stay, so do its bytes."""


class Presence(Enum):
    """What stands at some bytes of a torrent."""

    ABSENT = "absent"
    """At least a part is in no file."""
    HOLE = "hole"
    """All of it is known to be zeros, without reading."""
    DATA = "data"


@dataclass(slots=True)
class FileSlot:
    """Where one file of a torrent stands, and what may be done to it."""

    root: Path
    """A folder that is trusted."""
    parts: tuple[str, ...]
    """The path below `root`, which no symbolic link may be part of."""
    length: int
    """Bytes the torrent gives it."""
    writable: bool = False
    """A file in the part area: made on the first write. All others are never written."""
    name: str = ""
    """What messages call it, if not by the last of `parts`."""
    padding: bool = False
    """Zeros without a file (BEP 47)."""
    stamp: Stamp | None = None
    """Of a file that is not writable, when it was last looked at before a check; None: it was not there."""
    delivered: Stamp | None = None
    """What `stamp` was when this download gave the file its name; None for a file that it did not."""

    @property
    def path(self) -> Path:
        return self.root.joinpath(*self.parts)

    def take_stamp(self) -> None:
        """Take the file as it is now."""
        self.stamp = self.current_stamp()

    def current_stamp(self) -> Stamp | None:
        """What `stamp` would be now."""
        with plain_errors(f"read {self.label}"):
            return _stamp_of(stat_below(self.root, self.parts))

    @property
    def has_its_length(self) -> bool:
        """Whether the file was there, and neither cut short nor appended to."""
        return self.stamp is not None and self.stamp[0] == self.length

    @property
    def label(self) -> str:
        """The file's name for an error message."""
        return shown(self.name or self.parts[-1])


class TorrentData:
    """One torrent's bytes; thread-safe. Offsets count from the beginning of the torrent.

    Every method raises StorageError for a disk's troubles and IndexError for bytes that do not exist.
    """

    def __init__(self, layout: PieceLayout, slots: Sequence[FileSlot]) -> None:
        self.layout: Final = layout
        self.slots: Final = tuple(slots)
        self._handles = HandleCache(self._open, MAX_OPEN_FILES)
        self._unflushed: set[int] = set()
        """Files that were written since the last `flush`."""

    def read(self, offset: int, length: int) -> bytes:
        """All of these bytes; raises FileChangedError if a file is gone, shorter or no longer the same."""
        segments = self.layout.segments(offset, length)
        if len(segments) == 1:
            return self._read(segments[0])
        return b"".join(map(self._read, segments))

    def write(self, offset: int, data: memoryview) -> None:
        """Write to the writable files; what the others hold must be the same already (FileChangedError)."""
        for segment in self.layout.segments(offset, len(data)):
            self._write(segment, data[: segment.length])
            data = data[segment.length :]

    def presence(self, offset: int, length: int) -> Presence:
        """What stands there, as cheaply as the file system tells."""
        found = {self._presence(segment) for segment in self.layout.segments(offset, length)}
        for presence in (Presence.ABSENT, Presence.DATA):
            if presence in found:
                return presence
        return Presence.HOLE

    def stamp(self, files: Collection[int] | None = None) -> None:
        """Take the files that are never written, or those of them that are named, as they are now."""
        # Emptied, so that a file that was replaced is opened anew.
        with self._handles.emptied():
            for slot in self.slots if files is None else [self.slots[index] for index in files]:
                if not (slot.writable or slot.padding):
                    slot.take_stamp()

    def changed(self, files: Collection[int] | None = None) -> list[int]:
        """The files, or those of them that are named, that are never written and no longer are what they
        were at the last `stamp`."""
        return [
            index
            for index in (range(len(self.slots)) if files is None else files)
            if not (self.slots[index].writable or self.slots[index].padding)
            and self.slots[index].stamp != self.slots[index].current_stamp()
        ]

    def flush(self) -> None:
        """Bring to the disk what was written until now. Not while files move."""
        while self._unflushed:
            slot = self.slots[self._unflushed.pop()]
            if slot.writable:  # a delivered file was flushed before it moved
                with plain_errors(f"flush {slot.label}"):
                    descriptor = open_below(slot.root, slot.parts, os.O_RDWR)
                    try:
                        os.fsync(descriptor)
                    finally:
                        os.close(descriptor)

    @contextmanager
    def moving(self) -> Iterator[None]:
        """No file is open inside the `with`, so that slots can move; readers and writers wait."""
        with self._handles.emptied():
            yield

    def close(self) -> None:
        self._handles.close()

    def _open(self, key: tuple[int, bool]) -> int:
        index, writing = key
        slot = self.slots[index]
        if not writing:
            return open_below(slot.root, slot.parts, os.O_RDONLY)
        if not slot.writable:  # it moved since the caller looked
            raise FileChangedError(f"{slot.label} is finished, and is not written any more")
        flags = os.O_RDWR | os.O_CREAT
        descriptor = open_below(slot.root, slot.parts, flags, make_folders=True)
        try:
            # At its full length from the start: sparse, and each piece at its final place.
            if os.fstat(descriptor).st_size != slot.length:
                os.ftruncate(descriptor, slot.length)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _read(self, segment: Segment) -> bytes:
        index, offset, length = segment
        slot = self.slots[index]
        if slot.padding:
            return bytes(length)
        with plain_errors(f"read {slot.label}"):
            try:
                with self._handles.borrow((index, False)) as descriptor:
                    data = read_at(descriptor, length, offset)
                    if not slot.writable:  # after the read: it may change amid it
                        self._require_unchanged(slot, descriptor)
            except FileNotFoundError:
                raise FileChangedError(f"{slot.label} is not there any more") from None
        if len(data) < length:
            raise FileChangedError(
                f"{slot.label} ends early: {len(data):,} of {length:,} bytes at {offset:,} are there"
            )
        return data

    def _write(self, segment: Segment, data: memoryview) -> None:
        index, offset, length = segment
        slot = self.slots[index]
        if slot.padding:
            if data != bytes(length):
                raise StorageError("this torrent's padding is not zeros: it cannot be stored")
        elif not slot.writable:
            if data != self._read(segment):
                raise FileChangedError(f"{slot.label} was changed, and is not overwritten")
        else:
            with (
                plain_errors(f"write {slot.label}"),
                self._handles.borrow((index, True)) as descriptor,
            ):
                self._unflushed.add(index)
                write_at(descriptor, data, offset)

    def _presence(self, segment: Segment) -> Presence:
        index, offset, length = segment
        slot = self.slots[index]
        if slot.padding:
            return Presence.HOLE
        if not (slot.writable or slot.stamp):
            return Presence.ABSENT
        with plain_errors(f"read {slot.label}"):
            try:
                with self._handles.borrow((index, False)) as descriptor:
                    if os.fstat(descriptor).st_size < offset + length:
                        return Presence.ABSENT
                    hole = is_hole(descriptor, offset, length)
            except FileNotFoundError:
                return Presence.ABSENT
        return Presence.HOLE if hole else Presence.DATA

    def _require_unchanged(self, slot: FileSlot, descriptor: int) -> None:
        if slot.stamp is None or _stamp_of(os.fstat(descriptor)) != slot.stamp:
            raise FileChangedError(f"{slot.label} has changed since it was checked")


def _stamp_of(found: os.stat_result | None) -> Stamp | None:
    if found is None or not stat.S_ISREG(found.st_mode):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
