"""One torrent at one tier of HTTP and UDP trackers: which one, when, and with which event (BEP 3, 12, 15).

The first tracker that works is used until it fails. What it answers are addresses to dial.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Protocol

from jupyter_webtorrent.engine.announcer import AnnouncedTorrent
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.net.trackers.backoff import Backoff
from jupyter_webtorrent.net.trackers.client import TcpTracker
from jupyter_webtorrent.protocol.announce import (
    DEFAULT_NUMWANT,
    Event,
    TcpAnnounce,
    TcpAnnounceResponse,
)
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.identity import PeerAddress
from jupyter_webtorrent.schema.transfers import TrackerStatus

SHORTEST_WAIT_ALONE = 300.0
"""Seconds between announces of a download without peers, at a tracker that names no minimum."""
LOOK_SECONDS = 60.0
"""How often it is looked whether all peers have gone."""
STOP_SECONDS = 2.0
"""All that `stopped` announces may take."""
JITTER = 1.1
"""A wait is up to this many times what the tracker asked for, never less."""


class DialledTorrent(AnnouncedTorrent, Protocol):
    """A torrent that dials the addresses it is told."""

    def peers_found(self, addresses: Iterable[PeerAddress], source: str) -> None: ...


class TierAnnouncer:
    """Announces from `start` to `aclose`. `completed` says that the download ended meanwhile."""

    def __init__(self, urls: Iterable[str], torrent: DialledTorrent, services: Services) -> None:
        self._torrent = torrent
        self._services = services
        self._places = [_Place(url, services) for url in urls]
        self._order = list(self._places)
        """As they are tried; one that works comes first."""
        services.random.shuffle(self._order)
        self._backoff = Backoff(services.random)
        self._completed = False
        """The tracker is still to hear of it."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if any(place.is_usable for place in self._places):
            self._task = asyncio.create_task(self._announce_often())

    def completed(self) -> None:
        self._completed = True
        self._wake.set()

    async def aclose(self) -> None:
        """Say goodbye wherever we announced, within STOP_SECONDS."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        goodbyes = [self._say_goodbye(place) for place in self._places if place.started]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*goodbyes)

    @property
    def statuses(self) -> list[TrackerStatus]:
        """Of each tracker, in the order of the torrent."""
        return [place.status for place in self._places]

    async def _announce_often(self) -> None:
        while True:
            self._wake.clear()
            response = await self._announce_to_one()
            if response is None:
                await self._wait(self._backoff.next())
            else:
                self._backoff.reset()
                await self._wait_after(response)

    async def _announce_to_one(self) -> TcpAnnounceResponse | None:
        """Ask the trackers in turn until one answers, which is asked first the next time."""
        for place in list(self._order):
            response = await self._announce_to(place)
            if response is not None:
                self._order.remove(place)
                self._order.insert(0, place)
                for other in self._order[1:]:
                    other.is_spared()
                return response
        return None

    async def _announce_to(self, place: _Place) -> TcpAnnounceResponse | None:
        completed = self._completed
        event: Event | None = "started" if not place.started else None
        if completed and event is None:
            event = "completed"
        try:
            response = await place.announce(self._announce(place, event))
        except WebTorrentError as error:
            place.failed(str(error))
            return None
        if completed:
            # One that hears of us only now learns from `left` that we are a seed.
            self._completed = False
        others = (peer for peer in response.peers if not self._is_ours(peer, response))
        self._torrent.peers_found(others, "a tracker")
        await place.worked(response, self._torrent)
        return response

    def _announce(self, place: _Place, event: Event | None) -> TcpAnnounce:
        torrent, services = self._torrent, self._services
        assert services.listening is not None
        wanted = 0 if event == "stopped" else min(DEFAULT_NUMWANT, torrent.wanted_peers)
        return TcpAnnounce(
            info_hash=torrent.info_hash,
            peer_id=services.peer_id,
            port=services.listening.port,
            uploaded=torrent.bytes_up,
            downloaded=torrent.bytes_down,
            left=torrent.bytes_left,
            event=event,
            numwant=max(0, wanted),
            key=services.tcp_trackers.key,
            tracker_id=place.tracker_id,
        )

    def _is_ours(self, peer: PeerAddress, response: TcpAnnounceResponse) -> bool:
        listening = self._services.listening
        assert listening is not None
        return (peer.host, peer.port) == (response.external_ip, listening.port)

    async def _say_goodbye(self, place: _Place) -> None:
        with contextlib.suppress(WebTorrentError):
            await place.announce(self._announce(place, "stopped"))

    # Waiting

    async def _wait_after(self, response: TcpAnnounceResponse) -> None:
        """As long as the tracker asks; while a download has no peers, no longer than it must."""
        loop = asyncio.get_running_loop()
        stretch = self._services.random.uniform(1.0, JITTER)
        until = loop.time() + response.interval * stretch
        least = SHORTEST_WAIT_ALONE if response.min_interval is None else response.min_interval
        await self._wait(min(least, response.interval) * stretch)
        while (left := until - loop.time()) > 0 and not self._wake.is_set():
            if self._torrent.bytes_left == 0:
                await self._wait(left)
            elif self._torrent.peer_count == 0:
                return
            else:
                await self._wait(min(left, LOOK_SECONDS))

    async def _wait(self, seconds: float) -> None:
        """So many seconds, or until there is an event to tell."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()


class _Place:
    """One tracker of the tier, and what is known of it."""

    def __init__(self, url: str, services: Services) -> None:
        self.started = False
        """It answered, and so counts us as a peer."""
        self.tracker_id = b""
        self.status = TrackerStatus(url=url, state="connecting")
        self._client: TcpTracker | None = None
        self._scrape_is_of_use = True
        try:
            if services.listening is None:
                raise EngineError("it names peers by address, which needs the transport tcp")
            self._client = services.tcp_trackers.get(url)
        except WebTorrentError as error:
            self.failed(str(error))

    @property
    def is_usable(self) -> bool:
        return self._client is not None

    async def announce(self, announce: TcpAnnounce) -> TcpAnnounceResponse:
        if self._client is None:
            raise EngineError(self.status.message)
        return await self._client.announce(announce)

    async def worked(self, response: TcpAnnounceResponse, torrent: AnnouncedTorrent) -> None:
        self.started = True
        complete, incomplete = response.complete, response.incomplete
        if complete is None and incomplete is None and self._scrape_is_of_use:
            assert self._client is not None
            try:
                counts = await self._client.scrape(torrent.info_hash)
            except WebTorrentError:
                self._scrape_is_of_use = False
            else:
                complete, incomplete = counts.complete, counts.incomplete
        self.tracker_id = response.tracker_id or self.tracker_id
        self.status = TrackerStatus(
            url=self.status.url,
            state="working",
            message=response.warning,
            seeders=complete,
            leechers=incomplete,
        )

    def failed(self, reason: str) -> None:
        self.status = TrackerStatus(url=self.status.url, state="failed", message=reason)

    def is_spared(self) -> None:
        """Another one of the tier works; one that failed goes on saying why."""
        if self.status.state != "failed":
            self.status = TrackerStatus(url=self.status.url, state="standby")
