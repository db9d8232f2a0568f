"""Makes a torrent of files on disk, byte for byte the info dictionary that create-torrent makes of them.

Only reads. Blocking: callers use an executor. Which keys the dictionary has is left to `metainfo`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from jupyter_webtorrent.protocol.layout import PieceLayout
from jupyter_webtorrent.protocol.metainfo import (
    MAX_PIECES,
    MIN_PIECE_LENGTH,
    Info,
    TorrentFile,
    choose_piece_length,
)
from jupyter_webtorrent.storage.data import FileSlot, Stamp, TorrentData
from jupyter_webtorrent.storage.errors import FileChangedError, StorageError, UnsafePathError
from jupyter_webtorrent.storage.files import plain_errors, require_possible
from jupyter_webtorrent.storage.hashing import Progress, piece_digests
from jupyter_webtorrent.storage.paths import MAX_DEPTH, shown

DEFAULT_NAME: Final = "shared files"
"""For several paths whose common folder has no name, or one that is nobody's business (the home folder)."""

_JUNK: Final = re.compile(
    r"\A(?:npm-debug\.log|Icon\r|__MACOSX|Thumbs\.db|ehthumbs\.db|[Dd]esktop\.ini)\Z"
    r"|\.Trashes|(?:~|@eaDir)\Z"
)
"""What systems and editors leave in folders; create-torrent's list, less the names that begin with a dot."""


@dataclass(frozen=True, slots=True)
class CreatedTorrent:
    """A torrent of files that stay where they are."""

    info: Info
    files: tuple[Path, ...]
    """Where each of `info.files` stands: absolute, with symbolic links resolved."""
    stamps: tuple[Stamp | None, ...]
    """What each was when it was hashed."""


