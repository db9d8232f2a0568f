"""The pieces on their way: which block is asked of whom, and what a finished piece says of its senders.

`Downloader` knows every piece's state. Whom to unchoke, and what is sent back, is not its business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from random import Random

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.layout import PieceLayout
from jupyter_webtorrent.protocol.messages import Piece, Request
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.picker import PiecePicker
from jupyter_webtorrent.swarm.piece_download import PieceDownload, PieceState, Receipt, Verdict
from jupyter_webtorrent.swarm.suspects import Suspects
from jupyter_webtorrent.swarm.urgent import Readers

MAX_BEGUN_BYTES = 256 << 20
"""No piece is begun while the begun ones reserve this much memory."""

MAX_UNVERIFIED_BYTES = 64 << 20
"""Nothing more is asked for while this much waits for its hash and the disk."""

END_GAME_REQUESTS = 16
"""A peer's unanswered requests in the end game, where the same block is asked of several."""

UNPROVEN_PIECES = 2
"""Pieces at a time of a peer that has not sent a good one yet; of a suspect it is one."""

ALONE_SECONDS = 60.0
"""How long a piece is asked of one peer alone; then others may help, however slowly that one sends it."""

SLOW = 0.25
"""A peer this much slower than the fastest is not asked for what a reader waits for, for PATIENCE seconds."""
PATIENCE = 1.0

HURRY_SECONDS = 0.5
"""A block that a reader waits for is asked of a second peer when the first has owed it so long."""


