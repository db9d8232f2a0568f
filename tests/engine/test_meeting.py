"""How peers come together: announces, two channels to one peer, and torrents that are on their way out."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.connections import Connections
from jupyter_webtorrent.engine.errors import FetchFailedError
from jupyter_webtorrent.engine.peer_connection import MAX_UNSENT_BYTES
from jupyter_webtorrent.engine.peering import Peering
from jupyter_webtorrent.engine.services import MAX_NEGOTIATIONS
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.memory import Link, MemoryTransport
from jupyter_webtorrent.net.trackers.websocket import TrackerListener
from jupyter_webtorrent.net.webrtc import WebRtcConnection
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.messages import Request
from jupyter_webtorrent.protocol.ws_messages import Announce, AnnounceResponse, Answer
from jupyter_webtorrent.schema.transfers import ShareRequest
from jupyter_webtorrent.storage.errors import UnsafePathError
from jupyter_webtorrent.storage.store import PieceStore
from tests.engine.classroom import Classroom, all_done, classroom, digest, until, write_random
from tests.engine.test_trouble import meet

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]


class ForgetfulTracker:
    """Answers the first announce, and loses the next."""

    policy = Policy.NAMED

    def __init__(self) -> None:
        self.announced_at: list[float] = []
        self._listener: TrackerListener | None = None

    def subscribe(self, info_hash: InfoHash, listener: TrackerListener) -> None:
        self._listener = listener
        asyncio.get_running_loop().call_soon(listener.connected)

    def unsubscribe(self, info_hash: InfoHash) -> None:
        self._listener = None

    def send(self, message: Announce | Answer) -> bool:
        loop = asyncio.get_running_loop()
        self.announced_at.append(loop.time())
        if len(self.announced_at) == 1 and self._listener is not None:
            reply = AnnounceResponse(info_hash=message.info_hash, complete=1, incomplete=0)
            loop.call_soon(self._listener.announced, reply)
        return True

    async def aclose(self) -> None:
        pass


async def test_an_announce_without_a_reply_is_not_the_last(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        tracker = ForgetfulTracker()
        teacher.session._services.new_tracker = lambda url, policy: tracker
        await teacher.session.share(
            ShareRequest(paths=[str(data)], trackers=["ws://127.0.0.1/announce"])
        )
        await asyncio.sleep(2 * 3600)
        assert 10 <= len(tracker.announced_at) <= 20  # every ten minutes


class AnsweringTracker(ForgetfulTracker):
    """Says at every announce that there is one more peer; keeps the offers."""

    def __init__(self) -> None:
        super().__init__()
        self.offers: list[float] = []

    def send(self, message: Announce | Answer) -> bool:
        loop = asyncio.get_running_loop()
        assert isinstance(message, Announce)
        self.offers += [loop.time()] * len(message.offers)
        if self._listener is not None and not message.offers:
            reply = AnnounceResponse(
                info_hash=message.info_hash, interval=600, complete=1, incomplete=1
            )
            loop.call_soon(self._listener.announced, reply)
        return True


async def test_an_offer_that_finds_no_free_slot_has_its_turn_when_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Connection:
        sdp = "an offer"

        async def aclose(self) -> None:
            pass

    async def offer(*_: object) -> Connection:
        return Connection()

    monkeypatch.setattr(WebRtcConnection, "offer", offer)
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        services = teacher.session._services
        tracker = AnsweringTracker()
        services.new_tracker = lambda url, policy: tracker
        for _ in range(MAX_NEGOTIATIONS):
            await services.offers.acquire()
        await teacher.session.share(
            ShareRequest(paths=[str(data)], trackers=["ws://127.0.0.1/announce"])
        )
        await asyncio.sleep(20)
        assert tracker.offers == []
        services.offers.release()
        await asyncio.sleep(1)
        assert len(tracker.offers) == 1
        # The slot is taken until nobody answers. Who then needs no peer any more makes no offer and keeps no slot.
        await asyncio.sleep(60)
        assert len(tracker.offers) == 2
        monkeypatch.setattr(Peering, "wanted_peers", 0)
        await asyncio.sleep(120)
        assert len(tracker.offers) == 2
        assert not services.offers.locked()


def channels(room: Classroom) -> tuple[MemoryTransport, MemoryTransport]:
    """Two ends of what passes for a data channel."""
    near, far = MemoryTransport(room.network, "far"), MemoryTransport(room.network, "near")
    near.peer, far.peer = far, near
    near.kind = far.kind = "webrtc"
    return near, far


async def test_of_two_channels_to_one_peer_both_sides_keep_the_same(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 5_000_000)
    async with classroom(tmp_path, Link(latency=0.02, rate=1e6)) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, ["nowhere:1"])
        await asyncio.sleep(1)
        (near_1, far_1), (near_2, far_2) = channels(room), channels(room)
        # Each side hears of the two in another order.
        shared.peering._channel_opened(near_1, True, b"one")
        fetched.peering._channel_opened(far_2, False, b"two")
        shared.peering._channel_opened(near_2, True, b"two")
        fetched.peering._channel_opened(far_1, False, b"one")
        await asyncio.sleep(1)
        (kept,) = [connection for _, connection in shared.peering.connections.shaken()]
        (its_end,) = [connection for _, connection in fetched.peering.connections.shaken()]
        assert kept.transport is near_2
        assert its_end.transport is far_2


async def test_a_peer_that_never_reads_is_hung_up_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        stranger = await meet(room, teacher.address)
        stranger.transport.write(Handshake(shared.info_hash, PeerId(b"s" * 20)).encode())
        await until(lambda: len(shared.swarm.peers) == 1)
        monkeypatch.setattr(MemoryTransport, "unsent", property(lambda _: MAX_UNSENT_BYTES + 1))
        stranger.transport.write(Request(0, 0, 1000).encode())  # choked: the answer is a Reject
        await stranger.ended()
        assert not shared.swarm.peers


async def test_a_peer_that_comes_while_a_torrent_goes_is_turned_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        make_closing_slow(monkeypatch)
        removing = asyncio.create_task(teacher.session.remove(shared.info_hash))
        await asyncio.sleep(0.2)
        stranger = await meet(room, teacher.address)
        stranger.transport.write(Handshake(shared.info_hash, PeerId(b"s" * 20)).encode())
        await removing
        await stranger.ended()
        assert teacher.session._services.open_connections == 0


async def test_a_failed_fetch_can_be_tried_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_random(tmp_path / "data.csv", 1_000_000)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        make_closing_slow(monkeypatch)
        with monkeypatch.context() as broken:
            broken.setattr(PieceStore, "write_piece", a_link_is_in_the_way)
            fetched = await student.fetch(shared, [teacher.address])
            with pytest.raises(FetchFailedError, match="a link is in the way"):
                await fetched.arrival.wait()
        again = await student.fetch(shared, [teacher.address])  # the first one is still closing
        await all_done([again], 60)
        assert digest(student.folder / "data.csv") == digest(data)


def a_link_is_in_the_way(store: PieceStore, index: int, piece: bytes) -> bool:
    raise UnsafePathError("data.csv: a link is in the way")


def make_closing_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a WebRTC connection may be."""
    aclose = Connections.aclose

    async def slowly(connections: Connections) -> None:
        await aclose(connections)
        await asyncio.sleep(1)

    monkeypatch.setattr(Connections, "aclose", slowly)


async def test_a_peer_that_was_not_there_yet_is_dialled_again_soon(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 100_000)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        address = teacher.address
        room.network.unplug("teacher")
        fetched = await student.fetch(shared, [address])
        await asyncio.sleep(1)
        room.network.plug("teacher")
        await all_done([fetched], 10)
