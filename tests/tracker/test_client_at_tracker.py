"""Our tracker client at our embedded tracker: the whole introduction of two peers, and their parting."""

from __future__ import annotations

import asyncio

import pytest

from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.trackers.websocket import WebSocketTracker
from jupyter_webtorrent.protocol.announce import Event
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.ws_messages import (
    Announce,
    AnnounceResponse,
    Answer,
    Offer,
    RelayedAnswer,
    RelayedOffer,
)
from jupyter_webtorrent.tracker.server import EmbeddedTracker

HASH = InfoHash(bytes(range(128, 148)))
OFFER_ID = bytes(range(160, 180))


class Peer:
    """Announces when it is connected, answers every offer, and writes down what it hears."""

    def __init__(self, url: str, number: int, *, left: int, offers: tuple[Offer, ...] = ()) -> None:
        self.peer_id = PeerId(b"-JW0010-%012d" % number)
        self.heard: asyncio.Queue[object] = asyncio.Queue()
        self.client = WebSocketTracker(url, Policy.LOCAL)
        self._left = left
        self._offers = offers
        self.client.subscribe(HASH, self)

    def announce(self, event: Event | None) -> None:
        announce = Announce(
            info_hash=HASH,
            peer_id=self.peer_id,
            left=self._left,
            event=event,
            numwant=len(self._offers),
            offers=self._offers if event == "started" else (),
        )
        assert self.client.send(announce)

    async def hear(self) -> object:
        return await asyncio.wait_for(self.heard.get(), 5)

    async def leave(self) -> None:
        self.announce("stopped")
        self.client.unsubscribe(HASH)
        await self.client.aclose()

    def connected(self) -> None:
        self.announce("started")

    def announced(self, response: AnnounceResponse) -> None:
        self.heard.put_nowait((response.complete, response.incomplete))

    def offered(self, offer: RelayedOffer) -> None:
        assert self.client.send(
            Answer(
                info_hash=HASH,
                peer_id=self.peer_id,
                to_peer_id=offer.peer_id,
                offer_id=offer.offer_id,
                sdp=f"answer to {offer.sdp}",
            )
        )

    def answered(self, answer: RelayedAnswer) -> None:
        self.heard.put_nowait(answer)

    def failed(self, reason: str) -> None:
        self.heard.put_nowait(reason)


@pytest.mark.parametrize("room", ["", "/a%20room"])
async def test_two_peers_are_introduced_and_part(room: str) -> None:
    tracker = EmbeddedTracker()
    await tracker.start()
    url = tracker.urls[0] + room
    teacher = Peer(url, 1, left=0)
    assert await teacher.hear() == (1, 0)
    student = Peer(url, 2, left=10, offers=(Offer(OFFER_ID, "an offer"),))
    assert await student.hear() == (1, 1)
    assert await student.hear() == RelayedAnswer(
        info_hash=HASH, peer_id=teacher.peer_id, offer_id=OFFER_ID, sdp="answer to an offer"
    )
    await teacher.leave()
    student.announce(None)
    assert await student.hear() == (0, 1)
    await tracker.aclose()
    assert await student.hear() == "the tracker closed the connection (1001)"
    await student.client.aclose()


async def test_a_class_meets_at_one_tracker() -> None:
    tracker = EmbeddedTracker()
    await tracker.start()
    offers = tuple(Offer(bytes([number]) * 20, f"offer {number}") for number in range(5))
    peers = []
    for number in range(30):
        peer = Peer(tracker.urls[0], number, left=number, offers=offers)
        peers.append(peer)
        assert await peer.hear() == (1, number)
        for _ in range(min(number, 5)):
            assert isinstance(await peer.hear(), RelayedAnswer)
    for peer in peers:
        await peer.leave()
    await tracker.aclose()
