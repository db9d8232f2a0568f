"""When blocks are asked for: each peer's pipeline is kept full, as far as the limits and the disk allow.

Which blocks these are is the downloader's choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from jupyter_webtorrent.swarm.download import Downloader
from jupyter_webtorrent.swarm.peer import Peer
from jupyter_webtorrent.swarm.serving import Sender

URGENT_REQUESTS = 16
"""A peer's requests for what readers need, beyond its pipeline: they need not wait until it has room."""


class RequestGate(Protocol):
    """Where downloads are limited: how much may be asked of a peer now."""

    def room(self, peer: Peer) -> int | None:
        """How many blocks, None for any number; if too few, `refill` is to be called again for the peer."""

    def asked(self, peer: Peer, count: int) -> None:
        """Blocks of `count` bytes were."""


class Requesting:
    """One torrent's requests. `peers` is the swarm's own collection of who is connected."""

    def __init__(self, peers: Iterable[Peer], send: Sender) -> None:
        self.gate: RequestGate | None = None
        """None: no limit."""
        self._held = False
        self._peers = peers
        self._send = send
        self._downloader: Downloader | None = None

    def start(self, downloader: Downloader) -> None:
        """The metadata is known."""
        self._downloader = downloader

    def hold(self, held: bool, now: float) -> None:
        """Ask for nothing more while the disk takes nothing."""
        self._held = held
        self.refill_all(now)

    def refill(self, peer: Peer, now: float) -> None:
        """Keep the peer's pipeline full."""
        downloader = self._downloader
        if downloader is None or peer.peer_choking or not peer.am_interested or self._held:
            return
        depth = peer.depth
        urgent = downloader.readers.waiting
        if len(peer.requests) > depth * 3 // 4 and not urgent:
            return  # a few requests at a time, not one for each block
        urgent_depth = depth + URGENT_REQUESTS
        room = None if self.gate is None else self.gate.room(peer)
        if room is not None:
            depth = min(depth, len(peer.requests) + room)
            urgent_depth = min(urgent_depth, len(peer.requests) + room)
        if not peer.requests:
            peer.requested_at = now
            peer.pipeline.resumed(now)
        requests = downloader.fill(peer, depth, now, urgent_depth)
        if requests:
            self._send(peer, *requests)
            if self.gate is not None:
                self.gate.asked(peer, sum(request.length for request in requests))

    def refill_all(self, now: float) -> None:
        for peer in self._peers:
            self.refill(peer, now)
