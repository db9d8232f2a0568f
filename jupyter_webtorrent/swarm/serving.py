"""The giving half of a swarm: whom to choke, which requests to take, and what a peer may know us to have.

`Serving` carries out what the choker and super-seeding decide, by messages. The blocks themselves are sent by
the swarm's driver.
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Protocol

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.layout import PieceLayout
from jupyter_webtorrent.protocol.messages import (
    BitfieldMessage,
    Cancel,
    Choke,
    Have,
    HaveAll,
    HaveNone,
    Message,
    Reject,
    Request,
    Unchoke,
)
from jupyter_webtorrent.swarm.choker import Choker
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.picker import PiecePicker
from jupyter_webtorrent.swarm.super_seeding import SuperSeeding
from jupyter_webtorrent.swarm.uploads import Uploads


class Sender(Protocol):
    def __call__(self, peer: Peer, /, *messages: Message) -> None:
        """Have the messages sent to the peer, in this order."""


class Serving:
    """One torrent's uploads. `peers` is the swarm's own collection of who is connected."""

    def __init__(self, peers: Collection[Peer], slots: int, random: Random, send: Sender) -> None:
        self._peers = peers
        self._send = send
        self._random = random
        self.choker = Choker(slots, random)
        self._have: Bitfield | None = None
        self._uploads: Uploads | None = None
        self._hiding: SuperSeeding | None = None

    def start(self, layout: PieceLayout, have: Bitfield, picker: PiecePicker) -> None:
        """The metadata is known; `have` stays the swarm's, and grows."""
        self._have = have
        self._uploads = Uploads(layout, have)
        self._hiding = SuperSeeding(have, picker, layout.piece_length, self._random)

    # Peers

    def peer_joined(self, peer: Peer, now: float) -> None:
        """Tell the peer what we have, or hide it (BEP 16)."""
        have = self._have
        if have is None or self._hiding is None or not have.any():
            if peer.supports_fast:
                self._send(peer, HaveNone())
        elif self._hiding.is_of_use(self._peers):
            self._hiding.hide_from(peer, now)
            if peer.supports_fast:
                self._send(peer, HaveNone())
        elif peer.supports_fast and have.all():
            self._send(peer, HaveAll())
        else:
            self._send(peer, BitfieldMessage(have.to_bytes()))

    def peer_spoke(self, peer: Peer, now: float) -> None:
        """The peer told of itself or of its pieces: it may be shown some in a free slot."""
        if self._hiding is not None and self._hiding.is_hidden_from(peer):
            self._hiding.spoke(peer)
            self._unchoke_if_free(peer, now)

    def peer_left(self, peer: Peer, *, seeding: bool, now: float) -> None:
        peer.uploads.clear()
        if self._hiding is not None:
            self._hiding.forget(peer)
        if not peer.am_choking:
            self.rechoke(seeding=seeding, now=now)

    def peer_has_more(self, peer: Peer, now: float) -> None:
        """The peer told of pieces: it may be shown the next, or everybody everything if that is over."""
        hiding = self._hiding
        if hiding is None or not hiding.is_active:
            return
        if peer.is_seed or not hiding.is_needed:
            self._reveal_all()
        else:
            self._show_more(peer, now)

    def tick(self, *, seeding: bool, now: float) -> None:
        """Once a second."""
        if self._hiding is not None:
            lapsed = self._hiding.lapsed(now)
            for peer in lapsed:
                self._reveal(peer)
            if any(not (peer.am_choking or peer.peer_interested) for peer in lapsed):
                self.rechoke(seeding=seeding, now=now)
            for peer in self._hiding.hidden_from:
                self._show_more(peer, now)
        if self.choker.is_due(now):
            self.rechoke(seeding=seeding, now=now)

    def hides_from(self, peer: Peer) -> bool:
        """Whether the peer is not to know that we have everything."""
        return self._hiding is not None and self._hiding.is_hidden_from(peer)

    # What we have

    def announce(self, peer: Peer, index: int) -> None:
        """Tell the peer of a piece that has come."""
        if self._hiding is not None:
            self._hiding.tell(peer, index)
        self._send(peer, Have(index))

    def told(self, peer: Peer, pieces: Bitfield) -> Bitfield:
        """Those of our pieces that the peer knows us to have."""
        return pieces if self._hiding is None else self._hiding.told(peer, pieces)

    def lost(self, pieces: Bitfield) -> None:
        """Pieces are gone, and those who were `told` of them know."""
        if self._hiding is not None:
            self._hiding.lost(pieces)
            if not self._hiding.is_needed:
                self._reveal_all()

    # Requests

    def requested(self, peer: Peer, request: Request) -> bool:
        """The peer asks for a block; returns whether it is the first that waits.

        Raises ProtocolError for a request that no honest peer makes.
        """
        if self._uploads is None:
            reject: Reject | None = Reject(request.index, request.begin, request.length)
        else:
            reject = self._uploads.request(peer, request)
        if reject is not None and peer.supports_fast:
            self._send(peer, reject)
        return reject is None and len(peer.uploads) == 1

    def cancelled(self, peer: Peer, message: Cancel) -> None:
        """The peer wants a block no more."""
        if self._uploads is not None:
            request = Request(message.index, message.begin, message.length)
            reject = self._uploads.cancel(peer, request)
            if reject is not None and peer.supports_fast:
                self._send(peer, reject)

    # Choking

    def interested(self, peer: Peer, now: float) -> None:
        peer.peer_interested = True
        self._unchoke_if_free(peer, now)

    def not_interested(self, peer: Peer, *, seeding: bool, now: float) -> None:
        peer.peer_interested = False
        if not peer.am_choking:
            self.rechoke(seeding=seeding, now=now)

    def rechoke(self, *, seeding: bool, now: float) -> None:
        """Decide anew who is served."""
        candidates = [peer for peer in self._peers if self._wants_blocks(peer)]
        chosen = self.choker.decide(candidates, seeding=seeding, now=now)
        for peer in self._peers:
            if peer in chosen and peer.am_choking:
                self._unchoke(peer, now)
            elif peer not in chosen and not peer.am_choking:
                self._choke(peer, now)

    def _wants_blocks(self, peer: Peer) -> bool:
        shows = self._hiding is not None and self._hiding.may_be_shown(peer)
        return peer.peer_interested or shows

    def _unchoke_if_free(self, peer: Peer, now: float) -> None:
        """A browser gives up on those who make it wait: unchoke it at once if a slot is free."""
        if peer.am_choking and self.choker.has_free_slot(self._peers):
            self._unchoke(peer, now)

    def _unchoke(self, peer: Peer, now: float) -> None:
        peer.am_choking = False
        peer.unchoked_at = now
        self._send(peer, Unchoke())
        if self._hiding is not None:
            self._hiding.unchoked(peer, now)
            self._show_more(peer, now)

    def _choke(self, peer: Peer, now: float) -> None:
        peer.am_choking = True
        peer.unchoked_at = now
        rejects = self._uploads.clear(peer) if self._uploads is not None else []
        self._send(peer, Choke(), *(rejects if peer.supports_fast else ()))
        if self._hiding is not None:
            self._hiding.choked(peer)

    # Super-seeding

    def _show_more(self, peer: Peer, now: float) -> None:
        if self._hiding is not None and not peer.am_choking:
            self._send(peer, *(Have(index) for index in self._hiding.show(peer, now)))

    def _reveal_all(self) -> None:
        for peer in self._hiding.hidden_from if self._hiding is not None else ():
            self._reveal(peer)

    def _reveal(self, peer: Peer) -> None:
        if self._hiding is not None:
            self._send(peer, *(Have(index) for index in self._hiding.reveal(peer)))
