"""Where one torrent's peers come from: the trackers, with what becomes of each, and the local network."""

from __future__ import annotations

import asyncio

from jupyter_webtorrent.engine.announcer import TrackerAnnouncer
from jupyter_webtorrent.engine.negotiation import Negotiator
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.tier_announcer import DialledTorrent, TierAnnouncer
from jupyter_webtorrent.engine.tiers import Tiers
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import TrackerStatus


class PeerDiscovery:
    """All peer sources of a torrent, begun and ended together."""

    def __init__(
        self,
        torrent: DialledTorrent,
        tiers: Tiers,
        negotiator: Negotiator,
        services: Services,
    ) -> None:
        self._info_hash = torrent.info_hash
        self._lan = services.lan
        self._announcers: list[TrackerAnnouncer | TierAnnouncer] = []
        self._unusable: list[TrackerStatus] = []
        for tier in tiers:
            # Browsers announce to all of their trackers, tiers or not: so do we, to be found there.
            for url in filter(is_websocket, tier):
                try:
                    self._announcers.append(TrackerAnnouncer(url, torrent, negotiator, services))
                except WebTorrentError as error:
                    status = TrackerStatus(url=url, state="failed", message=str(error))
                    self._unusable.append(status)
            if others := [url for url in tier if not is_websocket(url)]:
                self._announcers.append(TierAnnouncer(others, torrent, services))

    def start(self) -> None:
        if self._lan is not None:
            self._lan.add(self._info_hash)
        for announcer in self._announcers:
            announcer.start()

    def private(self) -> None:
        """From now on the trackers alone may know of it (BEP 27)."""
        if self._lan is not None:
            self._lan.remove(self._info_hash)
            self._lan = None

    def completed(self) -> None:
        """The download is complete: whoever counts seeds is told."""
        for announcer in self._announcers:
            announcer.completed()

    async def aclose(self) -> None:
        if self._lan is not None:
            self._lan.remove(self._info_hash)
        await asyncio.gather(*(announcer.aclose() for announcer in self._announcers))

    def tracker_statuses(self) -> list[TrackerStatus]:
        known = [status for announcer in self._announcers for status in announcer.statuses]
        return known + self._unusable


def is_websocket(url: str) -> bool:
    """Whether a tracker is asked over a WebSocket: all others are for TCP peers."""
    return url.lower().startswith(("ws:", "wss:"))
