"""Paths as a notebook means them, for the server's own working folder is another."""

from __future__ import annotations

import os

from jupyter_webtorrent.protocol.errors import WebTorrentError

StrPath = str | os.PathLike[str]


def absolute(path: StrPath) -> str:
    """`~` is the user's home, relative is to the kernel's folder; raises WebTorrentError if that was deleted."""
    try:
        return os.path.abspath(os.path.expanduser(path))
    except FileNotFoundError:
        raise WebTorrentError(
            "The folder in which this kernel runs was deleted: name a path from the root, or restart the kernel."
        ) from None
