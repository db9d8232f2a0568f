"""Where everything stands in a torrent: all arithmetic of pieces, blocks and files is here.

Knows lengths only; names, hashes and bytes are elsewhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from jupyter_webtorrent.protocol.bitfield import Bitfield

BLOCK_SIZE: Final = 16384
"""Bytes asked for in one request (BEP 3: "all current implementations use 2^14")."""


class Segment(NamedTuple):
    """A run of bytes within one file."""

    file_index: int
    offset: int
    """Bytes from the beginning of the file."""
    length: int
    """Bytes; never 0."""


class PieceLayout:
    """The files of a torrent laid end to end and cut into pieces, the pieces into blocks (BEP 3).

    All pieces are `piece_length` bytes but the last, all blocks of a piece `block_size` bytes but the last.
    Offsets are bytes from the beginning of the torrent. An index out of range raises IndexError.
    """

    __slots__ = (
        "_data_files",
        "_data_starts",
        "_file_starts",
        "block_size",
        "file_lengths",
        "piece_count",
        "piece_length",
        "total",
    )

    def __init__(
        self, piece_length: int, file_lengths: Sequence[int], block_size: int = BLOCK_SIZE
    ) -> None:
        if piece_length < 1 or block_size < 1:
            raise ValueError(f"no such sizes: pieces {piece_length}, blocks {block_size}")
        if any(length < 0 for length in file_lengths):
            raise ValueError("a file has a negative length")
        self.piece_length: Final = piece_length
        self.block_size: Final = block_size
        self.file_lengths: Final = tuple(file_lengths)
        *self._file_starts, self.total = accumulate(self.file_lengths, initial=0)
        self.piece_count: Final = -(-self.total // piece_length)
        # Empty files hold no byte: leaving them out keeps a look-up O(log n) however many there are.
        self._data_files = [index for index, length in enumerate(file_lengths) if length]
        self._data_starts = [self._file_starts[index] for index in self._data_files]

    def __repr__(self) -> str:
        return (
            f"<PieceLayout of {self.total} bytes in {len(self.file_lengths)} files,"
            f" {self.piece_count} pieces of {self.piece_length}>"
        )

    def offset(self, piece: int) -> int:
        """Where a piece begins."""
        self._require_piece(piece)
        return piece * self.piece_length

    def piece_size(self, piece: int) -> int:
        """Bytes of a piece."""
        return min(self.piece_length, self.total - self.offset(piece))

    def block(self, piece: int, block: int) -> tuple[int, int]:
        """A block's `(begin, length)` as a request carries them; begin counts from the piece's beginning."""
        begin = block * self.block_size
        size = self.piece_size(piece)
        if not 0 <= begin < size:
            raise IndexError(f"piece {piece} has no block {block}")
        return begin, min(self.block_size, size - begin)

    def holds(self, piece: int, begin: int, length: int) -> bool:
        """Whether a peer may ask for these bytes: at least one, all within one piece that exists."""
        return (
            0 <= piece < self.piece_count
            and begin >= 0
            and length > 0
            and begin + length <= self.piece_size(piece)
        )

    def file_offset(self, file: int) -> int:
        """Where a file begins."""
        self._require_file(file)
        return self._file_starts[file]

    def pieces_of_file(self, file: int) -> range:
        """The pieces that hold a byte of a file; none for an empty file."""
        return self.pieces_between(self.file_offset(file), self.file_lengths[file])

    def pieces_between(self, offset: int, length: int) -> range:
        """The pieces that hold a byte of a run of bytes."""
        self._require_bytes(offset, length)
        first = offset // self.piece_length
        return range(first, -(-(offset + length) // self.piece_length) if length else first)

    def segments(self, offset: int, length: int) -> list[Segment]:
        """The files' parts that a run of bytes is made of, in order; empty files do not occur."""
        self._require_bytes(offset, length)
        segments: list[Segment] = []
        place = bisect_right(self._data_starts, offset) - 1
        while length:
            file = self._data_files[place]
            inside = offset - self._data_starts[place]
            count = min(length, self.file_lengths[file] - inside)
            segments.append(Segment(file, inside, count))
            offset += count
            length -= count
            place += 1
        return segments

    def segments_of_piece(self, piece: int) -> list[Segment]:
        """The files' parts that a piece is made of."""
        return self.segments(self.offset(piece), self.piece_size(piece))

    def bytes_of_pieces(self, pieces: Iterable[int]) -> int:
        """Bytes of these pieces together."""
        return sum(map(self.piece_size, pieces))

    def bytes_had(self, offset: int, length: int, pieces: Bitfield) -> int:
        """How many of a run of bytes these pieces hold; the work does not grow with their number."""
        within = self.pieces_between(offset, length)
        if not within:
            return 0
        count = pieces.count_in(within) * self.piece_length
        if within[0] in pieces:
            count -= offset - within.start * self.piece_length
        if within[-1] in pieces:
            count -= within.stop * self.piece_length - (offset + length)
        return count

    def _require_piece(self, piece: int) -> None:
        if not 0 <= piece < self.piece_count:
            raise IndexError(f"no piece {piece}: there are {self.piece_count}")

    def _require_file(self, file: int) -> None:
        if not 0 <= file < len(self.file_lengths):
            raise IndexError(f"no file {file}: there are {len(self.file_lengths)}")

    def _require_bytes(self, offset: int, length: int) -> None:
        if offset < 0 or length < 0 or offset + length > self.total:
            raise IndexError(f"no {length} bytes at {offset}: there are {self.total}")
