"""Where one torrent's peers come from: the trackers, with what becomes of each, and the local network."""

from __future__ import annotations

from collections.abc import Iterable

from jupyter_webtorrent.engine.announcer import AnnouncedTorrent, TrackerAnnouncer
from jupyter_webtorrent.engine.negotiation import Negotiator
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.schema.transfers import TrackerStatus


class PeerDiscovery:
    """All peer sources of a torrent, begun and ended together."""

    def __init__(
        self,
        torrent: AnnouncedTorrent,
        trackers: Iterable[str],
        negotiator: Negotiator,
        services: Services,
    ) -> None:
        self._info_hash = torrent.info_hash
        self._lan = services.lan
        self._announcers: list[TrackerAnnouncer] = []
        self._unusable: list[TrackerStatus] = []
        for url in trackers:
            try:
                self._announcers.append(TrackerAnnouncer(url, torrent, negotiator, services))
            except WebTorrentError as error:
                self._unusable.append(TrackerStatus(url=url, state="failed", message=str(error)))

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
        for announcer in self._announcers:
            await announcer.aclose()

    def tracker_statuses(self) -> list[TrackerStatus]:
        return [announcer.status for announcer in self._announcers] + self._unusable
