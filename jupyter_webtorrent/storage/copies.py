"""Copies of files that editors save again and again, each whole and from one moment.

Blocking: callers use an executor. Where the copies lie, and how long, is left to the engine.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Final

from jupyter_webtorrent.storage.errors import FileChangedError
from jupyter_webtorrent.storage.files import plain_errors, sync_folder
from jupyter_webtorrent.storage.paths import shown

TRIES: Final = 40
PAUSE_SECONDS: Final = 0.05
"""Between two tries: an editor that saves is done soon."""


def is_notebook(path: Path) -> bool:
    """Whether it is a Jupyter notebook, by its name."""
    return path.suffix.lower() == ".ipynb"


class NotebookCopies:
    """The notebooks of one share, copied into a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def stand_in(self, path: Path) -> Path:
        """A notebook's copy; any other file itself. Raises StorageError."""
        if not is_notebook(path):
            return path
        place = self._folder / str(self._count)
        self._count += 1
        with plain_errors(f"copy {shown(path.name)}"):
            place.mkdir()
            copy = place / path.name
            _copy(path, copy)
            sync_folder(place)
            sync_folder(self._folder)
        return copy


def _copy(path: Path, copy: Path) -> None:
    """Copy until nobody wrote meanwhile, and it is a whole notebook unless that is what stands there."""
    last = None
    for _ in range(TRIES):
        before = _stamp(path)
        shutil.copyfile(path, copy)
        if _stamp(path) == before:
            # The clock of file times is coarse: half a notebook may show no change.
            if before == last or _is_json(copy):
                _flush(copy)
                return
            last = before
        time.sleep(PAUSE_SECONDS)
    raise FileChangedError(f"{shown(path.name)} is changing all the time: share it again later")


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
