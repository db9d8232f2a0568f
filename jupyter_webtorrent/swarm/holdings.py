"""What each peer has, as far as it told, and what follows from it: our interest, and the end of no use."""

from __future__ import annotations

from typing import Protocol

from jupyter_webtorrent.protocol.messages import (
    BitfieldMessage,
    HaveAll,
    HaveNone,
    Interested,
    NotInterested,
)
from jupyter_webtorrent.swarm.download import Downloader
from jupyter_webtorrent.swarm.peer import Peer, bitfield_of
from jupyter_webtorrent.swarm.serving import Sender, Serving

BOTH_COMPLETE = "both sides have everything"
"""Why a connection of no more use ends."""


class Disconnector(Protocol):
    def __call__(self, peer: Peer, reason: str, *, final: bool = False) -> None:
        """Have the connection closed; `final`: there is no use in another one."""


class Holdings:
    """Of one torrent's peers. What comes before the metadata is kept in `Peer.early`."""

    def __init__(self, serving: Serving, send: Sender, disconnect: Disconnector) -> None:
        self._serving = serving
        self._send = send
        self._disconnect = disconnect
        self._downloader: Downloader | None = None

    def start(self, downloader: Downloader) -> None:
        """The metadata is known."""
        self._downloader = downloader

    def has(self, peer: Peer, index: int, now: float) -> None:
        """The peer has one more piece."""
        if self._downloader is None or peer.have is None:
            if peer.early is not None:
                peer.early.indices.add(index)
            return
        if index in peer.have:
            return
        peer.have.add(index)
        peer.refused.discard(index)  # it was lost (BEP 54), and is found
        self._downloader.picker.peer_has(index)
        if not peer.am_interested and index in self._downloader.missing:
            self.update_interest(peer)
        self._serving.peer_has_more(peer, now)
        self.drop_if_both_complete(peer)

    def told_all(
        self, peer: Peer, message: BitfieldMessage | HaveAll | HaveNone, now: float
    ) -> None:
        """The peer told of all its pieces at once."""
        if self._downloader is None or peer.have is None:
            if peer.early is not None:
                peer.early.message = message
            return
        told = bitfield_of(message, len(peer.have)) | peer.have
        self._downloader.picker.peer_left(peer.have)
        self._downloader.picker.peer_joined(told)
        peer.have = told
        self.update_interest(peer)
        self._serving.peer_has_more(peer, now)
        self.drop_if_both_complete(peer)

    def has_not(self, peer: Peer, index: int) -> None:
        """The peer has a piece no more (BEP 54)."""
        if self._downloader is None or peer.have is None:
            if peer.early is not None:
                peer.early.indices.discard(index)
            return
        if index < len(peer.have) and index in peer.have:
            peer.have.discard(index)
            self._downloader.picker.peer_lost(index)
            for piece, begin in [key for key in peer.requests if key[0] == index]:
                self._downloader.give_back(peer, piece, begin)
            self.update_interest(peer)

    def update_interest(self, peer: Peer) -> None:
        """Tell the peer if it has something for us now, or nothing any more."""
        assert self._downloader is not None
        interesting = self._downloader.is_interesting(peer)
        if interesting != peer.am_interested:
            peer.am_interested = interesting
            self._send(peer, Interested() if interesting else NotInterested())

    def drop_if_both_complete(self, peer: Peer) -> None:
        """Let the peer go if neither can give the other anything."""
        if peer.is_seed and self._downloader is not None and self._downloader.have.all():
            self._disconnect(peer, BOTH_COMPLETE, final=True)
