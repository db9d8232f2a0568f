"""Which files of a torrent are wanted: by globs, or by the indices that a magnet link names."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.services import unique
from jupyter_webtorrent.protocol.metainfo import Info


@dataclass(frozen=True, slots=True)
class FileSelection:
    """Without globs and indices: every file."""

    globs: tuple[str, ...] = ()
    """Over the files' paths and names; they come before the indices."""
    indices: tuple[range, ...] = ()
    """A magnet's `so` (BEP 53), or what was chosen since."""

    @property
    def is_everything(self) -> bool:
        return not (self.globs or self.indices)

    def choose(self, info: Info) -> tuple[int, ...]:
        """The wanted files, as indices of `info.files`; raises EngineError if there are none."""
        chosen = tuple(index for index in range(len(info.files)) if self._wants(info, index))
        if not chosen:
            asked = f"matches {' '.join(self.globs)}" if self.globs else "the link asks for"
            raise EngineError(f"no file of {info.name} {asked}")
        return chosen

    def covers(self, other: FileSelection) -> bool:
        """Whether `other` brings nothing new."""
        if self.is_everything:
            return True
        if other.globs:
            return set(other.globs) <= set(self.globs)
        return not self.globs and other.indices == self.indices

    def extended_by(self, other: FileSelection) -> FileSelection:
        """What a later request makes of it: more globs, or what that link alone names."""
        globs = unique(self.globs, other.globs) if other.globs else ()
        return FileSelection(globs, other.indices)

    def _wants(self, info: Info, index: int) -> bool:
        file = info.files[index]
        if file.padding:
            return False
        if self.globs:
            return any(_matches(file.path, glob) for glob in self.globs)
        return not self.indices or any(index in run for run in self.indices)


def _matches(path: tuple[str, ...], glob: str) -> bool:
    """Whether a glob names a file by its path, or by its name alone."""
    return fnmatchcase("/".join(path), glob) or fnmatchcase(path[-1], glob)
