"""The embedded tracker over real sockets: what peers, and those who mean harm, get from it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from jupyter_webtorrent.protocol.announce import SwarmCounts
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.ws_messages import (
    Announce,
    AnnounceResponse,
    Answer,
    Failure,
    Offer,
    RelayedAnswer,
    RelayedOffer,
    Reply,
    Request,
    Scrape,
    ScrapeResponse,
)
from jupyter_webtorrent.protocol.ws_tracker import (
    MAX_FRAME_BYTES,
    MAX_SDP_BYTES,
    encode_request,
    parse_reply,
)
from jupyter_webtorrent.tracker import connection as connection_module
from jupyter_webtorrent.tracker import server as server_module
from jupyter_webtorrent.tracker.errors import TrackerError
from jupyter_webtorrent.tracker.server import EmbeddedTracker

HASH = InfoHash(bytes(range(200, 220)))
TEACHER = PeerId(b"-JW0010-teacher\x00\x80\xff12")
STUDENT = PeerId(b"-WW0300-student12345")
OFFER_ID = bytes(range(140, 160))
OFFER = Offer(OFFER_ID, "v=0\r\noffer\r\n")


class Peer:
    """A raw WebSocket at the tracker."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, request: Request) -> None:
        await self.socket.send_str(encode_request(request))

    async def receive(self) -> Reply:
        return parse_reply(await self.socket.receive_str(timeout=5))

    async def ask(self, request: Request) -> Reply:
        await self.send(request)
        return await self.receive()

    async def refused(self, frame: str | bytes) -> dict[str, Any]:
        """The error that answers a frame, checked to be one that real clients survive."""
        if isinstance(frame, str):
            await self.socket.send_str(frame)
        else:
            await self.socket.send_bytes(frame)
        members = json.loads(await self.socket.receive_str(timeout=5))
        assert members["action"] in ("announce", "scrape")
        assert len(members["info_hash"]) == 20
        assert members["failure reason"]
        return dict(members)


@pytest.fixture
async def tracker() -> AsyncIterator[EmbeddedTracker]:
    tracker = EmbeddedTracker()
    await tracker.start("127.0.0.1", 0)
    yield tracker
    await tracker.aclose()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def join(http: aiohttp.ClientSession, tracker: EmbeddedTracker, room: str = "") -> Peer:
    return Peer(await http.ws_connect(tracker.urls[0] + room))


def announce(peer_id: PeerId, *, left: int | None = 1, offers: int = 0) -> Announce:
    return Announce(
        info_hash=HASH, peer_id=peer_id, left=left, numwant=offers, offers=(OFFER,) * offers
    )


async def test_an_offer_and_its_answer_find_their_way(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession
) -> None:
    teacher, student = await join(http, tracker), await join(http, tracker)
    first = await teacher.ask(announce(TEACHER, left=0))
    assert first == AnnounceResponse(info_hash=HASH, interval=120, complete=1, incomplete=0)
    second = await student.ask(announce(STUDENT, left=None, offers=1))
    assert second == AnnounceResponse(info_hash=HASH, interval=120, complete=1, incomplete=1)
    assert await teacher.receive() == RelayedOffer(
        info_hash=HASH, peer_id=STUDENT, offer_id=OFFER_ID, sdp=OFFER.sdp
    )
    await teacher.send(
        Answer(info_hash=HASH, peer_id=TEACHER, to_peer_id=STUDENT, offer_id=OFFER_ID, sdp="answer")
    )
    assert await student.receive() == RelayedAnswer(
        info_hash=HASH, peer_id=TEACHER, offer_id=OFFER_ID, sdp="answer"
    )


async def test_a_scrape_counts_the_swarm(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession
) -> None:
    peer = await join(http, tracker)
    await peer.ask(announce(TEACHER, left=0))
    unknown = InfoHash(b"u" * 20)
    assert await peer.ask(Scrape((HASH, unknown))) == ScrapeResponse(
        {HASH: SwarmCounts(complete=1), unknown: SwarmCounts()}
    )


async def test_rooms_do_not_see_each_other(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession
) -> None:
    for room in ("", "/red", "/blue%20sky"):
        peer = await join(http, tracker, room)
        response = await peer.ask(announce(TEACHER, left=0))
        assert isinstance(response, AnnounceResponse)
        assert response.complete == 1


async def test_a_peer_leaves_with_its_socket(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession
) -> None:
    teacher, student = await join(http, tracker), await join(http, tracker)
    await teacher.ask(announce(TEACHER, left=0))
    await teacher.socket.close()
    async with asyncio.timeout(5):
        while await student.ask(Scrape((HASH,))) != ScrapeResponse({HASH: SwarmCounts()}):
            pass
    response = await student.ask(announce(TEACHER))
    assert response == AnnounceResponse(info_hash=HASH, interval=120, complete=0, incomplete=1)


