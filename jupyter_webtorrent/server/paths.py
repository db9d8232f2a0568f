"""Which file on disk a request may mean.

Relative paths are the browser's: they stay inside the folder that Jupyter serves. Whether a caller may name an
absolute path is the handlers' decision, for it depends on the caller.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from jupyter_core.paths import is_hidden
from jupyter_server.services.contents.filemanager import FileContentsManager
from jupyter_server.services.contents.manager import ContentsManager

from jupyter_webtorrent.protocol.errors import WebTorrentError

_MAGNET_OR_HASH = re.compile(r"magnet:|(?:[0-9a-f]{40}|[a-z2-7]{32})$", re.IGNORECASE)
_URL = re.compile(r"https?://", re.IGNORECASE)


class LinkKind(Enum):
    """What a link must be, by its looks; whether it is a good one is for its reader to say."""

    MAGNET_OR_HASH = "magnet"
    URL = "url"
    FILE = "file"
    NONE = "none"


class PathRefusedError(WebTorrentError):
    """A request may not name this path; the message says why."""


def link_kind(link: str) -> LinkKind:
    """Tells links apart, so that only what is a path is looked for on disk."""
    if _MAGNET_OR_HASH.match(link):
        return LinkKind.MAGNET_OR_HASH
    if _URL.match(link):
        return LinkKind.URL
    return LinkKind.FILE if link.endswith(".torrent") else LinkKind.NONE


def is_absolute(path: str) -> bool:
    """Whether a path names its place by itself: never so for those that JupyterLab's file browser gives."""
    return os.path.isabs(path)


@dataclass(frozen=True, slots=True)
class ServerRoot:
    """The folder that Jupyter serves, and its rule about hidden files."""

    folder: Path
    allow_hidden: bool

    @classmethod
    def of(cls, contents_manager: ContentsManager) -> ServerRoot:
        """The root of a contents manager that keeps plain files; PathRefusedError for any other."""
        if not isinstance(contents_manager, FileContentsManager):
            kind = type(contents_manager).__name__
            raise PathRefusedError(
                f"This server keeps its notebooks by {kind}, not as plain files: name an absolute path."
            )
        folder = Path(os.path.realpath(contents_manager.root_dir))
        return cls(folder, bool(contents_manager.allow_hidden))

    def locate(self, path: str) -> Path:
        """The absolute place of a relative path with `/`, whether or not it exists; raises PathRefusedError.

        Symlinks are followed for the check, not in the answer: a shared link keeps its own name.
        """
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if ".." in parts or "\0" in path:
            raise PathRefusedError(f"{path!r} is not a path inside the folder that Jupyter serves.")
        place = self.folder.joinpath(*parts)
        real = Path(os.path.realpath(place))
        if not _is_inside(real, self.folder):
            raise PathRefusedError(f"{path!r} leads out of the folder that Jupyter serves.")
        if not self.allow_hidden and (
            is_hidden(place, self.folder) or is_hidden(real, self.folder)
        ):
            raise PathRefusedError(
                f"{path!r} is hidden, and this server does not serve hidden files."
            )
        return place


def _is_inside(path: Path, folder: Path) -> bool:
    try:
        return os.path.commonpath([path, folder]) == str(folder)
    except ValueError:  # two Windows drives have nothing in common
        return False
