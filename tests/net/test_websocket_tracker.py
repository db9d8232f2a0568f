"""The WebSocket tracker client, against a tracker under the test's control."""

from __future__ import annotations

import asyncio
import errno
import logging
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp
import pytest
from aiohttp import web

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.trackers import websocket as websocket_module
from jupyter_webtorrent.net.trackers.websocket import WebSocketTracker
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
    TrackerWarning,
)
from jupyter_webtorrent.protocol.ws_tracker import (
    MAX_FRAME_BYTES,
    MAX_SDP_BYTES,
    encode_reply,
    parse_request,
)

HASH = InfoHash(bytes(range(200, 220)))
OTHER_HASH = InfoHash(b"o" * 20)
US = PeerId(b"-JW0010-\x00\x80\xff123456789")
THEM = PeerId(b"-WW0300-abcdefghijkl")
OFFER_ID = bytes(range(140, 160))

STARTED = Announce(info_hash=HASH, peer_id=US, left=5, event="started")
STOPPED = Announce(info_hash=HASH, peer_id=US, left=5, event="stopped")
RESPONSE = AnnounceResponse(info_hash=HASH, interval=120, complete=1, incomplete=2)
RELAYED_OFFER = RelayedOffer(info_hash=HASH, peer_id=THEM, offer_id=OFFER_ID, sdp="offer")
RELAYED_ANSWER = RelayedAnswer(info_hash=HASH, peer_id=THEM, offer_id=OFFER_ID, sdp="answer")

Item = TypeVar("Item")


class Impatient(random.Random):
    """Every delay is none, whatever the least it might have been."""

    def __init__(self) -> None:
        super().__init__(0)
        self.least: list[float] = []

    def uniform(self, a: float, b: float) -> float:
        self.least.append(a)
        return 0.0


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[object] = asyncio.Queue()

    def connected(self) -> None:
        self.heard.put_nowait("connected")

    def announced(self, response: AnnounceResponse) -> None:
        self.heard.put_nowait(response)

    def offered(self, offer: RelayedOffer) -> None:
        self.heard.put_nowait(offer)

    def answered(self, answer: RelayedAnswer) -> None:
        self.heard.put_nowait(answer)

    def failed(self, reason: str) -> None:
        self.heard.put_nowait(reason)

    async def next(self) -> object:
        return await soon(self.heard)


class FakeTracker:
    """A WebSocket server that does nothing by itself."""

    def __init__(self) -> None:
        self.sockets: asyncio.Queue[ServerSocket] = asyncio.Queue()
        self.url = ""
        self.handshakes: list[web.Request] = []
        self.answer: Callable[[], web.Response] | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.handshakes.append(request)
        if self.answer is not None:
            return self.answer()
        websocket = web.WebSocketResponse(timeout=0.1, max_msg_size=0)
        await websocket.prepare(request)
        socket = ServerSocket(websocket)
        self.sockets.put_nowait(socket)
        await socket.pump()
        return websocket

    async def accept(self) -> ServerSocket:
        return await soon(self.sockets)


class ServerSocket:
    def __init__(self, websocket: web.WebSocketResponse) -> None:
        self.websocket = websocket
        self.requests: asyncio.Queue[Request | None] = asyncio.Queue()

    async def pump(self) -> None:
        async for message in self.websocket:
            self.requests.put_nowait(parse_request(message.data))
        self.requests.put_nowait(None)

    async def send(self, *replies: Reply) -> None:
        for reply in replies:
            await self.websocket.send_str(encode_reply(reply))

    async def next(self) -> Request | None:
        """The next request; None once the client has closed the socket."""
        return await soon(self.requests)


async def soon(queue: asyncio.Queue[Item]) -> Item:
    return await asyncio.wait_for(queue.get(), 5)


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], port: int = 0
) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[FakeTracker]:
    fake = FakeTracker()
    async with serving(fake.handle) as port:
        fake.url = f"ws://127.0.0.1:{port}/announce"
        yield fake


@pytest.fixture
async def client(server: FakeTracker) -> AsyncIterator[WebSocketTracker]:
    client = WebSocketTracker(server.url, Policy.LOCAL, rng=Impatient())
    yield client
    await client.aclose()