async def test_a_spoofed_peer_id_is_refused_and_the_real_one_stays(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession
) -> None:
    teacher, thief = await join(http, tracker), await join(http, tracker)
    await teacher.ask(announce(TEACHER, left=0))
    refusal = await thief.ask(announce(TEACHER, offers=1))
    assert refusal == Failure(HASH, "this peer_id belongs to another connection")
    response = await thief.ask(announce(STUDENT, offers=1))
    assert isinstance(response, AnnounceResponse)
    assert isinstance(await teacher.receive(), RelayedOffer)


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "null",
        "[]",
        "{",
        '{"action":"announce"}',
        '{"action":"scrape"}',
        '{"action":{},"info_hash":[[]]}',
        b"\xff\xfe\x00",
        "[" * 100_000,
        '{"a":' * 100_000,
        encode_request(announce(TEACHER)).replace('"offers":[]', '"offers":[null]'),
        encode_request(announce(TEACHER)).replace('"offers":[]', '"offers":null'),
        encode_request(announce(TEACHER)).replace("-JW0010-", "\u20ac" * 8),
        encode_request(announce(TEACHER, offers=1)).replace("v=0", "x" * MAX_SDP_BYTES),
    ],
    ids=range(14),
)
async def test_a_bad_frame_gets_an_error_and_the_socket_stays(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession, frame: str | bytes
) -> None:
    peer = await join(http, tracker)
    await peer.refused(frame)
    assert isinstance(await peer.ask(announce(TEACHER)), AnnounceResponse)


async def test_an_error_names_the_torrent_it_is_about(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession
) -> None:
    peer = await join(http, tracker)
    frame = encode_request(announce(TEACHER)).replace('"offers":[]', '"offers":[null]')
    members = await peer.refused(frame)
    assert members["info_hash"].encode("latin-1") == HASH.digest


async def test_thousands_of_bad_frames_cost_an_honest_peer_nothing(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession
) -> None:
    null_offer = encode_request(announce(STUDENT)).replace('"offers":[]', '"offers":[null]')
    frames = [null_offer, "[" * 2_000, '{"action":"announce"}', "\x00"]
    flooders = [await join(http, tracker) for _ in range(3)]

    async def flood(peer: Peer) -> None:
        for number in range(1000):
            await peer.socket.send_str(frames[number % len(frames)])

    async with asyncio.TaskGroup() as tasks:
        for flooder in flooders:
            tasks.create_task(flood(flooder))
        honest = await join(http, tracker)
        assert isinstance(await honest.ask(announce(TEACHER)), AnnounceResponse)
    for flooder in flooders:
        for _ in range(1000):
            assert isinstance(await flooder.receive(), Failure)
    assert isinstance(await honest.ask(announce(TEACHER)), AnnounceResponse)


