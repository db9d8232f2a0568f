"""Which file on disk a request may mean.

Relative paths are the browser's: they stay inside the folder that Jupyter serves. Whether a caller may name an
absolute path is the handlers' decision, for it depends on the caller.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath, PureWindowsPath

from jupyter_core.paths import is_hidden
from jupyter_server.services.contents.filemanager import FileContentsManager
from jupyter_server.services.contents.manager import ContentsManager

from jupyter_webtorrent.protocol.errors import WebTorrentError

_SHOWN_CHARACTERS = 100


class PathRefusedError(WebTorrentError):
    """A request may not name this path; the message says why."""


def is_absolute(path: str, flavour: type[PurePath] = PurePath) -> bool:
    """Whether a path names its place by itself: never so for those that JupyterLab's file browser gives.

    On Windows that takes a drive or a host; `\\data` and `C:data`, which need a current one, do not.
    """
    return flavour(path).is_absolute()


def is_plain_name(name: str, flavour: type[PurePath] = PurePath) -> bool:
    """Whether one part of a relative path is one name here too: on Windows no `C:data`, `a\\b` or `a.txt:stream`."""
    path = flavour(name)
    if isinstance(path, PureWindowsPath) and ":" in name:
        return False
    return path.parts == (name,) and not path.anchor


def require_usable(path: str) -> None:
    """Raises PathRefusedError for an absolute path that the system refuses; nothing need be there."""
    with _plain_refusals(path), contextlib.suppress(FileNotFoundError):
        os.lstat(path)


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

    def holds(self, place: Path) -> bool:
        """Whether an absolute place is inside, symlinks followed."""
        return _is_inside(Path(os.path.realpath(place)), self.folder)

    def locate(self, path: str) -> Path:
        """The absolute place of a relative path with `/`, whether or not it exists; raises PathRefusedError.

        Symlinks are followed for the check, not in the answer: a shared link keeps its own name.
        """
        with _plain_refusals(path):
            return self._locate(path)

    def _locate(self, path: str) -> Path:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if ".." in parts or "\0" in path or not all(map(is_plain_name, parts)):
            raise PathRefusedError(
                f"{_shown(path)} is not a path inside the folder that Jupyter serves."
            )
        place = self.folder.joinpath(*parts)
        real = Path(os.path.realpath(place))
        if not _is_inside(real, self.folder):
            raise PathRefusedError(f"{_shown(path)} leads out of the folder that Jupyter serves.")
        with contextlib.suppress(FileNotFoundError):
            os.lstat(place)
        if not self.allow_hidden and (
            is_hidden(place, self.folder) or is_hidden(real, self.folder)
        ):
            raise PathRefusedError(
                f"{_shown(path)} is hidden, and this server does not serve hidden files."
            )
        return place


@contextlib.contextmanager
def _plain_refusals(path: str) -> Iterator[None]:
    """Turn what the system says of a path into a PathRefusedError."""
    try:
        yield
    except OSError as error:
        raise PathRefusedError(f"{_shown(path)} cannot be used: {error.strerror}.") from None
    except ValueError:  # NUL, or a surrogate alone
        raise PathRefusedError(f"{_shown(path)} holds a character that no path can have.") from None


def _shown(path: str) -> str:
    cut = len(path) > _SHOWN_CHARACTERS
    return repr(path[:_SHOWN_CHARACTERS] + "…" if cut else path)


def _is_inside(path: Path, folder: Path) -> bool:
    try:
        return os.path.commonpath([path, folder]) == str(folder)
    except ValueError:  # two Windows drives have nothing in common
        return False
