"""The pieces on their way: which block is asked of whom, and the bytes that have come.

`Downloader` knows every piece's state. Whom to unchoke, and what is sent back, is not its business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from random import Random

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.layout import PieceLayout
from jupyter_webtorrent.protocol.messages import Piece, Request
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.picker import PiecePicker

MAX_BEGUN_BYTES = 256 << 20
"""No piece is begun while the begun ones reserve this much memory."""

MAX_UNVERIFIED_BYTES = 64 << 20
"""Nothing more is asked for while this much waits for its hash and the disk."""

END_GAME_REQUESTS = 16
"""A peer's unanswered requests in the end game, where the same block is asked of several."""


class PieceState(Enum):
    """A piece is in exactly one of these states."""

    MISSING = "missing"
    REQUESTED = "requested"
    UNVERIFIED = "unverified"
    HAVE = "have"


class PieceDownload:
    """One piece on its way, in blocks (BEP 3).

    Invariant: each block is free, asked of at least one peer, or received.
    """

    __slots__ = (
        "_block_size",
        "_view",
        "contributors",
        "data",
        "free",
        "index",
        "owner",
        "pending",
    )

    def __init__(self, index: int, layout: PieceLayout, owner: Peer | None) -> None:
        self.index = index
        self.data = bytearray(layout.piece_size(index))
        self.free = deque(range(0, len(self.data), layout.block_size))
        """Byte offsets of the blocks that are asked of nobody."""
        self.pending: dict[int, list[Peer]] = {}
        """Byte offset of a block to the peers it is asked of."""
        self.contributors: set[Peer] = set()
        self.owner = owner
        """If set, the only peer this piece is asked of, so that a bad piece has one culprit."""
        self._view = memoryview(self.data)
        self._block_size = layout.block_size

    def request(self, peer: Peer, begin: int) -> Request:
        self.pending.setdefault(begin, []).append(peer)
        return Request(self.index, begin, self.block_length(begin))

    def block_length(self, begin: int) -> int:
        return min(self._block_size, len(self.data) - begin)

    def give_back(self, peer: Peer, begin: int) -> None:
        """The peer will not send this block."""
        holders = self.pending[begin]
        holders.remove(peer)
        if not holders:
            del self.pending[begin]
            self.free.appendleft(begin)

    def receive(self, peer: Peer, begin: int, block: memoryview | bytes) -> list[Peer]:
        """Take a block that was asked of `peer`; returns the others it was asked of."""
        holders = self.pending.pop(begin)
        holders.remove(peer)
        self._view[begin : begin + len(block)] = block
        self.contributors.add(peer)
        return holders

    @property
    def is_complete(self) -> bool:
        return not self.free and not self.pending


@dataclass(slots=True)
class Receipt:
    """What a block brought about."""

    used: bool
    """False: it was not asked for, or another peer was faster."""
    completed: PieceDownload | None = None
    cancel: tuple[Peer, ...] = ()
    """Peers that were asked for it too."""