async def test_a_socket_over_its_budget_is_read_slowly_and_the_others_are_not(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_webtorrent.protocol.message_budget.MESSAGE_BURST", 2.0)
    flooder, honest = await join(http, tracker), await join(http, tracker)
    loop = asyncio.get_running_loop()
    start = loop.time()
    for _ in range(6):
        await flooder.send(announce(STUDENT))
    assert isinstance(await honest.ask(announce(TEACHER)), AnnounceResponse)
    honest_time = loop.time() - start
    for _ in range(6):
        await flooder.receive()
    # Two at once, the third 1/20 s later than its own burst allows, and so on.
    assert loop.time() - start >= 3 / 20
    assert honest_time < loop.time() - start


async def test_a_frame_over_a_mebibyte_closes_its_socket_only(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession
) -> None:
    big, honest = await join(http, tracker), await join(http, tracker)
    await big.refused("x" * MAX_FRAME_BYTES)
    await big.socket.send_str("x" * (MAX_FRAME_BYTES + 1))
    message = await big.socket.receive(timeout=5)
    assert message.type is aiohttp.WSMsgType.CLOSE
    assert message.data == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    assert isinstance(await honest.ask(announce(TEACHER)), AnnounceResponse)


async def test_offers_to_a_peer_that_never_reads_are_dropped(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    relay = connection_module.Connection.relay

    def watched(self: connection_module.Connection, text: str) -> None:
        relay(self, text)
        held.append(self._unsent_bytes)

    monkeypatch.setattr(connection_module.Connection, "relay", watched)
    deaf, student = await join(http, tracker), await join(http, tracker)
    await deaf.ask(announce(TEACHER, left=0))
    request = Announce(
        info_hash=HASH,
        peer_id=STUDENT,
        left=1,
        numwant=1,
        offers=(Offer(OFFER_ID, "x" * MAX_SDP_BYTES),),
    )
    # The client's reader queue stops reading its socket once it holds enough.
    for _ in range(900):
        assert isinstance(await student.ask(request), AnnounceResponse)
    assert max(held) <= connection_module.MAX_UNSENT_BYTES
    assert held[-1] > connection_module.MAX_UNSENT_BYTES - MAX_SDP_BYTES - 1000


async def test_a_peer_that_reads_none_of_its_replies_is_not_read_either_and_then_dropped(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "LOW_UNSENT_BYTES", -1)
    monkeypatch.setattr(connection_module, "STALL_TIMEOUT", 0.01)
    peer = await join(http, tracker)
    assert isinstance(await peer.ask(announce(TEACHER)), AnnounceResponse)
    assert (await peer.socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_a_silent_socket_is_closed(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "FIRST_MESSAGE_TIMEOUT", 0.01)
    silent = await join(http, tracker)
    assert (await silent.socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_a_connection_that_never_becomes_a_websocket_is_closed(
    monkeypatch: pytest.MonkeyPatch, http: aiohttp.ClientSession
) -> None:
    monkeypatch.setattr(server_module, "HANDSHAKE_TIMEOUT", 0.05)
    tracker = EmbeddedTracker()
    await tracker.start()
    peer = await join(http, tracker)
    reader, writer = await asyncio.open_connection("127.0.0.1", tracker.port)
    writer.write(b"GET /announce HTTP/1.1\r\nHost:")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert isinstance(await peer.ask(announce(TEACHER)), AnnounceResponse)
    await tracker.aclose()


async def test_connections_over_the_limit_are_hung_up_on(http: aiohttp.ClientSession) -> None:
    tracker = EmbeddedTracker(max_sockets=2)
    await tracker.start()
    peers = [await join(http, tracker) for _ in range(2)]
    with pytest.raises(aiohttp.ClientError):
        await join(http, tracker)
    assert isinstance(await peers[0].ask(announce(TEACHER)), AnnounceResponse)
    for peer in peers:
        await peer.socket.close()
    await tracker.aclose()


async def test_plain_http_gets_one_line(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession
) -> None:
    base = f"http://127.0.0.1:{tracker.port}"
    for path, status, text in [
        ("/", 200, "jupyter-webtorrent tracker"),
        ("/announce?info_hash=%ff%00", 200, "failure reason"),
        ("/announce/red", 200, "failure reason"),
        ("/scrape", 200, "a scrape names 1 to 100 info hashes, not 0"),
        ("/announce/" + "r" * 201, 404, "too long"),
        ("/elsewhere", 404, "Not Found"),
    ]:
        async with http.get(base + path) as response:
            body = await response.text()
        assert response.status == status
        assert text in body
        assert len(body.splitlines()) == 1


async def test_bytes_that_are_not_http_do_no_harm_and_fill_no_log(
    tracker: EmbeddedTracker, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    for junk in (
        b"GET /announce?\x00\xff HTTP/1.1\r\n\r\n",
        b"GET /%zz HTTP/9\r\n\r\n",
        b"\x13BitTorrent protocol" + bytes(48),
        b"\x16\x03\x01\x00",
        b"\r\n" * 5000,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", tracker.port)
        writer.write(junk)
        writer.write_eof()
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
    peer = await join(http, tracker)
    assert isinstance(await peer.ask(announce(TEACHER)), AnnounceResponse)
    assert caplog.messages == []


async def test_closing_tells_every_peer_and_frees_the_port(http: aiohttp.ClientSession) -> None:
    tracker = EmbeddedTracker()
    await tracker.start()
    peers = [await join(http, tracker) for _ in range(3)]
    closing = asyncio.create_task(tracker.aclose())
    for peer in peers:
        message = await peer.socket.receive(timeout=5)
        assert message.data == aiohttp.WSCloseCode.GOING_AWAY
    await closing
    await tracker.aclose()
    again = EmbeddedTracker()
    await again.start("127.0.0.1", tracker.port)
    await again.aclose()


async def test_closing_does_not_wait_for_a_peer_that_says_no_goodbye(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection_module, "CLOSE_TIMEOUT", 0.05)
    tracker = EmbeddedTracker()
    await tracker.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", tracker.port)
    writer.write(
        b"GET /announce HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    )
    assert b"101" in await reader.readline()
    async with asyncio.timeout(5):
        await tracker.aclose()
    writer.close()


async def test_a_port_in_use_is_one_plain_line(tracker: EmbeddedTracker) -> None:
    second = EmbeddedTracker()
    with pytest.raises(TrackerError, match=rf"cannot listen on 127\.0\.0\.1:{tracker.port}: \w+"):
        await second.start("127.0.0.1", tracker.port)
    await second.aclose()


async def test_a_name_that_does_not_resolve_is_one_plain_line() -> None:
    with pytest.raises(TrackerError, match="the name does not resolve"):
        await EmbeddedTracker().start("no..such..name", 0)


async def test_every_interface_has_one_port_and_a_url_for_this_machine(
    http: aiohttp.ClientSession,
) -> None:
    for host in ("", "0.0.0.0"):
        tracker = EmbeddedTracker()
        await tracker.start(host, 0)
        assert tracker.urls[-1] == f"ws://127.0.0.1:{tracker.port}/announce"
        async with http.ws_connect(tracker.urls[-1]) as socket:
            assert isinstance(await Peer(socket).ask(announce(TEACHER)), AnnounceResponse)
        await tracker.aclose()


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert server_module.announced_hosts("::1") == ["[::1]"]


def test_a_machine_without_a_network_still_has_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "outward_address", lambda: None)
    assert server_module.announced_hosts("") == ["127.0.0.1"]


async def test_a_tracker_starts_once(tracker: EmbeddedTracker) -> None:
    with pytest.raises(RuntimeError):
        await tracker.start()
