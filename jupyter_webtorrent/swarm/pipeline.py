"""How many requests to keep under way with a peer."""

from __future__ import annotations

from jupyter_webtorrent.swarm.peer import Peer

DEPTH = 64
"""1 MiB in blocks of 16 KiB: a round trip of 10 ms at 100 MB/s."""


def depth(peer: Peer) -> int:
    """Unanswered requests to keep; never more than the peer said it keeps (BEP 10, `reqq`)."""
    queue = peer.extensions.request_queue if peer.extensions else None
    return DEPTH if queue is None else min(DEPTH, queue)