def create_info(
    paths: Sequence[Path],
    *,
    name: str | None = None,
    piece_length: int | None = None,
    private: bool = False,
    progress: Progress | None = None,
    stand_in: Callable[[Path], Path] | None = None,
) -> CreatedTorrent:
    """Hash a file, a folder, or several of them into one folder, the way create-torrent 6.1 does.

    A folder's entries come in byte order of their names, files and folders mixed, depth first, without
    hidden and junk files; several paths come in the order given. A symbolic link that is named is
    followed; one inside a folder only within that folder. `piece_length` is in bytes; `progress` gets the
    bytes hashed and the bytes in all, and may raise to stop. `stand_in` names the file that is hashed and
    served in place of one. Raises StorageError and its subclasses for
    paths that cannot be shared or that change meanwhile, MetainfoError for a name that cannot be.
    """
    tops = _tops(paths)
    single_file = len(tops) == 1 and tops[0].is_file
    name = _checked_name(name) if name is not None else _default_name(tops)
    sources = list(_sources(tops, name))
    if stand_in is not None:
        sources = [_replaced(source, stand_in(source.path)) for source in sources]
    if not sources:
        raise StorageError(f"there is no file to share in {shown(str(tops[0].path))}")
    total = sum(source.length for source in sources)
    if not total:
        raise StorageError(f"{shown(name)} is empty: there is nothing to share")
    piece_length = choose_piece_length(total) if piece_length is None else piece_length
    files = [TorrentFile(source.parts, source.length) for source in sources]

    def build(pieces: bytes) -> Info:
        return Info.build(name, piece_length, pieces, files, single_file, private)

    # Built once without hashes, so that what cannot be shared is refused before hours of hashing.
    piece_count = -(-total // max(piece_length, MIN_PIECE_LENGTH))
    if piece_count > MAX_PIECES:
        raise StorageError(
            f"{total:,} bytes are {piece_count:,} pieces of {piece_length:,} bytes, and a torrent has"
            f" at most {MAX_PIECES:,}: take longer pieces"
        )
    build(bytes(20 * piece_count))
    slots = [FileSlot(source.path.parent, (source.path.name,), source.length) for source in sources]
    pieces = _hash(
        TorrentData(PieceLayout(piece_length, [slot.length for slot in slots]), slots), progress
    )
    return CreatedTorrent(
        build(pieces),
        tuple(source.path for source in sources),
        tuple(slot.stamp for slot in slots),
    )


class _Top(NamedTuple):
    """A path that was named."""

    path: Path
    """Absolute, as it was named."""
    real: Path
    is_file: bool


class _Source(NamedTuple):
    """A file to share."""

    path: Path
    """Where it really is."""
    parts: tuple[str, ...]
    """Its path in the torrent."""
    length: int


def _replaced(source: _Source, path: Path) -> _Source:
    if path == source.path:
        return source
    with plain_errors(f"share {shown(str(path))}"):
        return _Source(path, source.parts, path.stat().st_size)


def _hash(data: TorrentData, progress: Progress | None) -> bytes:
    try:
        data.stamp()
        pieces = b"".join(piece_digests(data, progress))
        changed = [data.slots[index] for index in data.changed()]
        changed += [slot for slot in data.slots if not slot.has_its_length]
    finally:
        data.close()
    if changed:
        raise FileChangedError(f"{changed[0].label} changed while it was hashed: try again")
    return pieces


def _tops(paths: Sequence[Path]) -> list[_Top]:
    if not paths:
        raise StorageError("no file or folder was named to share")
    tops: dict[str, _Top] = {}
    for given in paths:
        require_possible(given)
        path = Path(os.path.abspath(given))
        with plain_errors(f"share {shown(str(given))}"):
            real = Path(os.path.realpath(path, strict=True))
            is_file = _is_file(real.stat(), path)
        before = tops.setdefault(path.name, _Top(path, real, is_file))
        if before.real != real:
            raise StorageError(
                f"two of the paths are named {shown(path.name)}: share the folder they are in, or rename one"
            )
    return list(tops.values())


def _default_name(tops: Sequence[_Top]) -> str:
    if len(tops) == 1:
        return tops[0].path.name
    try:
        common = Path(os.path.commonpath([top.path.parent for top in tops]))
    except ValueError:  # different drives on Windows
        return DEFAULT_NAME
    private = common == Path.home() or not common.name or common.name.startswith(".")
    return DEFAULT_NAME if private else common.name


def _checked_name(name: str) -> str:
    if name in {"", ".", ".."} or any(character in name for character in "/\\\0"):
        raise StorageError(f"a torrent cannot be named {shown(name)!r}")
    return name


def _sources(tops: Sequence[_Top], name: str) -> Iterator[_Source]:
    if len(tops) == 1:
        (top,) = tops
        if top.is_file:
            yield _Source(top.real, (name,), top.real.stat().st_size)
        else:
            yield from _walk(top.real, (top.real,), ())
        return
    for top in tops:
        if top.is_file:
            yield _Source(top.real, (top.path.name,), top.real.stat().st_size)
        else:
            yield from _walk(top.real, (top.real,), (top.path.name,))


def _walk(folder: Path, above: tuple[Path, ...], parts: tuple[str, ...]) -> Iterator[_Source]:
    """The files of a folder in create-torrent's order.

    `above` are the real folders that led here, from the shared one down to this one.
    """
    if len(parts) >= MAX_DEPTH:
        raise UnsafePathError(
            f"{shown(str(folder))} is {len(parts)} folders deep: at most {MAX_DEPTH} are shared"
        )
    with plain_errors(f"read the folder {shown(str(folder))}"):
        names = sorted(os.listdir(folder), key=os.fsencode)
    for name in names:
        if name.startswith(".") or _JUNK.search(name):
            continue
        path = folder / name
        with plain_errors(f"share {shown(str(path))}"):
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode):
                path = _link_target(path, above)
                found = path.lstat()
            is_file = _is_file(found, path)
        if is_file:
            yield _Source(path, (*parts, name), found.st_size)
        else:
            yield from _walk(path, (*above, path), (*parts, name))


def _link_target(link: Path, above: tuple[Path, ...]) -> Path:
    try:
        target = link.resolve(strict=True)
    except (RuntimeError, OSError):
        raise StorageError(f"{shown(str(link))} is a link to nothing") from None
    if not target.is_relative_to(above[0]):
        raise UnsafePathError(f"{shown(str(link))} is a link out of the folder that is shared")
    if target in above:
        raise UnsafePathError(f"{shown(str(link))} is a link to a folder that it is in")
    return target


def _is_file(found: os.stat_result, path: Path) -> bool:
    """Whether it is a file, and not a folder; raises StorageError if it is neither."""
    if stat.S_ISREG(found.st_mode):
        return True
    if stat.S_ISDIR(found.st_mode):
        return False
    raise StorageError(f"{shown(str(path))} is neither a file nor a folder: it cannot be shared")
