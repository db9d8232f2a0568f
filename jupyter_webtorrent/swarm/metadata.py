"""The info dictionary from the peers, when only its hash is known (BEP 9), and to them.

Each copy comes from one peer alone, so that a false one has exactly one culprit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from msgspec.structs import replace

from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.extension import (
    METADATA_PIECE_BYTES,
    UT_METADATA,
    MetadataData,
    MetadataRequest,
)
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.messages import Extended
from jupyter_webtorrent.swarm.peer import Peer

MAX_COPIES = 3
"""Peers asked at the same time."""
COPY_TIMEOUT = 120.0
"""Seconds after which a peer whose copy is not whole is given up, so that another is asked."""
REJECT_PAUSE = 30.0
"""Seconds before a peer that rejected a request is asked again: it may have the metadata by then.

As long after it joined, one that announced no metadata and showed no piece is asked for the first time.
"""


class MetadataCopy:
    """One peer's copy of the info dictionary, on its way."""

    def __init__(self, info_hash: InfoHash, size: int, now: float) -> None:
        self._info_hash = info_hash
        self._size = size
        self._pieces: dict[int, bytes] = {}
        self.asked_at = now

    def requests(self) -> list[MetadataRequest]:
        """All requests at once: a handful of pieces, 256 at most."""
        count = -(-self._size // METADATA_PIECE_BYTES)
        return [MetadataRequest(piece) for piece in range(count) if piece not in self._pieces]

    def receive(self, message: MetadataData) -> bytes | None:
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
        if len(self._pieces) * METADATA_PIECE_BYTES < self._size:
            return None
        info = b"".join(self._pieces[piece] for piece in sorted(self._pieces))
        if hashlib.sha1(info, usedforsecurity=False).digest() != self._info_hash.digest:
            raise ProtocolError("the peer's metadata does not fit the info hash")
        return info


class MetadataExchange:
    """Whom to ask for the info dictionary, and what to answer those who ask us."""

    def __init__(self, info_hash: InfoHash) -> None:
        self._info_hash = info_hash
        self._copies: dict[Peer, MetadataCopy] = {}
        self._questions: set[Peer] = set()
        """Peers that owe us piece 0, or a reject, by which to learn whether they have the metadata."""
        self._ask_after: dict[Peer, float] = {}
        self._found = False

    def found(self) -> None:
        """The metadata is known: nobody is asked any more."""
        self._found = True
        self._copies.clear()
        self._questions.clear()

    def ask(self, peers: Iterable[Peer], now: float) -> list[tuple[Peer, list[Extended]]]:
        """The requests that keep MAX_COPIES peers sending us a whole copy each.

        A peer that announced no size is asked for piece 0, which tells it: libtorrent announces none to whoever was
        connected before it had the metadata itself.
        """
        asked: list[tuple[Peer, list[Extended]]] = []
        for peer in peers if not self._found else ():
            if len(self._copies) >= MAX_COPIES:
                break
            number = peer.extension_id(UT_METADATA)
            size = peer.extensions.metadata_size if peer.extensions else None
            paused = now < self._ask_after.get(peer, now)
            if not number or peer in self._copies or paused:
                continue
            if size is not None:
                self._questions.discard(peer)
                copy = self._copies[peer] = MetadataCopy(self._info_hash, size, now)
                requests = copy.requests()
            elif peer not in self._questions and _may_have_it(peer, now):
                self._questions.add(peer)
                requests = [MetadataRequest(0)]
            else:
                continue
            asked.append((peer, [Extended(number, each.encode()) for each in requests]))
        return asked

    def receive(self, peer: Peer, data: MetadataData) -> bytes | None:
        """A piece came; returns the info dictionary once, when a copy is whole and its hash fits.

        Of an answer to the question whether the peer has it, the size alone is kept: `ask` again.
        Raises ProtocolError for a piece that was not asked for, or a copy that is false.
        """
        copy = self._copies.get(peer)
        if copy is None:
            if self._found:
                return None  # another peer was faster
            if peer in self._questions and peer.extensions is not None:
                self._questions.discard(peer)
                peer.extensions = replace(peer.extensions, metadata_size=data.total_size)
                return None
            raise ProtocolError("metadata came that was not asked for")
        info = copy.receive(data)
        if info is not None:
            self.found()
        return info

    def rejected(self, peer: Peer, now: float) -> None:
        """The peer does not send the metadata now."""
        if self._copies.pop(peer, None) is not None or peer in self._questions:
            self._questions.discard(peer)
            self._ask_after[peer] = now + REJECT_PAUSE

    def forget(self, peer: Peer) -> None:
        """The peer is gone."""
        self._copies.pop(peer, None)
        self._questions.discard(peer)
        self._ask_after.pop(peer, None)

    def late(self, now: float) -> list[Peer]:
        """Peers that were asked too long ago."""
        return [peer for peer, copy in self._copies.items() if now - copy.asked_at > COPY_TIMEOUT]


def _may_have_it(peer: Peer, now: float) -> bool:
    """Whether a peer that announced no metadata is worth a question."""
    shows_pieces = peer.early is not None and peer.early.any()
    return shows_pieces or now - peer.joined_at >= REJECT_PAUSE


def may_ask(info: bytes | None, piece: int, asked: int) -> bool:
    """Whether a peer's request for a metadata piece is answered; `asked` counts its earlier ones."""
    if info is None or piece * METADATA_PIECE_BYTES >= len(info):
        return False
    return asked <= 2 * (len(info) // METADATA_PIECE_BYTES + 8)


def serve(info: bytes, piece: int) -> MetadataData:
    """The answer to a request that `may_ask` lets pass."""
    begin = piece * METADATA_PIECE_BYTES
    return MetadataData(piece, len(info), info[begin : begin + METADATA_PIECE_BYTES])
