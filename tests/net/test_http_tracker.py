"""The HTTP tracker client, against a server under the test's control."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import GuardError, Policy, tracker_policy
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.net.trackers import http as http_module
from jupyter_webtorrent.net.trackers.http import HttpTracker
from jupyter_webtorrent.protocol.announce import SwarmCounts, TcpAnnounce, TcpAnnounceResponse
from jupyter_webtorrent.protocol.errors import WebTorrentError
from jupyter_webtorrent.protocol.http_tracker import (
    MAX_REPLY_BYTES,
    encode_announce_response,
    encode_failure,
    encode_scrape_response,
    parse_announce,
    parse_scrape,
)
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId

HASH = InfoHash(bytes(range(200, 220)))
ANNOUNCE = TcpAnnounce(
    info_hash=HASH,
    peer_id=PeerId(b"-JW0010-\x00\x80\xff &+=?#%\x7f/"),
    port=6881,
    left=5,
    event="started",
)
NEAR = TcpAnnounceResponse(interval=60, peers=(PeerAddress("127.0.0.1", 7),))

Handler = Callable[[web.BaseRequest], web.StreamResponse]


class Server:
    """Answers with what `handler` says, and keeps every request."""

    def __init__(self) -> None:
        self.handler: Handler = lambda _: web.Response(body=encode_announce_response(NEAR))
        self.requests: list[web.BaseRequest] = []
        self.port = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        return self.handler(request)

    def url(self, path: str = "/announce") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    runner = web.ServerRunner(web.Server(server.handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[GuardedClient]:
    client = GuardedClient()
    yield client
    await client.aclose()


def tracker(http: GuardedClient, url: str) -> HttpTracker:
    return HttpTracker(url, http, tracker_policy(url))


async def why_not(tracker: HttpTracker) -> str:
    with pytest.raises(WebTorrentError) as caught:
        await tracker.announce(ANNOUNCE)
    return str(caught.value)


async def test_an_announce_arrives_byte_for_byte_and_says_nothing_else_of_us(
    server: Server, http: GuardedClient
) -> None:
    assert await tracker(http, server.url("/announce/a%2Fb%20c")).announce(ANNOUNCE) == NEAR
    (request,) = server.requests
    path, _, query = request.raw_path.partition("?")
    assert path == "/announce/a%2Fb%20c"
    assert parse_announce(query) == ANNOUNCE
    assert set(request.headers) == {"Host", "User-Agent", "Accept", "Accept-Encoding"}
    assert request.headers["Accept-Encoding"] == "identity"


async def test_a_cookie_is_never_sent_back(server: Server, http: GuardedClient) -> None:
    def bake(_request: web.BaseRequest) -> web.Response:
        response = web.Response(body=encode_announce_response(NEAR))
        response.set_cookie("seen", "1")
        return response

    server.handler = bake
    for _ in range(2):
        await tracker(http, server.url()).announce(ANNOUNCE)
    assert all("Cookie" not in request.headers for request in server.requests)


async def test_a_scrape_is_asked_where_bep_48_says(server: Server, http: GuardedClient) -> None:
    server.handler = lambda _: web.Response(
        body=encode_scrape_response({HASH: SwarmCounts(1, 2, 3)})
    )
    assert await tracker(http, server.url("/announce")).scrape(HASH) == SwarmCounts(1, 2, 3)
    (request,) = server.requests
    path, _, query = request.raw_path.partition("?")
    assert (path, parse_scrape(query)) == ("/scrape", (HASH,))
    with pytest.raises(NetError, match="no form for a scrape"):
        await tracker(http, server.url("/announce/room")).scrape(HASH)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"body": encode_failure("not registered")}, "the tracker refused: not registered"),
        ({"status": 400, "body": encode_failure("bad port")}, "the tracker refused: bad port"),
        ({"status": 404, "text": "<html>no</html>"}, "it answered HTTP 404"),
        ({"status": 503, "body": b"de"}, "it answered HTTP 503"),
        ({"text": "<html>"}, "its reply is not bencode"),
        ({"body": bytes(MAX_REPLY_BYTES + 1)}, "its reply is over 1,048,576 bytes"),
        ({"body": b"de", "headers": {"Content-Encoding": "gzip"}}, "it sent compressed data"),
    ],
)
async def test_a_reply_that_is_no_use_is_one_plain_line(
    server: Server, http: GuardedClient, response: dict[str, object], reason: str
) -> None:
    server.handler = lambda _: web.Response(**response)  # type: ignore[arg-type]
    assert reason in await why_not(tracker(http, server.url()))


async def test_an_endless_reply_is_read_no_further_than_its_limit(http: GuardedClient) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"l" * 65536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    listener = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        assert "over 1,048,576 bytes" in await why_not(
            tracker(http, f"http://127.0.0.1:{port}/announce")
        )


async def test_a_tracker_that_answers_too_slowly_is_given_up(
    http: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "QUESTION_SECONDS", 0.2)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        reason = await why_not(tracker(http, f"http://127.0.0.1:{port}/announce"))
    assert reason == "no answer within 0 s"


async def test_a_tracker_that_is_down_is_one_plain_line(http: GuardedClient) -> None:
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    assert await why_not(tracker(http, f"http://127.0.0.1:{port}/announce")) == "connection refused"


async def test_a_redirect_into_this_machine_is_refused(server: Server, http: GuardedClient) -> None:
    inner = server.url("/announce/inner")
    server.handler = lambda _: web.Response(status=302, headers={"Location": inner})
    assert "loopback" in await why_not(tracker(http, server.url()))
    assert len(server.requests) == 1


async def test_a_tracker_that_a_person_named_may_redirect_within_itself_three_times(
    server: Server, http: GuardedClient
) -> None:
    def redirect(request: web.BaseRequest) -> web.Response:
        step = int(request.query.get("step", "0"))
        if step == last:
            return web.Response(body=encode_announce_response(NEAR))
        location = f"/announce?step={step + 1}&x=%2F"
        return web.Response(status=307, headers={"Location": location})

    server.handler = redirect
    named = HttpTracker(server.url("/somewhere"), http, Policy.NAMED)
    last = 3
    assert await named.announce(ANNOUNCE) == NEAR
    assert server.requests[-1].raw_path == "/announce?step=3&x=%2F"
    last = 4
    assert await why_not(named) == "it redirects more than 3 times"


async def test_a_link_sends_us_to_this_machine_only_to_announce(http: GuardedClient) -> None:
    for url in ("http://127.0.0.1:8888/api/kernels", "http://127.0.0.1:8888/announce?x=1"):
        with pytest.raises(GuardError, match="loopback"):
            tracker(http, url)


async def test_a_tracker_on_the_network_names_no_service_of_this_machine(
    server: Server, http: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def elsewhere(host: str, policy: Policy) -> list[str]:
        return ["10.1.2.3"]

    monkeypatch.setattr(http_module, "resolve_checked", elsewhere)
    far = PeerAddress("10.9.9.9", 1)
    named = TcpAnnounceResponse(interval=60, peers=(PeerAddress("127.0.0.1", 7), far))
    server.handler = lambda _: web.Response(body=encode_announce_response(named))
    response = await tracker(http, server.url()).announce(ANNOUNCE)
    assert response.peers == (far,)


async def test_a_user_name_in_the_url_is_refused(http: GuardedClient) -> None:
    with pytest.raises(NetError, match="user name"):
        tracker(http, "http://me:secret@tracker.example/announce")
