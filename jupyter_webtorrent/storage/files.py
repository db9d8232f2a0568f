"""Single files on a real disk: opened below a folder without following a link, read and written at offsets,
moved without overwriting, locked. The only module of storage that knows POSIX from Windows.

Which file holds which bytes of a torrent is left to `data`, names are made safe by `paths`.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jupyter_webtorrent.storage.errors import (
    DiskFullError,
    DiskTroubleError,
    StorageError,
    UnsafePathError,
)
from jupyter_webtorrent.storage.paths import shown

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FULL: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_NOT_OURS: Final = frozenset({errno.ELOOP, errno.EMLINK, errno.ENOTDIR, errno.EISDIR})
"""What O_NOFOLLOW and O_DIRECTORY answer for a link (EMLINK on FreeBSD), and folders opened as files."""
_NO_LINKS: Final = frozenset(
    {errno.EPERM, errno.EXDEV, errno.EMLINK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}
)
"""What file systems without hard links answer (FAT, exFAT, some network shares)."""

_LOCKED: Final = frozenset({errno.EAGAIN, errno.EACCES, getattr(errno, "EDEADLK", errno.EAGAIN)})
_NO_LOCKS: Final = frozenset(
    {errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP}
)

# Non-blocking so that a FIFO put in a file's place is refused instead of waited for.
_NO_WAITING: Final = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)
_ALWAYS: Final = _NO_WAITING | getattr(os, "O_NOFOLLOW", 0)
_FOLDER: Final = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_PASS: Final = getattr(os, "O_PATH", os.O_RDONLY)
"""A folder on the way need not be readable where the system can say so (Linux)."""
_LOCKED_BYTE: Final = 1 << 16
"""On Windows a locked byte cannot be read by others: this one is past the text of a lock file."""


@contextmanager
def plain_errors(doing: str) -> Iterator[None]:
    """Turn an OSError into a DiskTroubleError of one line: `cannot write data.csv: No space left on device`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        kind = DiskFullError if error.errno in _FULL else DiskTroubleError
        raise kind(f"cannot {doing}: {reason}") from error


def require_possible(path: Path) -> None:
    """Raises StorageError for a path that no file can have: Python answers these with a ValueError."""
    with suppress(UnicodeEncodeError):
        if b"\0" not in os.fsencode(path):
            return
    raise StorageError(f"{shown(str(path))}: not a path that a file can have")


def read_small_file(path: Path, max_bytes: int) -> bytes:
    """A file that a person named, links followed; of a larger one the first `max_bytes` + 1 bytes.

    Blocking, but never for a pipe. Raises StorageError for what is not a plain file, or cannot be read.
    """
    require_possible(path)
    name = shown(str(path))
    with plain_errors(f"read {name}"):
        descriptor = os.open(path, os.O_RDONLY | _NO_WAITING)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StorageError(f"{name} is not a plain file")
            return read_at(descriptor, max_bytes + 1, 0)
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Place:
    """A name in a folder that was reached without a symbolic link; for the `dir_fd` arguments of `os`."""

    name: str
    dir_fd: int | None
    """None on Windows, which has no such thing: there `name` is the whole path."""


@contextmanager
def place_below(root: Path, parts: Sequence[str], *, make_folders: bool = False) -> Iterator[Place]:
    """Walk from `root`, which is trusted, to the folder of `root/parts`, which are not.

    Raises UnsafePathError where something else than a real folder is in the way, FileNotFoundError where
    nothing is, and other OSErrors.
    """
    if sys.platform == "win32":
        folder = root
        for part in parts[:-1]:
            folder /= part
            if make_folders:
                with suppress(FileExistsError):
                    folder.mkdir()
            found = folder.lstat()
            reparse = found.st_file_attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT
            if reparse or not stat.S_ISDIR(found.st_mode):
                raise _not_ours(parts)
        yield Place(str(folder / parts[-1]), None)
    else:
        directory = os.open(root, _PASS | _FOLDER)
        try:
            for part in parts[:-1]:
                if make_folders:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=directory)
                inner = _open_folder(part, directory, parts)
                os.close(directory)
                directory = inner
            yield Place(parts[-1], directory)
        finally:
            os.close(directory)


def open_below(root: Path, parts: Sequence[str], flags: int, *, make_folders: bool = False) -> int:
    """Open the regular file `root/parts` (see `place_below`): a descriptor that child processes do not get."""
    with place_below(root, parts, make_folders=make_folders) as place:
        try:
            descriptor = os.open(place.name, flags | _ALWAYS, 0o666, dir_fd=place.dir_fd)
        except OSError as error:
            if error.errno in _NOT_OURS:
                raise _not_ours(parts) from error
            raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _not_ours(parts)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def stat_below(root: Path, parts: Sequence[str]) -> os.stat_result | None:
    """What stands at `root/parts`, a link itself and not its target; None if nothing does, or out of reach."""
    try:
        with place_below(root, parts) as place:
            return os.stat(place.name, dir_fd=place.dir_fd, follow_symlinks=False)
    except (FileNotFoundError, UnsafePathError):
        return None


