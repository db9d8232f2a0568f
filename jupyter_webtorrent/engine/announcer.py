"""One torrent at one WebSocket tracker: when to announce, and how many offers to make.

An announce asks first who is there; offers, each a WebRTC connection in waiting, are made only for peers
that the tracker counted.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from jupyter_webtorrent.engine.negotiation import Negotiator
from jupyter_webtorrent.engine.services import Services
from jupyter_webtorrent.net.trackers.backoff import Backoff
from jupyter_webtorrent.protocol.announce import Event
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.urls import is_local
from jupyter_webtorrent.protocol.ws_messages import (
    Announce,
    AnnounceResponse,
    Answer,
    Offer,
    RelayedAnswer,
    RelayedOffer,
)
from jupyter_webtorrent.schema.transfers import TrackerStatus

MAX_OFFERS_AT_ONCE = 5
LONGEST_WAIT_ALONE = 30.0
"""Seconds between announces while no peer is connected, whatever the tracker says."""
LONGEST_WAIT = 600.0


class AnnouncedTorrent(Protocol):
    """The torrent, as far as its announcer knows it."""

    info_hash: InfoHash

    @property
    def bytes_left(self) -> int | None: ...

    @property
    def bytes_down(self) -> int: ...

    @property
    def bytes_up(self) -> int: ...

    @property
    def wanted_peers(self) -> int:
        """How many more connections it has room and use for."""

    def is_connected_to(self, peer_id: PeerId) -> bool: ...

    @property
    def peer_count(self) -> int: ...


class TrackerAnnouncer:
    """Implements `TrackerListener`.

    Raises WebTorrentError when made, if the tracker is one we cannot announce to.
    """

    def __init__(
        self, url: str, torrent: AnnouncedTorrent, negotiator: Negotiator, services: Services
    ) -> None:
        self.url = url
        self._torrent = torrent
        self._negotiator = negotiator
        self._services = services
        self._client = services.tracker(url)
        self._status = TrackerStatus(url=url, state="connecting")
        self._backoff = Backoff(services.random)
        self._timer: asyncio.TimerHandle | None = None
        self._offering: asyncio.Task[None] | None = None
        self._webrtc = "webrtc" in services.config.transports
        self._is_local = is_local(url)
        self._may_offer = False
        """Offers follow an announce in its turn, not the reply that offers themselves bring."""

    def start(self) -> None:
        self._client.subscribe(self._torrent.info_hash, self)

    def completed(self) -> None:
        """The download is complete: tell the tracker once (BEP 3)."""
        self._announce("completed")

    async def aclose(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._offering is not None:
            self._offering.cancel()
            await asyncio.gather(self._offering, return_exceptions=True)
        self._announce("stopped")
        self._client.unsubscribe(self._torrent.info_hash)

    @property
    def statuses(self) -> list[TrackerStatus]:
        return [self._status]

    # TrackerListener

    def connected(self) -> None:
        self._may_offer = True
        self._announce("started")
        self._announce_in(LONGEST_WAIT)  # should no reply come

    def announced(self, response: AnnounceResponse) -> None:
        self._backoff.reset()
        self._status = TrackerStatus(
            url=self.url,
            state="working",
            message=response.warning,
            seeders=response.complete,
            leechers=response.incomplete,
        )
        wait = min(response.interval, LONGEST_WAIT)
        if not self._torrent.peer_count:
            wait = min(wait, LONGEST_WAIT_ALONE)
        self._announce_in(wait * self._services.random.uniform(0.9, 1.1))
        self._make_offers()

    def offered(self, offer: RelayedOffer) -> None:
        if (
            not self._webrtc
            or offer.peer_id == self._services.peer_id
            or self._torrent.wanted_peers <= 0
            or self._torrent.is_connected_to(offer.peer_id)
        ):
            return

        def reply(sdp: str) -> bool:
            return self._client.send(
                Answer(
                    info_hash=self._torrent.info_hash,
                    peer_id=self._services.peer_id,
                    to_peer_id=offer.peer_id,
                    offer_id=offer.offer_id,
                    sdp=sdp,
                )
            )

        self._negotiator.offered(offer, reply, local=self._is_local)

    def answered(self, answer: RelayedAnswer) -> None:
        self._negotiator.answered(answer)

    def failed(self, reason: str) -> None:
        self._status = TrackerStatus(url=self.url, state="failed", message=reason)
        self._announce_in(self._backoff.next())  # for a refusal; a lost socket's client reconnects

    # Announcing

    def _others(self, complete: int | None, incomplete: int | None) -> int:
        """How many peers there are that can be of use: for a seed those that download."""
        if complete is None or incomplete is None:
            return 1
        if self._torrent.bytes_left == 0:
            return incomplete
        return complete + incomplete - 1

    def _useful_offers(self) -> int:
        """How many offers may each bring a peer that we have not."""
        others = self._others(self._status.seeders, self._status.leechers)
        return min(others - self._torrent.peer_count, self._torrent.wanted_peers)

    def _make_offers(self) -> None:
        count = self._useful_offers()
        busy = self._offering is not None and not self._offering.done()
        if self._webrtc and self._may_offer and count > 0 and not busy:
            self._may_offer = False
            work = self._offer(min(count, MAX_OFFERS_AT_ONCE))
            self._offering = asyncio.get_running_loop().create_task(work)

    async def _offer(self, count: int) -> None:
        for _ in range(count):
            await self._negotiator.offer(
                lambda offer: self._announce(None, (offer,)),
                self.url,
                wanted=lambda: self._useful_offers() > 0,
                local=self._is_local,
            )

    def _announce(self, event: Event | None, offers: tuple[Offer, ...] = ()) -> bool:
        torrent = self._torrent
        return self._client.send(
            Announce(
                info_hash=torrent.info_hash,
                peer_id=self._services.peer_id,
                uploaded=torrent.bytes_up,
                downloaded=torrent.bytes_down,
                left=torrent.bytes_left,
                event=event,
                numwant=len(offers),
                offers=offers,
            )
        )

    def _announce_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._announce_again)

    def _announce_again(self) -> None:
        self._may_offer = True
        self._announce(None)
        self._announce_in(LONGEST_WAIT)  # should no reply come
