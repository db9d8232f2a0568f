"""`webtorrent://<info hash>/<path>` for fsspec: pandas, pyarrow and others read files of a torrent in place.

Only the pieces that are read are fetched, from whoever has them; a transfer that is there already is used as it is.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import unquote

from fsspec.caching import BaseCache, register_cache  # type: ignore[import-untyped]
from fsspec.spec import (  # type: ignore[import-untyped]
    AbstractBufferedFile,
    AbstractFileSystem,
)

from jupyter_webtorrent.kernel import text
from jupyter_webtorrent.kernel.access import Access
from jupyter_webtorrent.kernel.client import connect
from jupyter_webtorrent.kernel.errors import (
    RequestRefusedError,
    TransferFailedError,
)
from jupyter_webtorrent.kernel.torrent_url import SCHEME, magnet_link, split_query
from jupyter_webtorrent.kernel.transfer import Transfer, knows_files
from jupyter_webtorrent.protocol.magnet import parse_link_or_hash
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    TransferDetails,
    TransferState,
    TransferStatus,
)

METADATA_SECONDS: Final = 60.0
"""How long to look for somebody who knows a torrent's files, unless `timeout` says otherwise."""
MAX_AHEAD_BYTES: Final = 4 << 20
"""Read ahead of who reads a file from one end to the other."""

_SLICE_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class _File:
    length: int
    offset: int
    """In the torrent."""


