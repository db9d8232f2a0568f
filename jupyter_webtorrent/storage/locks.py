"""The lock file beside a part: whose part it is, and that one process at a time writes it."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from jupyter_webtorrent.storage.errors import BusyError, UnsafePathError
from jupyter_webtorrent.storage.files import (
    open_below,
    plain_errors,
    read_at,
    remove_below,
    stat_below,
    try_lock,
    write_at,
)
from jupyter_webtorrent.storage.paths import shown

_MAX_OWNER_BYTES: Final = 64
_OWNER: Final = re.compile(r"(?:[0-9a-f]{40})?")
"""Anything else is a file of someone's that only has our file's name."""


class PartLock:
    """A held lock. The system ends it with the process; the file stays, for `owner` is worth keeping.

    `owner` is the text that stood in the file: an info hash, or empty if nobody claimed the part yet.
    """

    def __init__(self, folder: Path, name: str, descriptor: int) -> None:
        self._folder = folder
        self._name = name
        self._descriptor: int | None = descriptor
        self.owner = _owner(descriptor)

    @classmethod
    def acquire(cls, folder: Path, name: str, claimant: str, label: str) -> PartLock | None:
        """Lock `folder/name`, made if need be; None if another torrent's transfer holds it, it is
        another user's, or something else stands there.

        Raises BusyError, which names `label`, if a transfer of the same torrent does, or one that did not
        yet say; StorageError.
        """
        with plain_errors(f"lock a download in {shown(str(folder))}"):
            while True:
                try:
                    descriptor = open_below(folder, (name,), os.O_RDWR | os.O_CREAT)
                except UnsafePathError:
                    return None
                except PermissionError:
                    if stat_below(folder, (name,)) is None:
                        raise
                    return None  # another user's, in a shared folder
                try:
                    if not try_lock(descriptor):
                        if _owner(descriptor) not in {"", claimant}:
                            return None
                        raise BusyError(f"{label} is being downloaded to the same folder already")
                    # Its last holder may have removed the file after it was opened here.
                    if _is_still(descriptor, folder, name):
                        if not _OWNER.fullmatch(_owner(descriptor)):
                            return None
                        lock = cls(folder, name, descriptor)
                        descriptor = -1
                        return lock
                finally:
                    if descriptor >= 0:
                        os.close(descriptor)

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def claim(self, owner: str) -> None:
        """Write down whose part this is."""
        if self._descriptor is not None and owner != self.owner:
            with plain_errors("claim a download"):
                os.ftruncate(self._descriptor, 0)
                write_at(self._descriptor, memoryview(owner.encode()), 0)
            self.owner = owner

    def release(self, *, remove: bool) -> None:
        """Unlock, and remove the file if nothing is left that it tells of. Does nothing the second time."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        if remove and os.name != "nt":  # while locked, so that nobody else's is removed
            with suppress(OSError):
                remove_below(self._folder, (self._name,))
        os.close(descriptor)
        if remove and os.name == "nt":
            with suppress(OSError):
                remove_below(self._folder, (self._name,))


def _owner(descriptor: int) -> str:
    return read_at(descriptor, _MAX_OWNER_BYTES, 0).decode("latin-1").strip()


def _is_still(descriptor: int, folder: Path, name: str) -> bool:
    there = stat_below(folder, (name,))
    return there is not None and os.path.samestat(there, os.fstat(descriptor))
