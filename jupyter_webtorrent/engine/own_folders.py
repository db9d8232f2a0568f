"""Where a session keeps what nobody named a folder for: beside its state, or in a temporary folder.

What lies in them is its torrents' business. Blocking; one call at a time.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

from jupyter_webtorrent.storage.files import plain_errors

READING: Final = "reading"
"""What is fetched on demand."""


class OwnFolders:
    """The temporary folder is made when it is needed, and removed by `close`."""

    def __init__(self, state_folder: Path | None) -> None:
        self._state_folder = state_folder
        self._temporary: Path | None = None

    def folder(self, name: str) -> Path:
        """The folder of this name, made if need be; raises StorageError."""
        with plain_errors("make a folder for what is read"):
            folder = self._root() / name
            folder.mkdir(parents=True, exist_ok=True)
        return folder.absolute()

    def is_for_reading(self, folder: Path) -> bool:
        """Whether nobody named this folder for what is in it."""
        roots = (self._state_folder, self._temporary)
        return any(root is not None and folder == root.absolute() / READING for root in roots)

    def close(self) -> None:
        """Remove what does not outlive the session."""
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _root(self) -> Path:
        if self._state_folder is not None:
            return self._state_folder
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="webtorrent-"))
        return self._temporary