@dataclass(frozen=True, slots=True)
class _Torrent:
    info_hash: str
    name: str
    piece_length: int
    files: dict[str, _File]
    """By their paths in the torrent."""

    @classmethod
    def of(cls, details: TransferDetails) -> _Torrent:
        assert details.pieces is not None
        piece_length = details.pieces.length
        files, offset, index = {}, 0, 0
        for file in details.files:
            if file.index != index:  # padding, which is not listed, fills up to the next piece
                offset = -(-offset // piece_length) * piece_length
            files[file.path] = _File(file.length, offset)
            offset, index = offset + file.length, file.index + 1
        transfer = details.transfer
        return cls(transfer.info_hash, transfer.name, piece_length, files)

    @property
    def only_file(self) -> str | None:
        """The path of the file that this torrent is, if it is not a folder."""
        return self.name if list(self.files) == [self.name] else None


class PieceCache(BaseCache):  # type: ignore[misc]
    """Keeps whole pieces around the last read: these are what comes anyway, and no more than them.

    Only one who reads on and on from where the last read ended is read ahead for.
    """

    name = "pieces"

    def __init__(
        self,
        blocksize: int,
        fetcher: Callable[[int, int], bytes],
        size: int,
        piece_length: int,
        file_offset: int,
    ) -> None:
        super().__init__(blocksize, fetcher, size)
        self._size = size
        self._piece_length = piece_length
        self._file_offset = file_offset
        self._start = 0
        self._kept = b""
        self._ahead = 0

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        start = start or 0
        stop = self._size if stop is None else min(stop, self._size)
        if start >= stop:
            return b""
        end = self._start + len(self._kept)
        if not self._start <= start <= stop <= end:
            if self._kept and self._start <= start <= end:
                self._ahead = min(2 * self._ahead or self._piece_length, MAX_AHEAD_BYTES)
                begin, kept = start, self._kept[start - self._start :]
            else:
                self._ahead = 0
                begin, kept = self._bound(start), b""
            missing_from = begin + len(kept)
            until = self._bound(stop + self._ahead + self._piece_length - 1)
            self._kept = kept + self.fetcher(missing_from, until)
            self._start = begin
        return self._kept[start - self._start : stop - self._start]

    def _bound(self, position: int) -> int:
        """Where the piece begins that holds a position of the file, within the file."""
        begin = (self._file_offset + position) // self._piece_length * self._piece_length
        return max(0, min(begin - self._file_offset, self._size))


register_cache(PieceCache, clobber=True)


class WebTorrentFile(AbstractBufferedFile):  # type: ignore[misc]
    """A file of a torrent, open for reading."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self.fs._read(self.path, start, end)  # type: ignore[no-any-return]


class WebTorrentFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The files of torrents, by `webtorrent://<info hash>/<path>?<parameters of a magnet link>`.

    A torrent that is one file needs no path. The parameters (`tr`, `x.pe`, `ws`, …) say where to look, for a
    torrent that is not here yet. Nothing can be written. `timeout` is how many seconds to wait for the list of files.
    Any thread may use it. Raises WebTorrentErrors, FileNotFoundError, and OSError for whatever would change a file.
    """

    protocol = SCHEME

    def __init__(
        self, *, query: str = "", timeout: float = METADATA_SECONDS, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._query = query
        self._timeout = timeout
        self._lock = threading.Lock()
        self._torrents: dict[str, _Torrent] = {}

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        stripped = super()._strip_protocol(path)
        if isinstance(stripped, list):
            return stripped
        return split_query(stripped)[0].rstrip("/")

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, str]:
        query = split_query(path)[1]
        return {"query": query} if query else {}

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        torrent, inner = self._locate(path)
        name = f"{torrent.info_hash}/{inner}".rstrip("/")
        if inner in torrent.files:
            return {"name": name, "size": torrent.files[inner].length, "type": "file"}
        return {"name": name, "size": 0, "type": "directory"}

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        torrent, inner = self._locate(path)
        if inner in torrent.files:
            names = {inner}
        else:
            inside = f"{inner}/" if inner else ""
            names = {
                inside + file[len(inside) :].partition("/")[0]
                for file in torrent.files
                if file.startswith(inside)
            }
        found = [self.info(f"{torrent.info_hash}/{name}") for name in sorted(names)]
        return found if detail else [entry["name"] for entry in found]

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any
    ) -> bytes:
        self._usable(path)
        size = self.info(path)["size"]
        begin, stop, _ = slice(start, end).indices(size)
        return self._read(path, begin, stop)

    def ukey(self, path: str) -> str:
        """A torrent's files never change."""
        return str(self.info(path)["name"])

    def _open(
        self, path: str, mode: str = "rb", block_size: int | None = None, **kwargs: Any
    ) -> WebTorrentFile:
        if mode != "rb":
            self._refuse(path)
        torrent, inner = self._usable(path)
        file = torrent.files[inner]
        if kwargs.setdefault("cache_type", PieceCache.name) == PieceCache.name:
            kwargs["cache_options"] = {
                "piece_length": torrent.piece_length,
                "file_offset": file.offset,
            }
        kwargs["size"] = file.length
        return WebTorrentFile(
            self, path, mode, block_size=block_size or torrent.piece_length, **kwargs
        )

    def _read(self, path: str, start: int, end: int) -> bytes:
        torrent, inner = self._locate(path)
        access, parts = connect(), []
        for offset in range(start, end, _SLICE_BYTES):
            count = min(_SLICE_BYTES, end - offset)
            parts.append(access.read(torrent.info_hash, inner, offset, count))
        return b"".join(parts)

    def _usable(self, path: str) -> tuple[_Torrent, str]:
        """The file that a path names, of a transfer that is there; raises IsADirectoryError for a folder."""
        torrent, inner = self._locate(path)
        if inner not in torrent.files:
            raise IsADirectoryError(errno.EISDIR, "A folder of a torrent cannot be read", path)
        details = self._begin(torrent.info_hash)  # it may have been removed since
        (file,) = (file for file in details.files if file.path == inner)
        if details.transfer.state is TransferState.PAUSED and file.done < file.length:
            raise _paused(details.transfer)
        return torrent, inner

    def _locate(self, path: str) -> tuple[_Torrent, str]:
        """The torrent, and the path of a file or folder in it; its files are waited for."""
        given, _, inner = self._strip_protocol(path).partition("/")
        info_hash = str(parse_link_or_hash(given).info_hash)
        with self._lock:
            torrent = self._torrents.get(info_hash)
        if torrent is None:
            torrent = _Torrent.of(self._begin(info_hash))
            with self._lock:
                self._torrents[info_hash] = torrent
        if not inner:
            return torrent, torrent.only_file or ""
        for name in (inner, unquote(inner)):
            if name in torrent.files or any(file.startswith(name + "/") for file in torrent.files):
                return torrent, name
        raise FileNotFoundError(
            errno.ENOENT, f"There is no such file in {text.short_name(torrent.name)}", path
        )

    def _begin(self, info_hash: str) -> TransferDetails:
        """The transfer, begun if it is not there, once its files are known."""
        access = connect()
        try:
            was_there, status = True, access.transfer(info_hash)
        except TransferFailedError:
            was_there, status = False, None
        if status is None or not status.is_complete:
            link = magnet_link(info_hash, self._query)
            status = access.fetch(FetchRequest(link, folder="", on_demand=True))
        try:
            return self._known(access, status)
        except BaseException:
            if not was_there:  # a wrong link is not to be looked for for ever
                with suppress(RequestRefusedError):  # gone already, or another's by now
                    access.remove(info_hash, only_on_demand=True)
            raise

    def _known(self, access: Access, status: TransferStatus) -> TransferDetails:
        transfer = Transfer(access, status)
        for pause in transfer.pauses(self._timeout, knows_files):
            time.sleep(pause)
        return transfer.contents()

    def _refuse(self, path: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise OSError(errno.EROFS, "The files of a torrent cannot be changed", str(path))

    cp_file = mkdir = makedirs = mv = pipe_file = put_file = rm = rm_file = rmdir = touch = _refuse


def _paused(status: TransferStatus) -> RequestRefusedError:
    return RequestRefusedError(
        f"{text.name_of(status)} is paused, and what is to be read of it is not here: resume it first."
    )
