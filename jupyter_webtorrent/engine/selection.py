"""Which files of a torrent are wanted: by globs, by indices, or none until they are chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Self

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.services import unique
from jupyter_webtorrent.protocol.magnet import merged_runs
from jupyter_webtorrent.protocol.metainfo import Info


@dataclass(frozen=True, slots=True)
class FileSelection:
    """What any of its globs or indices names; without any: every file."""

    globs: tuple[str, ...] = ()
    """Over the files' paths and names."""
    indices: tuple[range, ...] = ()
    """A magnet's `so` (BEP 53), or what was chosen since."""
    on_demand: bool = False
    """Every file has a place, and no piece is wanted but those that readers need."""

    @classmethod
    def of(cls, files: Iterable[int]) -> Self:
        """These files, by their indices."""
        return cls(indices=merged_runs(range(index, index + 1) for index in files))

    @property
    def is_everything(self) -> bool:
        return not (self.globs or self.indices or self.on_demand)

    def choose(self, info: Info) -> tuple[int, ...]:
        """The files that have a place, as indices of `info.files`; raises EngineError if there are none."""
        chosen = tuple(index for index in range(len(info.files)) if self._wants(info, index))
        if not chosen:
            asked = f"matches {' '.join(self.globs)}" if self.globs else "the link asks for"
            raise EngineError(f"no file of {info.name} {asked}")
        return chosen

    def covers(self, other: FileSelection, info: Info | None) -> bool:
        """Whether `other` brings nothing new; raises EngineError as `choose` does."""
        if self.is_everything:
            return True
        if info is not None:
            return set(other.choose(info)) <= set(self.choose(info))
        return not other.is_everything and self.extended_by(other, None) == self

    def extended_by(self, other: FileSelection, info: Info | None) -> FileSelection:
        """What a later request makes of it; raises EngineError as `choose` does."""
        if self.on_demand or other.is_everything:
            return other
        if info is not None:
            return FileSelection.of({*self.choose(info), *other.choose(info)})
        runs = merged_runs((*self.indices, *other.indices))
        return FileSelection(unique(self.globs, other.globs), runs)

    def _wants(self, info: Info, index: int) -> bool:
        file = info.files[index]
        if file.padding:
            return False
        if not (self.globs or self.indices):
            return True
        return any(_matches(file.path, glob) for glob in self.globs) or any(
            index in run for run in self.indices
        )


def _matches(path: tuple[str, ...], glob: str) -> bool:
    """Whether a glob names a file by its path, or by its name alone."""
    return fnmatchcase("/".join(path), glob) or fnmatchcase(path[-1], glob)
