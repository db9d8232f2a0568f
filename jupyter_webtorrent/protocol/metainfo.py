"""Info dictionaries and .torrent files (BEP 3, 12, 19, 27, 47): checked, and built as create-torrent does.

Names are text here and nothing more: storage makes them safe for a disk. Nothing here reads a file.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Self, TypeVar

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.bencode import Value
from jupyter_webtorrent.protocol.errors import BencodeError, MetainfoError
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.layout import PieceLayout
from jupyter_webtorrent.protocol.urls import TRACKER_SCHEMES, WEB_SCHEMES, usable_urls

MAX_TORRENT_BYTES: Final = 10_000_000
MAX_PIECES: Final = 1 << 20
MIN_PIECE_LENGTH: Final = 16 << 10
MAX_PIECE_LENGTH: Final = 64 << 20
MAX_URLS: Final = 100
"""Trackers kept of one .torrent, and web seeds: the first ones are kept."""

HASH_BYTES: Final = 20
"""Of a SHA-1."""

_T = TypeVar("_T")
_KIND_NAMES: Final[Mapping[type, str]] = {
    int: "a number",
    bytes: "a string",
    list: "a list",
    dict: "a dictionary",
}


def choose_piece_length(total_bytes: int) -> int:
    """The piece length that create-torrent takes for so many bytes: 16 KiB to 4 MiB, about 1,024 pieces."""
    exponent = int(math.log2(max(total_bytes, 1024) / 1024) + 0.5)
    return min(max(MIN_PIECE_LENGTH, 1 << exponent), 4 << 20)


@dataclass(frozen=True, slots=True)
class TorrentFile:
    """One file of a torrent."""

    path: tuple[str, ...]
    """Below the torrent's folder, or only the torrent's name if it is a single file. Not yet safe for a disk."""
    length: int
    """Bytes."""
    padding: bool = False
    """Zeros that only align the next file with a piece (BEP 47): never written."""


@dataclass(frozen=True)
class Info:
    """A checked info dictionary (BEP 3): what a torrent is. Made by `from_bytes` or `build`."""

    name: str
    piece_length: int
    pieces: bytes = field(repr=False)
    """The SHA-1 of every piece, end to end."""
    files: tuple[TorrentFile, ...]
    single_file: bool
    private: bool
    """Peers come from its trackers only (BEP 27)."""
    raw: bytes = field(repr=False)
    """The dictionary exactly as it came: encoding anew could change the info hash."""

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Check an info dictionary; raises MetainfoError with the reason."""
        values, _ = _decode_dict(raw, "an info dictionary")
        return cls._from_values(values, raw)

    @classmethod
    def build(
        cls,
        name: str,
        piece_length: int,
        pieces: bytes,
        files: Sequence[TorrentFile],
        single_file: bool,
        private: bool = False,
    ) -> Self:
        """An info dictionary with exactly the keys that create-torrent writes, so that info hashes agree.

        A single file's path is `(name,)`. Raises MetainfoError for what `from_bytes` would refuse.
        """
        values: dict[str, bencode.Encodable] = {
            "name": name,
            "piece length": piece_length,
            "pieces": pieces,
        }
        if private:
            values["private"] = 1
        if single_file:
            (only,) = files
            values["length"] = only.length
        else:
            values["files"] = [_file_entry(file) for file in files]
        try:
            raw = bencode.encode(values)
        except UnicodeEncodeError as error:
            raise MetainfoError(f"a name cannot be written as UTF-8: {error.object!r}") from None
        except BencodeError as error:
            raise MetainfoError(str(error)) from None
        return cls.from_bytes(raw)

    @classmethod
    def _from_values(cls, values: Mapping[bytes, Value], raw: bytes) -> Self:
        if b"pieces" not in values and (b"file tree" in values or b"meta version" in values):
            raise MetainfoError(
                "this torrent is BitTorrent v2 only, which is not supported: ask for a v1 or hybrid one"
            )
        name = _text(_require(values, _preferred(values, b"name"), bytes))
        if not name:
            raise MetainfoError("a torrent's name is empty")
        piece_length = _require(values, b"piece length", int)
        if not MIN_PIECE_LENGTH <= piece_length <= MAX_PIECE_LENGTH:
            raise MetainfoError(
                f"a piece is {MIN_PIECE_LENGTH:,} to {MAX_PIECE_LENGTH:,} bytes, not {piece_length:,}"
            )
        single_file = b"length" in values
        if single_file == (b"files" in values):
            raise MetainfoError("a torrent has either one length or a list of files")
        if single_file:
            files: tuple[TorrentFile, ...] = (TorrentFile((name,), _length(values)),)
        else:
            files = _files(_require(values, b"files", list))
        pieces = _require(values, b"pieces", bytes)
        _check_pieces(pieces, piece_length, files)
        return cls(
            name=name,
            piece_length=piece_length,
            pieces=pieces,
            files=files,
            single_file=single_file,
            private=b"private" in values and _require(values, b"private", int) != 0,
            raw=raw,
        )

    @cached_property
    def info_hash(self) -> InfoHash:
        return InfoHash(hashlib.sha1(self.raw, usedforsecurity=False).digest())

    @cached_property
    def layout(self) -> PieceLayout:
        return PieceLayout(self.piece_length, [file.length for file in self.files])

    @property
    def piece_count(self) -> int:
        return len(self.pieces) // HASH_BYTES

    @property
    def total(self) -> int:
        """Bytes of all files, padding too."""
        return self.layout.total

    def piece_hash(self, piece: int) -> bytes:
        """The SHA-1 a piece must have; raises IndexError if there is no such piece."""
        if not 0 <= piece < self.piece_count:
            raise IndexError(f"no piece {piece}: there are {self.piece_count}")
        return self.pieces[piece * HASH_BYTES : (piece + 1) * HASH_BYTES]