class Downloader:
    """Every wanted piece from missing to had: what readers wait for, then the picker's choice, then the end game.

    A piece is shared among peers that have proven themselves. One that has not sent a good piece yet gets
    pieces of its own, which others help with only when nothing else is left. A piece whose hash was wrong, and
    every piece of a peer that had a part in one, comes from one peer alone.
    """

    def __init__(
        self, layout: PieceLayout, have: Bitfield, wanted: Collection[int], random: Random
    ) -> None:
        self.layout = layout
        self.have = have
        self.have_changes = 0
        """How often `have` has changed."""
        self.picker = PiecePicker(layout.piece_count, random)
        self.missing = Bitfield(layout.piece_count)
        """Wanted pieces that are not had yet, whatever their state."""
        self.readers = Readers()
        self.suspects = Suspects()
        self.fastest = 0.0
        """The rate of the fastest peer, in bytes per second."""
        self._downloads: dict[int, PieceDownload] = {}
        self._ready: dict[int, PieceDownload] = {}
        """Those of them with free blocks."""
        self._storing: dict[int, PieceDownload] = {}
        self.lost = Bitfield(layout.piece_count)
        """Wanted pieces whose place on disk a person changed: they are not fetched again."""
        self._wanted = Bitfield(layout.piece_count)
        self.unverified_bytes = 0
        self.wasted_bytes = 0
        for index in wanted:
            self._wanted.add(index)
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
    def bytes_left(self) -> int:
        """Of wanted pieces, those that are lost too."""
        return self.layout.bytes_had(0, self.layout.total, self.missing | self.lost)

    @property
    def begun_bytes(self) -> int:
        """Memory that the pieces on their way take."""
        return len(self._downloads) * self.layout.piece_length

    def measure(self, peers: Iterable[Peer]) -> None:
        """Once a second: see how fast they are."""
        rates = (peer.pipeline.rate for peer in peers if not peer.peer_choking)
        self.fastest = max(rates, default=0.0)

    def is_interesting(self, peer: Peer) -> bool:
        return peer.have is not None and (peer.have & self.missing).any()

    def want(self, wanted: Bitfield) -> list[tuple[Peer, Request]]:
        """Other pieces are wanted from now on; returns the requests that are to be cancelled."""
        self._wanted = wanted.copy()
        self.missing = wanted - self.have - self.lost
        cancels: list[tuple[Peer, Request]] = []
        for download in [d for d in self._downloads.values() if d.index not in self.missing]:
            for begin, holders in download.pending.items():
                request = Request(download.index, begin, download.block_length(begin))
                cancels += [(holder, request) for holder in holders]
            self._forget(download)
        self.picker.open = self.missing.copy()
        for index in (*self._downloads, *self._storing):
            self.picker.open.discard(index)
        return cancels

    # Asking

    def fill(self, peer: Peer, depth: int, now: float, urgent_depth: int = 0) -> list[Request]:
        """The requests that bring the peer's unanswered ones up to `depth`; they count as asked.

        What readers need may bring them up to `urgent_depth`.
        """
        requests: list[Request] = []
        have = peer.have
        if peer.peer_choking or have is None or self.unverified_bytes >= MAX_UNVERIFIED_BYTES:
            return requests
        if self.readers.order:
            self._fill_urgent(peer, have, urgent_depth, now, requests)
        while len(peer.requests) < depth:
            download = self._next_download(peer, have, now)
            if download is None:
                break
            requests += self._ask(download, peer, depth, now)
        if not requests and len(peer.requests) < min(depth, END_GAME_REQUESTS):
            at_the_end = not self.picker.open.any()
            for download in self._downloads.values():
                if self._may_help(download, peer, have, now):
                    depth = min(depth, END_GAME_REQUESTS)
                    requests += download.ask_again(peer, depth, now, at_the_end=at_the_end)
        return requests

    def _ask(self, download: PieceDownload, peer: Peer, depth: int, now: float) -> list[Request]:
        requests = download.ask(peer, depth, now)
        if not download.free:
            self._ready.pop(download.index, None)
        return requests

    def _fill_urgent(
        self, peer: Peer, have: Bitfield, depth: int, now: float, requests: list[Request]
    ) -> None:
        slow = peer.pipeline.rate < SLOW * self.fastest
        for index in self.readers.order:
            if len(peer.requests) >= depth:
                return
            since = self.readers.waiting.get(index)
            if since is not None and slow and now - since < PATIENCE:
                continue
            download = self._downloads.get(index)
            if download is None:
                if index not in have or index in peer.refused or index not in self.picker.open:
                    continue
                if not self._may_begin(peer):
                    continue
                download = self._begin(index, peer, now)
            elif not self._may_help(download, peer, have, now):
                continue
            if download.free:
                requests += self._ask(download, peer, depth, now)
            elif since is not None:
                at_the_end = not self.picker.open.any()
                requests += download.ask_again(
                    peer, depth, now, at_the_end=at_the_end, patience=HURRY_SECONDS
                )

    def _next_download(self, peer: Peer, have: Bitfield, now: float) -> PieceDownload | None:
        """A begun piece with free blocks if there is one for this peer, else a new one."""
        shares = peer.good_pieces > 0 and peer not in self.suspects
        for download in self._ready.values():
            is_for_peer = download.owner is peer or (shares and download.owner is None)
            if is_for_peer and download.index in have and download.index not in peer.refused:
                return download
        offered = peer.offered
        may_begin = self._may_begin(peer)
        if may_begin:
            index = self._pick(peer, offered)
            if index is not None:
                return self._begin(index, peer, now)
        elif not shares and (self.picker.open & offered).any():
            return None  # once it has proven itself it gets more
        for download in self._ready.values():
            if self._may_help(download, peer, have, now):
                return download
        return None

    def _pick(self, peer: Peer, offered: Bitfield) -> int | None:
        """Which piece the peer is to begin: first those that came wrong, for they tell who lied."""
        for index in self.suspects.pieces:
            if index in self.picker.open and index in offered:
                return index
        if peer.prefers_runs and peer.last_begun is not None:
            following = peer.last_begun + 1
            if following in self.picker.open and following in offered:
                return following
        return self.picker.pick(offered)

    def _may_begin(self, peer: Peer) -> bool:
        if self.begun_bytes >= MAX_BEGUN_BYTES:
            return False
        suspect = peer in self.suspects
        if peer.good_pieces and not suspect:
            return True
        own = sum(d.owner is peer for d in (*self._downloads.values(), *self._storing.values()))
        return own < (1 if suspect else UNPROVEN_PIECES)

    def _may_help(self, download: PieceDownload, peer: Peer, have: Bitfield, now: float) -> bool:
        """Whether the peer may be asked for blocks of a begun piece."""
        if download.index not in have or download.index in peer.refused:
            return False
        if download.owner is peer:
            return True
        alone = download.exclusive and now - download.begun_at < ALONE_SECONDS
        return not alone and peer not in self.suspects

    def _begin(self, index: int, peer: Peer, now: float) -> PieceDownload:
        self.picker.open.discard(index)
        exclusive = index in self.suspects.pieces or peer in self.suspects
        owner = peer if exclusive or not peer.good_pieces else None
        download = PieceDownload(index, self.layout, now, owner, exclusive=exclusive)
        self._downloads[index] = self._ready[index] = download
        peer.last_begun = index
        return download

    # Answers

    def receive(self, peer: Peer, piece: Piece, now: float) -> Receipt:
        """Take in a block; one that was not asked for is dropped.

        Raises ProtocolError for one of another length than was asked for.
        """
        key = (piece.index, piece.begin)
        download = self._downloads.get(piece.index)
        asked_at = peer.requests.get(key)
        if asked_at is None or download is None:
            self.wasted_bytes += len(piece.block)
            return Receipt(used=False)
        expected = download.block_length(piece.begin)
        if len(piece.block) != expected:
            raise ProtocolError(f"a block of {len(piece.block)} bytes came, not {expected}")
        del peer.requests[key]
        peer.pipeline.block_came(asked_at, expected, now)
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
        if download.owner is peer and download.exclusive:
            self._reopen(download)
        else:
            self._freed(download)

    def disown(self, peer: Peer) -> None:
        """The peer sends nothing for now: others may go on with its pieces."""
        for download in [each for each in self._downloads.values() if each.owner is peer]:
            if download.exclusive:
                self._reopen(download)
            else:
                download.owner = None

    def release(self, peer: Peer) -> None:
        """The peer is gone or choked us: all it was asked for is free again."""
        for index, begin in list(peer.requests):
            self.give_back(peer, index, begin)
        self.disown(peer)

    def _freed(self, download: PieceDownload) -> None:
        """Blocks of a begun piece are free again; one that nothing has come of begins anew."""
        if download.pending or any(download.senders):
            if download.free:
                self._ready[download.index] = download
        else:
            self._reopen(download)

    def _reopen(self, download: PieceDownload) -> None:
        """Forget what has come of a piece: anyone may be asked for it."""
        self._forget(download)
        self._open([download.index])

    def _forget(self, download: PieceDownload) -> None:
        for begin, holders in download.pending.items():
            for holder in holders:
                holder.requests.pop((download.index, begin), None)
        self.wasted_bytes += download.received_bytes
        del self._downloads[download.index]
        self._ready.pop(download.index, None)

    def _open(self, indices: Iterable[int]) -> None:
        for index in indices:
            if index in self.missing:
                self.picker.open.add(index)

    # Finished pieces

    def stored(self, index: int, *, ok: bool) -> Verdict:
        """The piece is verified and on the disk; not ok: its hash was wrong."""
        download = self._storing.pop(index)
        self.unverified_bytes -= len(download.data)
        contributors = download.contributors
        if ok:
            self.have.add(index)
            self.have_changes += 1
            self.missing.discard(index)
            self.readers.arrived(index)
            for peer in contributors:
                peer.good_pieces += 1
            culprits = self.suspects.resolve(index, download.data)
            return Verdict(culprits, self._expel(culprits), contributors)
        self.wasted_bytes += len(download.data)
        self._open([index])
        if len(contributors) == 1:
            return Verdict(contributors, self._expel(contributors))
        senders = [sender for sender in download.senders if sender is not None]
        self.suspects.add(index, download.data, senders, self.layout.block_size)
        # A second time is once too often: nothing more of theirs may spoil what others send.
        again = {peer for peer in contributors if self.suspects.parts(peer) > 1}
        return Verdict(set(), self._expel(again))

    def not_stored(self, index: int) -> None:
        """The disk did not take the piece; it has to come again."""
        download = self._storing.pop(index)
        self.unverified_bytes -= len(download.data)
        self._open([index])

    def lose(self, index: int, *, refetch: bool) -> None:
        """The disk no longer has the piece as it should be; it is fetched again only if `refetch`."""
        self.have.discard(index)
        self.have_changes += 1
        if index in self._wanted and refetch:
            self.missing.add(index)
        if download := self._downloads.get(index):
            self._reopen(download)
        else:
            self._open([index])
        if index in self._wanted and not refetch:
            self.missing.discard(index)
            self.picker.open.discard(index)
            self.lost.add(index)

    def regain(self, index: int) -> None:
        """A lost piece is as it should be after all."""
        self.have.add(index)
        self.have_changes += 1
        self.lost.discard(index)

    def _expel(self, peers: set[Peer]) -> list[tuple[Peer, Request]]:
        """Take these peers' blocks out of every piece that others have a part in too; what to cancel."""
        cancels: list[tuple[Peer, Request]] = []
        for download in list(self._downloads.values()) if peers else ():
            for peer in peers:
                if download.exclusive and download.owner is peer:
                    continue
                owed = [begin for begin, holders in download.pending.items() if peer in holders]
                for begin in owed:
                    request = Request(download.index, begin, download.block_length(begin))
                    cancels.append((peer, request))
                    del peer.requests[download.index, begin]
                    download.give_back(peer, begin)
                dropped = download.discard(peer)
                self.wasted_bytes += dropped
                if download.owner is peer:
                    download.owner = None
                if owed or dropped:
                    self._freed(download)
                    if download.index not in self._downloads:
                        break
        return cancels
