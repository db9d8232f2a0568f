"""What can go wrong between a torrent and a disk; each message is one line for a person."""

from __future__ import annotations

from jupyter_webtorrent.protocol.errors import WebTorrentError


class StorageError(WebTorrentError):
    """A file could not be read, written, hashed or moved. What is on disk is as safe as it was."""


class DiskTroubleError(StorageError):
    """The disk refuses, for now: full, read-only, unplugged. Go on seeding, and try again later."""


class DiskFullError(DiskTroubleError):
    """There is no room, or the user's quota is used up."""


class UnsafePathError(StorageError):
    """A path leads out of its folder, through a symbolic link or to something that is not a file."""


class BusyError(StorageError):
    """Another process, or another transfer of this one, writes the same download."""


class FileChangedError(StorageError):
    """A file that is served is gone or no longer what was hashed: stop serving it, then check it again."""


class CheckCancelledError(StorageError):
    """The caller's `cancelled` ended a check before there was an answer."""