async def connect(client: WebSocketTracker, server: FakeTracker) -> tuple[Listener, ServerSocket]:
    listener = Listener()
    client.subscribe(HASH, listener)
    socket = await server.accept()
    assert await listener.next() == "connected"
    return listener, socket


async def first_failure(url: str) -> object:
    client = WebSocketTracker(url, Policy.NAMED)
    listener = Listener()
    client.subscribe(HASH, listener)
    reason = await listener.next()
    await client.aclose()
    return reason


async def test_nothing_is_opened_before_the_first_torrent(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    assert not client.send(STARTED)
    client.unsubscribe(HASH)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not server.handshakes


async def test_each_kind_of_reply_reaches_its_listener(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    listener, socket = await connect(client, server)
    failure = Failure(HASH, "not allowed")
    await socket.send(RESPONSE, RELAYED_OFFER, RELAYED_ANSWER, failure)
    assert [await listener.next() for _ in range(4)] == [
        RESPONSE,
        RELAYED_OFFER,
        RELAYED_ANSWER,
        "the tracker refused: not allowed",
    ]


async def test_requests_arrive_in_order_and_as_they_were(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    _, socket = await connect(client, server)
    answer = Answer(info_hash=HASH, peer_id=US, to_peer_id=THEM, offer_id=OFFER_ID, sdp="v=0\r\n")
    for request in (STARTED, answer, Scrape((HASH,)), STOPPED):
        assert client.send(request)
    assert [await socket.next() for _ in range(4)] == [STARTED, answer, Scrape((HASH,)), STOPPED]


async def test_torrents_share_one_socket_and_hear_only_their_own(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    first, socket = await connect(client, server)
    second = Listener()
    client.subscribe(OTHER_HASH, second)
    assert await second.next() == "connected"
    theirs = AnnounceResponse(info_hash=OTHER_HASH, interval=30)
    strangers = AnnounceResponse(info_hash=InfoHash(b"s" * 20))
    await socket.send(strangers, theirs, RESPONSE)
    assert await first.next() == RESPONSE
    assert await second.next() == theirs
    assert len(server.handshakes) == 1


async def test_a_failure_that_names_no_torrent_is_told_to_all(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    first, socket = await connect(client, server)
    second = Listener()
    client.subscribe(OTHER_HASH, second)
    assert await second.next() == "connected"
    await socket.send(Failure(None, "go away"))
    for listener in (first, second):
        assert await listener.next() == "the tracker refused: go away"


async def test_a_listener_is_not_called_before_subscribe_returns(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    await connect(client, server)
    second = Listener()
    client.subscribe(OTHER_HASH, second)
    assert second.heard.empty()
    client.unsubscribe(OTHER_HASH)
    third = Listener()
    client.subscribe(OTHER_HASH, third)
    assert await third.next() == "connected"
    assert second.heard.empty()


async def test_the_last_messages_leave_before_the_socket_closes(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    _, socket = await connect(client, server)
    assert client.send(STOPPED)
    client.unsubscribe(HASH)
    assert await socket.next() == STOPPED
    assert await socket.next() is None


async def test_closing_lets_the_last_messages_leave_and_ends_every_task(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    before = asyncio.all_tasks()
    _, socket = await connect(client, server)
    assert client.send(STOPPED)
    await client.aclose()
    assert await socket.next() == STOPPED
    assert await socket.next() is None
    assert not {task for task in asyncio.all_tasks() - before if "tracker" in task.get_name()}
    await client.aclose()
    with pytest.raises(RuntimeError):
        client.subscribe(HASH, Listener())


@pytest.mark.parametrize("turns", range(12))
async def test_a_torrent_added_while_the_socket_closes_gets_a_new_one(
    client: WebSocketTracker, server: FakeTracker, turns: int
) -> None:
    _, socket = await connect(client, server)
    client.unsubscribe(HASH)
    for _ in range(turns):
        await asyncio.sleep(0)
    listener = Listener()
    client.subscribe(OTHER_HASH, listener)
    assert await listener.next() == "connected"
    assert client.send(Scrape((OTHER_HASH,)))
    if turns:
        assert await socket.next() is None
        socket = await server.accept()
    assert await socket.next() == Scrape((OTHER_HASH,))


async def test_a_lost_connection_is_told_and_made_again(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    listener, socket = await connect(client, server)
    await socket.websocket.close(code=1012)
    assert await listener.next() == "the tracker closed the connection (1012)"
    await server.accept()
    assert await listener.next() == "connected"
    assert client.send(STARTED)


async def test_a_connection_that_just_breaks_is_told_too(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    listener, _ = await connect(client, server)
    transport = server.handshakes[0].transport
    assert transport is not None
    transport.close()
    assert await listener.next() == "the connection was lost"
    assert await listener.next() == "connected"


async def test_a_tracker_that_starts_late_is_found() -> None:
    fake = FakeTracker()
    async with serving(fake.handle) as port:
        pass
    client = WebSocketTracker(f"ws://127.0.0.1:{port}/announce", Policy.LOCAL, rng=Impatient())
    listener = Listener()
    client.subscribe(HASH, listener)
    assert await listener.next() == "connection refused"
    async with serving(fake.handle, port):
        await fake.accept()
        async with asyncio.timeout(5):
            while await listener.next() != "connected":
                pass
        await client.aclose()


async def test_a_torrent_added_during_a_long_wait_is_not_kept_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket_module, "FIRST_RETRY", 0.0)
    fake = FakeTracker()
    async with serving(fake.handle) as port:
        pass
    client = WebSocketTracker(f"ws://127.0.0.1:{port}/announce", Policy.LOCAL)
    first, second = Listener(), Listener()
    client.subscribe(HASH, first)
    assert await first.next() == "connection refused"
    client.subscribe(OTHER_HASH, second)
    assert await second.next() == "connection refused"
    client.unsubscribe(HASH)
    client.unsubscribe(OTHER_HASH)
    await client.aclose()


async def test_the_last_torrent_to_leave_ends_a_wait() -> None:
    async with serving(FakeTracker().handle) as port:
        pass
    before = asyncio.all_tasks()
    client = WebSocketTracker(f"ws://127.0.0.1:{port}/announce", Policy.LOCAL)
    first, second = Listener(), Listener()
    client.subscribe(HASH, first)
    client.subscribe(OTHER_HASH, second)
    work = asyncio.all_tasks() - before
    assert await second.next() == "connection refused"
    for info_hash in (HASH, OTHER_HASH):
        client.unsubscribe(info_hash)
        await asyncio.sleep(0)
    await asyncio.wait(work, timeout=5)
    assert all(task.done() for task in work)


@pytest.mark.parametrize(("seconds_that_prove_it", "least"), [(0.0, [1, 1]), (60.0, [1, 10])])
async def test_only_a_tracker_that_worked_for_a_while_is_retried_quickly_again(
    server: FakeTracker,
    monkeypatch: pytest.MonkeyPatch,
    seconds_that_prove_it: float,
    least: list[float],
) -> None:
    monkeypatch.setattr(websocket_module, "SHORTEST", seconds_that_prove_it)
    rng = Impatient()
    client = WebSocketTracker(server.url, Policy.LOCAL, rng=rng)
    listener = Listener()
    client.subscribe(HASH, listener)
    for _ in range(2):
        socket = await server.accept()
        assert await listener.next() == "connected"
        await socket.send(RESPONSE)
        assert await listener.next() == RESPONSE
        await socket.websocket.close()
        assert await listener.next() == "the tracker closed the connection (1000)"
    assert rng.least == least
    await client.aclose()


async def test_a_message_that_cannot_be_written_ends_the_connection(
    client: WebSocketTracker, server: FakeTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: aiohttp.ClientWebSocketResponse, _text: str) -> None:
        raise ConnectionResetError

    listener, _ = await connect(client, server)
    monkeypatch.setattr(aiohttp.ClientWebSocketResponse, "send_str", broken)
    assert client.send(STARTED)
    assert await listener.next() == "the connection was lost"
    assert await listener.next() == "connected"


async def test_closing_cuts_an_attempt_to_connect_short() -> None:
    async def never(_request: web.Request) -> web.StreamResponse:
        attempted.set()
        await closed.wait()
        return web.Response()

    attempted, closed = asyncio.Event(), asyncio.Event()
    async with serving(never) as port:
        client = WebSocketTracker(f"ws://127.0.0.1:{port}/announce", Policy.LOCAL)
        client.subscribe(HASH, Listener())
        await asyncio.wait_for(attempted.wait(), 5)
        async with asyncio.timeout(websocket_module.CLOSE_TIMEOUT):
            await client.aclose()
        closed.set()


async def test_a_tracker_that_never_answers_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket_module, "CONNECT_TIMEOUT", 0.05)

    async def wait_for_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    ended = asyncio.Event()
    async with await asyncio.start_server(wait_for_the_end, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await first_failure(f"ws://127.0.0.1:{port}/announce") == "no answer within 0 s"
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_tracker_that_stops_answering_is_noticed(
    monkeypatch: pytest.MonkeyPatch, client: WebSocketTracker
) -> None:
    monkeypatch.setattr(websocket_module, "HEARTBEAT", 0.05)

    async def deaf(request: web.Request) -> web.StreamResponse:
        websocket = web.WebSocketResponse(autoping=False, timeout=0.1)
        await websocket.prepare(request)
        async for _ in websocket:
            pass
        return websocket

    async with serving(deaf) as port:
        client = WebSocketTracker(f"ws://127.0.0.1:{port}/announce", Policy.LOCAL)
        listener = Listener()
        client.subscribe(HASH, listener)
        assert await listener.next() == "connected"
        assert await listener.next() == "it stopped answering"
        await client.aclose()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda: web.Response(status=403), "it answered HTTP 403, not a WebSocket"),
        (lambda: web.Response(text="hello"), "it answered HTTP 200, not a WebSocket"),
        (
            lambda: web.Response(status=302, headers={"Location": "http://192.0.2.1/"}),
            "it answered HTTP 302, not a WebSocket",
        ),
    ],
)
async def test_a_server_that_is_no_tracker_is_named_as_such(
    server: FakeTracker, answer: Callable[[], web.Response], reason: str
) -> None:
    server.answer = answer
    assert await first_failure(server.url) == reason


async def test_a_server_that_hangs_up_or_speaks_no_http_is_named_as_such() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x13BitTorrent protocol\r\n\r\n")
        writer.close()

    for behaviour, reason in [
        (hang_up, "it closed the connection before it answered"),
        (babble, "it does not speak WebSocket"),
    ]:
        async with await asyncio.start_server(behaviour, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            assert await first_failure(f"ws://127.0.0.1:{port}/") == reason


async def test_tls_that_is_none_is_named_as_such(server: FakeTracker) -> None:
    reason = await first_failure(server.url.replace("ws://", "wss://"))
    assert str(reason).startswith("TLS failed: ")


async def test_a_name_that_does_not_resolve_is_named_as_such() -> None:
    reason = await first_failure("ws://no-such-host.invalid/announce")
    assert reason == "the name no-such-host.invalid does not resolve"


def test_every_other_failure_to_connect_has_a_plain_line_too() -> None:
    certificate = ssl.SSLCertVerificationError(1, "certificate verify failed")
    certificate.verify_message = "self-signed certificate"
    key = aiohttp.client_reqrep.ConnectionKey("h", 443, True, True, None, None, None)
    failures: list[tuple[Exception, str]] = [
        (
            aiohttp.ClientConnectorCertificateError(key, certificate),
            "its TLS certificate is not valid: self-signed certificate",
        ),
        (OSError(None, "Multiple exceptions: [Errno 111] Connection refused"), "refused"),
        (OSError("something odd"), "it cannot be reached"),
        (OSError(113, "No route to host"), "route"),
        (ConnectionResetError(errno.ECONNRESET, ""), "closed the connection before it answered"),
        (ValueError("odd"), "it does not speak WebSocket"),
    ]
    for error, reason in failures:
        assert reason in websocket_module.why_not_connected(error)


async def test_bad_messages_are_ignored_until_they_never_end(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    listener, socket = await connect(client, server)
    for _ in range(3):
        for junk in ("", "null", '{"action":"announce","info_hash":null}', "[" * 50_000):
            await socket.websocket.send_str(junk)
        await socket.websocket.send_bytes(b"\xff")
        await socket.send(RESPONSE)
        assert await listener.next() == RESPONSE
    for _ in range(websocket_module.MAX_BAD_MESSAGES):
        await socket.websocket.send_str("{}")
    assert str(await listener.next()).startswith("its messages cannot be read: ")


async def test_a_frame_over_a_mebibyte_ends_the_connection(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    listener, socket = await connect(client, server)
    await socket.websocket.send_str("x" * (MAX_FRAME_BYTES + 1))
    assert await listener.next() == "it broke the WebSocket protocol (1009)"


async def test_a_tracker_over_its_budget_is_read_slowly(
    client: WebSocketTracker, server: FakeTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_webtorrent.protocol.message_budget.MESSAGE_BURST", 2.0)
    listener, socket = await connect(client, server)
    loop = asyncio.get_running_loop()
    start = loop.time()
    await socket.send(*[RESPONSE] * 6)
    for _ in range(6):
        assert await listener.next() == RESPONSE
    assert loop.time() - start >= 3 / 20


async def test_warnings_and_scrapes_are_logged_and_trouble_nobody(
    client: WebSocketTracker, server: FakeTracker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger=websocket_module.__name__)
    listener, socket = await connect(client, server)
    scraped = ScrapeResponse({HASH: SwarmCounts(complete=7)})
    await socket.send(TrackerWarning(HASH, "closing soon"), scraped, RESPONSE)
    assert await listener.next() == RESPONSE
    assert "closing soon" in caplog.text
    assert "complete=7" in caplog.text


async def test_a_listener_with_a_bug_costs_the_others_nothing(
    client: WebSocketTracker, server: FakeTracker, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Listener):
        def connected(self) -> None:
            raise ZeroDivisionError

    listener, socket = await connect(client, server)
    client.subscribe(OTHER_HASH, Broken())
    await socket.send(RESPONSE)
    assert await listener.next() == RESPONSE
    assert "ZeroDivisionError" in caplog.text


async def test_a_message_over_a_limit_is_not_sent(
    client: WebSocketTracker, server: FakeTracker, caplog: pytest.LogCaptureFixture
) -> None:
    _, socket = await connect(client, server)
    big = Offer(OFFER_ID, "x" * (MAX_SDP_BYTES + 1))
    assert not client.send(Announce(info_hash=HASH, peer_id=US, numwant=1, offers=(big,)))
    assert "16384" in caplog.text
    assert client.send(STARTED)
    assert await socket.next() == STARTED


async def test_what_a_deaf_tracker_is_owed_is_bounded(
    client: WebSocketTracker, server: FakeTracker
) -> None:
    await connect(client, server)
    offers = tuple(Offer(bytes([n]) * 20, "x" * MAX_SDP_BYTES) for n in range(10))
    request = Announce(info_hash=HASH, peer_id=US, numwant=10, offers=offers)
    taken = [client.send(request) for _ in range(20)]
    assert 3 <= sum(taken) <= websocket_module.MAX_UNSENT_BYTES // (10 * MAX_SDP_BYTES)


async def test_the_url_is_sent_as_it_is_and_no_cookie_follows(server: FakeTracker) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        paths.append(request.raw_path)
        cookies.append(dict(request.cookies))
        return web.Response(status=403, headers={"Set-Cookie": "spy=1"})

    paths: list[str] = []
    cookies: list[dict[str, str]] = []
    async with serving(handle) as port:
        path = "/announce/%7eroom%2Fa?x=%41+b"
        client = WebSocketTracker(f"ws://127.0.0.1:{port}{path}", Policy.LOCAL, rng=Impatient())
        listener = Listener()
        client.subscribe(HASH, listener)
        for _ in range(2):
            await listener.next()
        await client.aclose()
    assert paths[:2] == [path, path]
    assert cookies[:2] == [{}, {}]


async def test_the_name_of_a_tracker_hides_its_room(server: FakeTracker) -> None:
    assert WebSocketTracker("ws://example.org:8000/announce/s3cret#k3y", Policy.LOCAL).name == (
        "ws://example.org:8000"
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://example.org/announce",
        "udp://example.org:80",
        "file:///etc/passwd",
        "ws:///announce",
        "ws://host:99999/",
        "ws://host:port/",
        "ws://[::1/",
        "ws://user:secret@example.org/announce",
        "ws://example.org/a b",
        "ws://example.org/\r\nX-Evil: 1",
        "ws://example.org/" + "a" * 3000,
    ],
)
def test_a_url_that_cannot_be_a_tracker_is_refused(url: str) -> None:
    with pytest.raises(NetError):
        WebSocketTracker(url, Policy.NAMED)