def remove_below(root: Path, parts: Sequence[str]) -> None:
    """Remove the file `root/parts` if there is one, then each folder between that this leaves empty."""
    with suppress(FileNotFoundError, UnsafePathError), place_below(root, parts) as place:
        os.unlink(place.name, dir_fd=place.dir_fd)
    for depth in range(len(parts) - 1, 0, -1):
        try:
            with place_below(root, parts[:depth]) as place:
                os.rmdir(place.name, dir_fd=place.dir_fd)
        except (OSError, UnsafePathError):
            return


def move_without_overwriting(source: Place, target: Place) -> None:
    """Give a file its final name at once and whole; raises FileExistsError if the name is taken."""
    if sys.platform == "win32":
        os.rename(source.name, target.name)  # refuses to overwrite there
    else:
        _link_and_unlink(source, target)


def read_at(descriptor: int, length: int, offset: int) -> bytes:
    """Up to `length` bytes; fewer only at the end of the file. On Windows one caller at a time."""
    parts: list[bytes] = []
    while length:
        part = _read_once(descriptor, length, offset)
        if not part:
            break
        if len(part) == length and not parts:
            return part
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return b"".join(parts)


def write_at(descriptor: int, data: memoryview, offset: int) -> None:
    """Write all of `data`. On Windows one caller at a time."""
    while data:
        if sys.platform == "win32":
            os.lseek(descriptor, offset, os.SEEK_SET)
            written = os.write(descriptor, data)
        else:
            written = os.pwrite(descriptor, data, offset)
        data = data[written:]
        offset += written


def is_hole(descriptor: int, offset: int, length: int) -> bool:
    """Whether the file system knows that these bytes, all within the file, were never written (read as zeros)."""
    seek_data = getattr(os, "SEEK_DATA", None)
    if seek_data is None:
        return False
    try:
        return os.lseek(descriptor, offset, seek_data) >= offset + length
    except OSError as error:
        return error.errno == errno.ENXIO


def allocated_bytes(found: os.stat_result) -> int:
    """How much of a file takes room on the disk already, as far as the platform tells."""
    if sys.platform == "win32":
        return found.st_size
    else:  # noqa: RET505  # mypy knows a platform only by its branch
        return min(found.st_size, found.st_blocks * 512)


def sync_folder(path: Path) -> None:
    """Make renames in a folder last through a power cut, where folders can be synced."""
    if sys.platform != "win32":
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | _FOLDER)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def try_lock(descriptor: int, *, without_locks: bool = True) -> bool:
    """Take the lock that the system ends with this process; False if someone else holds it.

    The answer is `without_locks` where the file system has none (some network homes). There it counts as
    taken for a part: the bytes that two processes would write to one are verified and the same.
    """
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _LOCKED:
            return False
        if error.errno not in _NO_LOCKS:
            raise
        return without_locks
    return True


def _read_once(descriptor: int, length: int, offset: int) -> bytes:
    if sys.platform == "win32":
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, length)
    else:  # noqa: RET505  # mypy knows a platform only by its branch
        return os.pread(descriptor, length, offset)


def _not_ours(parts: Sequence[str]) -> UnsafePathError:
    path = shown("/".join(parts))
    return UnsafePathError(
        f"{path}: a link, or something that is not a plain file or folder, is in the way"
    )


if sys.platform != "win32":

    def _open_folder(name: str, directory: int, parts: Sequence[str]) -> int:
        try:
            return os.open(name, _PASS | _FOLDER | os.O_NOFOLLOW, dir_fd=directory)
        except OSError as error:
            if error.errno in _NOT_OURS:
                raise _not_ours(parts) from error
            raise

    def _link_and_unlink(source: Place, target: Place) -> None:
        dirs = {"src_dir_fd": source.dir_fd, "dst_dir_fd": target.dir_fd}
        try:
            os.link(source.name, target.name, follow_symlinks=False, **dirs)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
        else:
            os.unlink(source.name, dir_fd=source.dir_fd)
            return
        # Without hard links, an empty file of ours reserves the name: rename replaces nothing else.
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _ALWAYS
        os.close(os.open(target.name, flags, 0o666, dir_fd=target.dir_fd))
        try:
            os.rename(source.name, target.name, **dirs)
        except OSError:
            os.unlink(target.name, dir_fd=target.dir_fd)
            raise
