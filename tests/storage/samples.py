"""Small torrents in memory, with their bytes, and a look at what a folder holds."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.metainfo import Info, TorrentFile
from jupyter_webtorrent.storage.store import PieceStore

PIECE = 16384


@dataclass(frozen=True)
class Sample:
    info: Info
    data: bytes
    contents: Mapping[str, bytes]

    def piece(self, index: int) -> bytes:
        start = index * self.info.piece_length
        return self.data[start : start + self.info.piece_length]

    def fill(self, store: PieceStore, pieces: Iterable[int] | None = None) -> None:
        for index in range(self.info.piece_count) if pieces is None else pieces:
            assert store.write_piece(index, self.piece(index))

    def lay_out(self, folder: Path) -> list[Path]:
        """Put the finished files below `folder` under their own names."""
        paths = []
        for relative, data in self.contents.items():
            path = folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            paths.append(path)
        return paths


def noise(length: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(length)


def file_torrent(length: int = 100_000, name: str = "data.csv", seed: int = 0) -> Sample:
    return _file_torrent(noise(length, seed), name)


def file_torrent_of(data: bytes, name: str = "data.csv") -> Sample:
    return _file_torrent(data, name)


def folder_torrent(
    lengths: Mapping[str, int] | None = None, name: str = "course", seed: int = 0
) -> Sample:
    """By default three files whose first and last pieces are shared, an empty one, and a folder."""
    lengths = lengths or {
        "README.md": 20_000,
        "data/a.csv": 50_000,
        "data/b.csv": 40_000,
        "empty.txt": 0,
    }
    return folder_torrent_of(
        {
            path: noise(length, seed + number)
            for number, (path, length) in enumerate(lengths.items())
        },
        name,
    )


def folder_torrent_of(
    contents: Mapping[str, bytes], name: str = "course", padding: Iterable[str] = ()
) -> Sample:
    data = b"".join(contents.values())
    raw = bencode.encode(
        {
            "name": name,
            "piece length": PIECE,
            "pieces": hashes(data),
            "files": [
                _entry(path, len(part), padding=path in padding) for path, part in contents.items()
            ],
        }
    )
    return Sample(
        Info.from_bytes(raw), data, {f"{name}/{path}": part for path, part in contents.items()}
    )


def _entry(path: str, length: int, *, padding: bool) -> dict[str, bencode.Encodable]:
    entry: dict[str, bencode.Encodable] = {"path": path.split("/"), "length": length}
    return entry | {"attr": "p"} if padding else entry


def hashes(data: bytes) -> bytes:
    return b"".join(
        hashlib.sha1(data[start : start + PIECE]).digest() for start in range(0, len(data), PIECE)
    )


def tree(folder: Path) -> list[str]:
    """Every file and every empty folder below `folder`."""
    found = []
    for root, folders, files in os.walk(folder):
        here = Path(root).relative_to(folder)
        found += [str(here / name) for name in files]
        if not (folders or files) and here != Path():
            found.append(f"{here}/")
    return sorted(found)


def _file_torrent(data: bytes, name: str) -> Sample:
    info = Info.build(name, PIECE, hashes(data), [TorrentFile((name,), len(data))], True)
    return Sample(info, data, {name: data})
