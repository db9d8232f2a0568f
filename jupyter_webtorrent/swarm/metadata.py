"""The info dictionary from the peers, when only its hash is known (BEP 9), and to them.

Each copy comes from one peer alone, so that a false one has exactly one culprit.
"""

from __future__ import annotations

import hashlib

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.extension import (
    METADATA_PIECE_BYTES,
    MetadataData,
    MetadataReject,
    MetadataRequest,
)
from jupyter_webtorrent.protocol.identity import InfoHash

MAX_COPIES = 3
"""Peers asked at the same time."""


class MetadataCopy:
    """One peer's copy of the info dictionary, on its way."""

    def __init__(self, info_hash: InfoHash, size: int, now: float) -> None:
        self._info_hash = info_hash
        self._size = size
        self._pieces: dict[int, bytes] = {}
        self.heard_at = now

    def requests(self) -> list[MetadataRequest]:
        """All requests at once: a handful of pieces, 256 at most."""
        count = -(-self._size // METADATA_PIECE_BYTES)
        return [MetadataRequest(piece) for piece in range(count) if piece not in self._pieces]

    def receive(self, message: MetadataData, now: float) -> bytes | None:
        """Take in a piece; returns the info dictionary once it is whole and its hash fits.

        Raises ProtocolError for a piece that was not asked for, or a whole copy that is false.
        """
        begin = message.piece * METADATA_PIECE_BYTES
        expected = min(METADATA_PIECE_BYTES, self._size - begin)
        if message.total_size != self._size or len(message.data) != expected:
            raise ProtocolError(
                f"metadata piece {message.piece} is {len(message.data)} bytes of "
                f"{message.total_size}, not {expected} of {self._size}"
            )
        if message.piece in self._pieces:
            raise ProtocolError(f"metadata piece {message.piece} came twice")
        self._pieces[message.piece] = message.data
        self.heard_at = now
        if len(self._pieces) * METADATA_PIECE_BYTES < self._size:
            return None
        info = b"".join(self._pieces[piece] for piece in sorted(self._pieces))
        if hashlib.sha1(info, usedforsecurity=False).digest() != self._info_hash.digest:
            raise ProtocolError("the peer's metadata does not fit the info hash")
        return info


def serve(info: bytes | None, piece: int, served: int) -> MetadataData | MetadataReject:
    """The answer to a peer's request for a metadata piece; `served` counts its earlier ones."""
    begin = piece * METADATA_PIECE_BYTES
    if info is None or begin >= len(info):
        return MetadataReject(piece)
    if served > 2 * (len(info) // METADATA_PIECE_BYTES + 8):
        return MetadataReject(piece)
    return MetadataData(piece, len(info), info[begin : begin + METADATA_PIECE_BYTES])