@dataclass(frozen=True)
class Metainfo:
    """A .torrent file: the info dictionary, and where to begin to look for peers."""

    info: Info
    trackers: tuple[tuple[str, ...], ...] = ()
    """Tiers of announce URLs (BEP 12)."""
    web_seeds: tuple[str, ...] = ()
    """HTTP URLs (BEP 19)."""

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Check a .torrent file; raises MetainfoError with the reason.

        Trackers and web seeds that cannot be used are left out.
        """
        values, spans = _decode_dict(data, "a .torrent file")
        start, end = spans.get(b"info", (0, 0))
        return cls(
            info=Info._from_values(_require(values, b"info", dict), data[start:end]),
            trackers=_trackers(values),
            web_seeds=tuple(_urls(values.get(b"url-list"), WEB_SCHEMES)),
        )

    def to_bytes(self) -> bytes:
        """The .torrent file, without a date: the same torrent always gives the same bytes."""
        around: dict[bytes, bencode.Encodable] = {}
        everyone = [url for tier in self.trackers for url in tier]
        if everyone:
            around[b"announce"] = everyone[0]
        if len(everyone) > 1:
            around[b"announce-list"] = self.trackers
        if self.web_seeds:
            around[b"url-list"] = self.web_seeds
        encoded = {key: bencode.encode(value) for key, value in around.items()}
        encoded[b"info"] = self.info.raw
        pairs = [bencode.encode(key) + encoded[key] for key in sorted(encoded)]
        return b"d" + b"".join(pairs) + b"e"


def _decode_dict(data: bytes, what: str) -> tuple[dict[bytes, Value], dict[bytes, tuple[int, int]]]:
    if len(data) > MAX_TORRENT_BYTES:
        raise MetainfoError(f"{what} of {len(data):,} bytes is over {MAX_TORRENT_BYTES:,}")
    try:
        return bencode.decode_dict_with_spans(data)
    except BencodeError as error:
        raise MetainfoError(f"cannot read {what}: {error}") from None


def _require(values: Mapping[bytes, Value], key: bytes, kind: type[_T]) -> _T:
    value = values.get(key)
    if isinstance(value, kind):
        return value
    problem = "is missing" if value is None else f"is not {_KIND_NAMES[kind]}"
    raise MetainfoError(f"not a valid torrent: its {key.decode()!r} {problem}")


def _preferred(values: Mapping[bytes, Value], key: bytes) -> bytes:
    """The key whose text is sure to be UTF-8, if old tools wrote it beside one in a local encoding."""
    return key + b".utf-8" if key + b".utf-8" in values else key


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def _length(values: Mapping[bytes, Value]) -> int:
    length = _require(values, b"length", int)
    if length < 0:
        raise MetainfoError(f"a file has a negative length: {length:,}")
    return length


def _files(entries: list[Value]) -> tuple[TorrentFile, ...]:
    files: list[TorrentFile] = []
    seen: set[tuple[bytes, ...]] = set()
    for entry in entries:
        if not isinstance(entry, dict):
            raise MetainfoError("not a valid torrent: a file's entry is not a dictionary")
        path = _path(_require(entry, _preferred(entry, b"path"), list))
        file = TorrentFile(
            path=tuple(map(_text, path)),
            length=_length(entry),
            padding=b"attr" in entry and b"p" in _require(entry, b"attr", bytes),
        )
        files.append(file)
        # Padding of one length usually has one name.
        if not file.padding:
            if path in seen:
                raise MetainfoError(f"a torrent names a file twice: {'/'.join(file.path)!r}")
            seen.add(path)
    return tuple(files)


def _path(components: list[Value]) -> tuple[bytes, ...]:
    path = tuple(component for component in components if isinstance(component, bytes))
    if len(path) != len(components):
        raise MetainfoError("not a valid torrent: a file's path holds something else than strings")
    if not path or not all(path):
        raise MetainfoError("not a valid torrent: a file's path is empty or has an empty part")
    return path


def _file_entry(file: TorrentFile) -> dict[str, bencode.Encodable]:
    entry: dict[str, bencode.Encodable] = {"length": file.length, "path": file.path}
    if file.padding:
        entry["attr"] = "p"
    return entry


def _check_pieces(pieces: bytes, piece_length: int, files: Sequence[TorrentFile]) -> None:
    if not any(file.length for file in files if not file.padding):
        raise MetainfoError("a torrent without a byte of data: all its files are empty")
    total = sum(file.length for file in files)
    count = -(-total // piece_length)
    if count > MAX_PIECES:
        raise MetainfoError(f"a torrent of {count:,} pieces is over {MAX_PIECES:,}")
    if len(pieces) != count * HASH_BYTES:
        raise MetainfoError(
            f"not a valid torrent: {total:,} bytes need {count * HASH_BYTES:,} bytes of piece hashes,"
            f" not {len(pieces):,}"
        )


def _trackers(values: Mapping[bytes, Value]) -> tuple[tuple[str, ...], ...]:
    """The tiers of `announce-list`, or `announce` if that has none that can be used (BEP 12)."""
    listed = values.get(b"announce-list")
    tiers: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for entry in listed[:MAX_URLS] if isinstance(listed, list) else []:
        tier = [url for url in _urls(entry, TRACKER_SCHEMES) if url not in seen]
        tier = tier[: MAX_URLS - len(seen)]
        seen.update(tier)
        if tier:
            tiers.append(tuple(tier))
    if not tiers:
        tiers = [(url,) for url in _urls(values.get(b"announce"), TRACKER_SCHEMES)[:1]]
    return tuple(tiers)


def _urls(value: Value | None, schemes: tuple[str, ...]) -> list[str]:
    """The usable ones of a URL or of the first MAX_URLS in a list; what is neither holds none."""
    entries = value[:MAX_URLS] if isinstance(value, list) else [value]
    return usable_urls([_text(entry) for entry in entries if isinstance(entry, bytes)], schemes)
