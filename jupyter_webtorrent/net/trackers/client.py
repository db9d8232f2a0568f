"""What HTTP and UDP trackers have in common: one question, one answer, and peers that the tracker may name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from jupyter_webtorrent.protocol.announce import SwarmCounts, TcpAnnounce, TcpAnnounceResponse
from jupyter_webtorrent.protocol.identity import InfoHash
from jupyter_webtorrent.protocol.reach import may_name

MAX_QUESTIONS_AT_ONCE = 20
"""Of all torrents to one tracker."""


class TcpTracker(Protocol):
    """A tracker of TCP peers (`HttpTracker`, `UdpTracker`), shared by all torrents of a session.

    Both questions raise WebTorrentError with the reason in one line, and may be cancelled at any time.
    """

    async def announce(self, announce: TcpAnnounce) -> TcpAnnounceResponse: ...

    async def scrape(self, info_hash: InfoHash) -> SwarmCounts: ...

    async def aclose(self) -> None: ...


def with_peers_named_by(
    response: TcpAnnounceResponse, tellers: Iterable[str]
) -> TcpAnnounceResponse:
    """The response without the peers that a tracker at any of these IP addresses may not send us to."""
    tellers = list(tellers)
    peers = tuple(
        peer for peer in response.peers if all(may_name(teller, peer.host) for teller in tellers)
    )
    return replace(response, peers=peers)