class Downloader:
    """Every wanted piece from missing to had; rarest first, then the end game."""

    def __init__(
        self, layout: PieceLayout, have: Bitfield, wanted: Collection[int], random: Random
    ) -> None:
        self.layout = layout
        self.have = have
        self.picker = PiecePicker(layout.piece_count, random)
        self.missing = Bitfield(layout.piece_count)
        """Wanted pieces that are not had yet, whatever their state."""
        self._downloads: dict[int, PieceDownload] = {}
        self._storing: dict[int, PieceDownload] = {}
        self._suspicious: set[int] = set()
        """Pieces whose hash was wrong: each is asked of one peer at a time from then on."""
        self.unverified_bytes = 0
        self.wasted_bytes = 0
        for index in wanted:
            if index not in have:
                self.missing.add(index)
                self.picker.open.add(index)

    def state(self, index: int) -> PieceState:
        if index in self.have:
            return PieceState.HAVE
        if index in self._storing:
            return PieceState.UNVERIFIED
        return PieceState.REQUESTED if index in self._downloads else PieceState.MISSING

    @property
    def is_complete(self) -> bool:
        return not self.missing.any()

    @property
    def begun_bytes(self) -> int:
        """Memory that the pieces on their way take."""
        return len(self._downloads) * self.layout.piece_length

    def is_interesting(self, peer: Peer) -> bool:
        return peer.have is not None and (peer.have & self.missing).any()

    def fill(self, peer: Peer, depth: int) -> list[Request]:
        """The requests that bring the peer's unanswered ones up to `depth`; they count as asked."""
        requests: list[Request] = []
        if peer.peer_choking or peer.have is None or self.unverified_bytes >= MAX_UNVERIFIED_BYTES:
            return requests
        outstanding = peer.requests
        while len(outstanding) < depth:
            download = self._next_download(peer, peer.have)
            if download is None:
                break
            free = download.free
            while free and len(outstanding) < depth:
                begin = free.popleft()
                requests.append(download.request(peer, begin))
                outstanding[download.index, begin] = None
        if not requests and len(outstanding) < min(depth, END_GAME_REQUESTS):
            self._fill_end_game(peer, min(depth, END_GAME_REQUESTS), requests)
        return requests

    def receive(self, peer: Peer, piece: Piece) -> Receipt:
        """Take in a block; one that was not asked for is dropped.

        Raises ProtocolError for one of another length than was asked for.
        """
        key = (piece.index, piece.begin)
        download = self._downloads.get(piece.index)
        if key not in peer.requests or download is None:
            self.wasted_bytes += len(piece.block)
            return Receipt(used=False)
        expected = download.block_length(piece.begin)
        if len(piece.block) != expected:
            raise ProtocolError(f"a block of {len(piece.block)} bytes came, not {expected}")
        del peer.requests[key]
        others = download.receive(peer, piece.begin, piece.block)
        for other in others:
            other.requests.pop(key, None)
        if not download.is_complete:
            return Receipt(used=True, cancel=tuple(others))
        del self._downloads[piece.index]
        self._storing[piece.index] = download
        self.unverified_bytes += len(download.data)
        return Receipt(used=True, completed=download, cancel=tuple(others))

    def give_back(self, peer: Peer, index: int, begin: int) -> None:
        """The peer will not send a block that it was asked for."""
        if (index, begin) not in peer.requests:
            return
        del peer.requests[index, begin]
        download = self._downloads[index]
        download.give_back(peer, begin)
        if download.owner is peer or not (download.pending or download.contributors):
            self._reopen(download)

    def disown(self, peer: Peer) -> None:
        """The peer sends nothing for now: the pieces that only it was asked for begin anew."""
        for download in [each for each in self._downloads.values() if each.owner is peer]:
            self._reopen(download)

    def release(self, peer: Peer) -> None:
        """The peer is gone or choked us: all it was asked for is free again."""
        for index, begin in list(peer.requests):
            self.give_back(peer, index, begin)
        self.disown(peer)

    def _reopen(self, download: PieceDownload) -> None:
        """Forget what has come of a piece: anyone may be asked for it."""
        for begin, holders in download.pending.items():
            for holder in holders:
                holder.requests.pop((download.index, begin), None)
        del self._downloads[download.index]
        self.picker.open.add(download.index)

    def stored(self, index: int, *, ok: bool) -> set[Peer]:
        """The piece is verified and on the disk, or not; returns the peers that sent its blocks."""
        download = self._storing.pop(index)
        self.unverified_bytes -= len(download.data)
        if ok:
            self.have.add(index)
            self.missing.discard(index)
            self._suspicious.discard(index)
        else:
            self._suspicious.add(index)
            self.wasted_bytes += len(download.data)
            self.picker.open.add(index)
        return download.contributors

    def not_stored(self, index: int) -> None:
        """The disk did not take the piece; it has to come again."""
        download = self._storing.pop(index)
        self.unverified_bytes -= len(download.data)
        self.picker.open.add(index)

    def _next_download(self, peer: Peer, have: Bitfield) -> PieceDownload | None:
        """A begun piece with free blocks if the peer has one, else a new one."""
        for download in self._downloads.values():
            if (
                download.free
                and download.index in have
                and download.index not in peer.refused
                and download.owner in (None, peer)
            ):
                return download
        if self.begun_bytes >= MAX_BEGUN_BYTES:
            return None
        index = self._pick(peer, self._offered(peer, have))
        if index is None:
            return None
        peer.last_begun = index
        self.picker.open.discard(index)
        owner = peer if index in self._suspicious else None
        download = self._downloads[index] = PieceDownload(index, self.layout, owner)
        return download

    def _pick(self, peer: Peer, offered: Bitfield) -> int | None:
        if peer.prefers_runs and peer.last_begun is not None:
            following = peer.last_begun + 1
            if following in self.picker.open and following in offered:
                return following
        return self.picker.pick(offered)

    def _offered(self, peer: Peer, have: Bitfield) -> Bitfield:
        if not peer.refused:
            return have
        offered = have.copy()
        for index in peer.refused:
            offered.discard(index)
        return offered

    def _fill_end_game(self, peer: Peer, depth: int, requests: list[Request]) -> None:
        """Ask this peer too for blocks that one other peer still owes."""
        assert peer.have is not None
        for download in self._downloads.values():
            if download.index not in peer.have or download.index in peer.refused or download.owner:
                continue
            for begin, holders in list(download.pending.items()):
                if len(peer.requests) >= depth:
                    return
                if len(holders) == 1 and peer not in holders:
                    requests.append(download.request(peer, begin))
                    peer.requests[download.index, begin] = None
