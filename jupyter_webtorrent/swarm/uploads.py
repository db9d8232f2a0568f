"""What peers ask of us: which requests are honest, which wait, and which are turned down."""

from __future__ import annotations

from jupyter_webtorrent.protocol.bitfield import Bitfield
from jupyter_webtorrent.protocol.errors import ProtocolError
from jupyter_webtorrent.protocol.layout import PieceLayout
from jupyter_webtorrent.protocol.messages import Reject, Request
from jupyter_webtorrent.swarm.peer import Peer

MAX_WAITING = 500
"""Requests of one peer that wait for their block."""
MAX_BLOCK_BYTES = 1 << 17


class Uploads:
    """The queues of blocks to send, one a peer; the driver reads the blocks and sends them."""

    def __init__(self, layout: PieceLayout, have: Bitfield) -> None:
        self._layout = layout
        self._have = have

    def request(self, peer: Peer, request: Request) -> Reject | None:
        """Queue a request, or say what to answer instead; raises ProtocolError for a dishonest one."""
        index, begin, length = request.index, request.begin, request.length
        if not 0 < length <= MAX_BLOCK_BYTES:
            raise ProtocolError(f"a block of {length} bytes was asked for")
        if not self._layout.holds(index, begin, length):
            raise ProtocolError(f"{length} bytes at {begin} of piece {index} are not there")
        if peer.am_choking or index not in self._have:
            return Reject(index, begin, length)
        if len(peer.uploads) >= MAX_WAITING:
            raise ProtocolError(f"more than {MAX_WAITING} requests are waiting")
        peer.uploads[request] = None
        return None

    def cancel(self, peer: Peer, request: Request) -> Reject | None:
        """Drop a waiting request (BEP 3); with the fast extension that is told (BEP 6)."""
        if request in peer.uploads:
            del peer.uploads[request]
            return Reject(request.index, request.begin, request.length)
        return None

    def clear(self, peer: Peer) -> list[Reject]:
        """The peer gets choked: all that waits is turned down."""
        rejects = [Reject(r.index, r.begin, r.length) for r in peer.uploads]
        peer.uploads.clear()
        return rejects

    @staticmethod
    def forget(peer: Peer, pieces: Bitfield) -> list[Reject]:
        """These pieces are gone: turn down what waits for one of them."""
        gone = [request for request in peer.uploads if request.index in pieces]
        for request in gone:
            del peer.uploads[request]
        return [Reject(r.index, r.begin, r.length) for r in gone]

    @staticmethod
    def take(peer: Peer) -> Request | None:
        """The next block to send, in the order they were asked for."""
        return peer.uploads.popitem(last=False)[0] if peer.uploads else None
