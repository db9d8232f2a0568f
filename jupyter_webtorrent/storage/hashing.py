"""Hashes the pieces of a torrent that is on a disk, with a few threads and in constant memory.

Only reads. What a good or bad piece means is left to the caller.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias, TypeVar

from jupyter_webtorrent.protocol.metainfo import Info
from jupyter_webtorrent.storage.data import Presence, TorrentData
from jupyter_webtorrent.storage.errors import FileChangedError

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all, in the thread that asked."""

_READ_BYTES: Final = 1 << 20
_THREADS: Final = min(4, os.cpu_count() or 1)

T = TypeVar("T")


def sha1(data: bytes | bytearray | memoryview) -> bytes:
    """The hash of pieces (BEP 3)."""
    return hashlib.sha1(data, usedforsecurity=False).digest()


def piece_digests(data: TorrentData, progress: Progress | None = None) -> Iterator[bytes]:
    """The hash of every piece, in order; raises StorageError if one cannot be read."""
    layout = data.layout
    done = 0
    pieces = range(layout.piece_count)
    for piece, digest in _in_threads(
        lambda piece: _digest(data, piece), pieces, layout.piece_length
    ):
        done += layout.piece_size(piece)
        if progress:
            progress(done, layout.total)
        yield digest


def check_pieces(
    info: Info, data: TorrentData, pieces: Sequence[int], progress: Progress | None = None
) -> Iterator[tuple[int, bool]]:
    """Each of `pieces`, in order, and whether its bytes are there and right.

    Holes are not read. Raises StorageError for a disk's troubles; a file that is not there or that
    changes meanwhile is none.
    """
    layout = data.layout
    done, total = 0, layout.bytes_of_pieces(pieces)

    def is_good(piece: int) -> bool:
        size = layout.piece_size(piece)
        match data.presence(layout.offset(piece), size):
            case Presence.ABSENT:
                return False
            case Presence.HOLE:
                return info.piece_hash(piece) == digest_of_zeros(size)
            case Presence.DATA:
                try:
                    return info.piece_hash(piece) == _digest(data, piece)
                except FileChangedError:
                    return False

    for piece, good in _in_threads(is_good, pieces, layout.piece_length):
        done += layout.piece_size(piece)
        if progress:
            progress(done, total)
        yield piece, good


@lru_cache(maxsize=8)
def digest_of_zeros(length: int) -> bytes:
    """The hash of a piece that was never written."""
    return sha1(bytes(length))


def _digest(data: TorrentData, piece: int) -> bytes:
    digest = hashlib.sha1(usedforsecurity=False)
    start, size = data.layout.offset(piece), data.layout.piece_size(piece)
    for offset in range(start, start + size, _READ_BYTES):
        digest.update(data.read(offset, min(_READ_BYTES, start + size - offset)))
    return digest.digest()


def _in_threads(
    function: Callable[[int], T], pieces: Sequence[int], piece_length: int
) -> Iterator[tuple[int, T]]:
    """`(piece, function(piece))` in order, a little ahead of the caller.

    Small pieces are handed out several at a time, or handing out would cost more than hashing.
    """
    batch_size = max(1, _READ_BYTES // piece_length)
    remaining = iter(pieces)
    pending: deque[Future[list[tuple[int, T]]]] = deque()

    def batch(some: list[int]) -> list[tuple[int, T]]:
        return [(piece, function(piece)) for piece in some]

    with ThreadPoolExecutor(_THREADS, "piece-hash") as pool:
        try:
            while some := list(islice(remaining, batch_size)):
                pending.append(pool.submit(batch, some))
                if len(pending) > _THREADS:
                    yield from pending.popleft().result()
            while pending:
                yield from pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
