"""Where one torrent's peers come from: the trackers, with what becomes of each, the DHT, and the local network."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from jupyter_webtorrent.engine.announcer import TrackerAnnouncer
from jupyter_webtorrent.engine.dht_source import DhtSource, SearchedTorrent
from jupyter_webtorrent.engine.negotiation import Negotiator
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.engine.tier_announcer import DialledTorrent, TierAnnouncer
from jupyter_webtorrent.engine.tiers import Tiers
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.protocol.reach import Reach, reach_of
from jupyter_webtorrent.protocol.urls import is_local
from jupyter_webtorrent.schema.transfers import TrackerStatus


class DiscoveringTorrent(DialledTorrent, SearchedTorrent, Protocol):
    """The torrent, as far as its peer sources know it."""


class PeerDiscovery:
    """All peer sources of a torrent, begun and ended together."""

    def __init__(
        self,
        torrent: DiscoveringTorrent,
        tiers: Tiers,
        negotiator: Negotiator,
        services: Services,
    ) -> None:
        self._info_hash = torrent.info_hash
        self._lan = services.lan
        self._dht = services.dht if services.dht is not None and services.dht.is_open else None
        self._dht_source = DhtSource(torrent, services, self._dht) if self._dht else None
        self._torrent = torrent
        self._negotiator = negotiator
        self._services = services
        self._trackers: tuple[str, ...] = ()
        self._announcers: list[TrackerAnnouncer | TierAnnouncer] = []
        self._unusable: list[TrackerStatus] = []
        self._is_started = False
        self.add_trackers(tiers)

    def add_trackers(self, tiers: Tiers) -> None:
        """Ask these too; none of them is known yet."""
        added: list[TrackerAnnouncer | TierAnnouncer] = []
        torrent, services = self._torrent, self._services
        for tier in tiers:
            self._trackers += tier
            # Browsers announce to all of their trackers, tiers or not: so do we, to be found there.
            for url in filter(is_websocket, tier):
                try:
                    added.append(TrackerAnnouncer(url, torrent, self._negotiator, services))
                except WebTorrentError as error:
                    status = TrackerStatus(url=url, state="failed", message=str(error))
                    self._unusable.append(status)
            if others := [url for url in tier if not is_websocket(url)]:
                added.append(TierAnnouncer(others, torrent, services))
        self._announcers += added
        if self._is_started:
            for announcer in added:
                announcer.start()

    @property
    def dht_port(self) -> int | None:
        """The UDP port of our DHT node; None where the torrent has no part in the DHT."""
        return self._dht.dht.port if self._dht is not None else None

    @property
    def dht_trouble(self) -> str:
        """Why the DHT finds nobody, in one line; empty where it works or is not used."""
        return self._dht.trouble if self._dht is not None else ""

    def node_found(self, address: PeerAddress) -> None:
        """A peer says that its DHT node is there (BEP 5)."""
        if self._dht is not None:
            self._dht.dht.add_node(address)

    def start(self, peers: Iterable[PeerAddress] = ()) -> None:
        """Begin; `peers` are the addresses known already."""
        self._is_started = True
        if self._dht_source is not None:
            self._dht_source.start(local=_is_local(self._trackers, peers))
        if self._lan is not None:
            self._lan.add(self._info_hash)
        for announcer in self._announcers:
            announcer.start()

    def private(self) -> None:
        """From now on the trackers alone may know of it (BEP 27)."""
        if self._lan is not None:
            self._lan.remove(self._info_hash)
            self._lan = None
        if self._dht_source is not None:
            self._dht_source.cancel()
            self._dht_source = self._dht = None

    def completed(self) -> None:
        """The download is complete: whoever counts seeds is told."""
        for announcer in self._announcers:
            announcer.completed()

    async def aclose(self) -> None:
        if self._lan is not None:
            self._lan.remove(self._info_hash)
        if self._dht_source is not None:
            await self._dht_source.aclose()
        await asyncio.gather(*(announcer.aclose() for announcer in self._announcers))

    def tracker_statuses(self) -> list[TrackerStatus]:
        known = [status for announcer in self._announcers for status in announcer.statuses]
        return known + self._unusable


def is_websocket(url: str) -> bool:
    """Whether a tracker is asked over a WebSocket: all others are for TCP peers."""
    return url.lower().startswith(("ws:", "wss:"))


def _is_local(trackers: Iterable[str], peers: Iterable[PeerAddress]) -> bool:
    """Whether a torrent's trackers and peers, of which there are some, are all on this machine or network."""
    near = [is_local(url) for url in trackers]
    near += [reach_of(peer.host) in (Reach.MACHINE, Reach.NETWORK) for peer in peers]
    return bool(near) and all(near)
