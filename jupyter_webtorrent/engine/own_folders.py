"""Where a session keeps what nobody named a folder for: beside its state, or in a temporary folder.

Each torrent has an entry of its own, locked while a session uses it: another session's is never used, nor
removed. Blocking; one call at a time.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.storage.errors import BusyError, StorageError
from jupyter_webtorrent.storage.files import plain_errors, try_lock
from jupyter_webtorrent.storage.locks import PartLock

_READING: Final = "reading"
_COPIES: Final = "copies"
_LOCK: Final = ".lock"
_MAX_PLACES: Final = 64
"""Of one torrent: as many sessions keep a state."""


class OwnFolders:
    """What is read on demand, and copies of notebooks. The temporary folder is removed by `close`."""

    def __init__(self, state_folder: Path | None) -> None:
        self._root = None if state_folder is None else Path(os.path.realpath(state_folder))
        self._is_temporary = state_folder is None
        self._locks: dict[Path, PartLock] = {}
        """Of the entries that this session has."""

    def for_reading(self, info_hash: InfoHash) -> Path:
        """The place of a torrent on demand, unless `hold` finds another; raises StorageError."""
        return self._kind(_READING) / str(info_hash)

    def for_copies(self) -> Path:
        """A new place for copies of files; raises StorageError."""
        with plain_errors("make a folder for copies"):
            entry = Path(tempfile.mkdtemp(prefix="", dir=self._kind(_COPIES)))
        self.hold([entry])
        return entry

    def entries_of(self, paths: Collection[Path]) -> set[Path]:
        """The entries that these are, or are in."""
        entries: set[Path] = set()
        for kind in () if self._root is None else (self._root / _READING, self._root / _COPIES):
            within = [path.relative_to(kind) for path in paths if path.is_relative_to(kind)]
            entries.update(kind / path.parts[0] for path in within if path.parts)
        return entries

    def copies_among(self, paths: Iterable[Path]) -> tuple[int, ...]:
        """Which of these are copies, by index."""
        if self._root is None:
            return ()
        copies = self._root / _COPIES
        return tuple(index for index, path in enumerate(paths) if path.is_relative_to(copies))

    def hold(self, entries: Iterable[Path]) -> None:
        """Use these, made if need be, so that no other session takes them for left behind; raises StorageError."""
        for entry in entries:
            self._take(entry)

    def hold_for_reading(self, folder: Path) -> Path:
        """Use the place of a torrent on demand, or one beside it if another session has that: which.

        Any other folder is as it is. Raises StorageError.
        """
        if self._root is None or folder.parent != self._root / _READING:
            return folder
        name = folder.name.partition("-")[0]
        others = (folder.with_name(f"{name}-{number}") for number in range(1, _MAX_PLACES))
        for place in dict.fromkeys((folder, folder.with_name(name), *others)):
            if self._take(place):
                return place
        raise StorageError(f"{_MAX_PLACES} sessions read this torrent already")

    def remove(self, entries: Iterable[Path]) -> None:
        """Remove what is of no use any more; files that a person chose to fetch into one stay, and so does what
        another session has."""
        for entry in entries:
            lock = self._locks.pop(entry, None)
            if lock is None:
                continue
            if entry.parent.name == _COPIES:
                shutil.rmtree(entry, ignore_errors=True)
            with suppress(OSError):
                for hidden in entry.glob(".*"):
                    if hidden.is_dir() and not hidden.is_symlink():
                        shutil.rmtree(hidden, ignore_errors=True)
                    elif hidden.name != _LOCK:
                        hidden.unlink()
            lock.release(remove=True)
            with suppress(OSError):
                entry.rmdir()

    def sweep(self) -> None:
        """Remove what sessions left behind that have ended."""
        assert self._root is not None
        for kind in (_READING, _COPIES):
            with suppress(OSError):
                for entry in sorted((self._root / kind).iterdir()):
                    if entry not in self._locks and entry.is_dir() and _is_abandoned(entry):
                        self._take(entry)
                        self.remove([entry])

    def close(self) -> None:
        """Let go of all, and remove what does not outlive the session."""
        for lock in self._locks.values():
            lock.release(remove=False)
        self._locks.clear()
        if self._is_temporary and self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)

    def _take(self, entry: Path) -> bool:
        """Whether this session has an entry, from now on if no other has it."""
        if entry in self._locks:
            return True
        with plain_errors("make a folder for what is read"):
            entry.mkdir(parents=True, exist_ok=True)
        try:
            lock = PartLock.acquire(entry, _LOCK, "", entry.name)
        except BusyError:
            return False
        if lock is not None:
            self._locks[entry] = lock
        return lock is not None

    def _kind(self, name: str) -> Path:
        with plain_errors("make a folder for what is read"):
            if self._root is None:
                self._root = Path(os.path.realpath(tempfile.mkdtemp(prefix="webtorrent-")))
            folder = self._root / name
            folder.mkdir(parents=True, exist_ok=True)
        return folder


def _is_abandoned(entry: Path) -> bool:
    """Whether no session has it, as far as locks tell; one that was only just made may have no lock file yet."""
    try:
        descriptor = os.open(entry / _LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        return try_lock(descriptor, without_locks=False)
    finally:
        os.close(descriptor)
