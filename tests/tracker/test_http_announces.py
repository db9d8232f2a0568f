"""HTTP announces and scrapes at the embedded tracker, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from yarl import URL

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.net.trackers.http import HttpTracker
from jupyter_webtorrent.protocol import bencode
from jupyter_webtorrent.protocol.announce import Event, SwarmCounts, TcpAnnounce
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from jupyter_webtorrent.protocol.token_bucket import KeyedBuckets
from jupyter_webtorrent.tracker.server import EmbeddedTracker

HASH = InfoHash(bytes(range(120, 140)))
"""With `%`-encoded bytes that are no text."""


@pytest.fixture
async def tracker() -> AsyncIterator[EmbeddedTracker]:
    tracker = EmbeddedTracker()
    await tracker.start("127.0.0.1", 0)
    yield tracker
    await tracker.aclose()


@pytest.fixture
async def http() -> AsyncIterator[GuardedClient]:
    client = GuardedClient()
    yield client
    await client.aclose()


def announce(
    port: int, *, left: int = 1, event: Event | None = None, info_hash: InfoHash = HASH
) -> TcpAnnounce:
    return TcpAnnounce(
        info_hash=info_hash,
        peer_id=PeerId(b"%-20d" % port),
        port=port,
        left=left,
        event=event,
    )


async def raw(tracker: EmbeddedTracker, target: str) -> tuple[int, bytes]:
    """The status and body of a GET whose target is sent as it stands."""
    url = URL(f"http://127.0.0.1:{tracker.port}{target}", encoded=True)
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.read()


@pytest.mark.parametrize("room", ["", "/a%20room"])
async def test_two_peers_hear_of_each_other_and_part(
    tracker: EmbeddedTracker, http: GuardedClient, room: str
) -> None:
    client = HttpTracker(tracker.http_urls[0] + room, http, Policy.LOCAL)
    first = await client.announce(announce(1001, left=0, event="started"))
    assert (first.complete, first.incomplete, first.peers) == (1, 0, ())
    assert (first.interval, first.min_interval, first.external_ip) == (120, 30, "127.0.0.1")
    second = await client.announce(announce(1002, event="started"))
    assert second.peers == (PeerAddress("127.0.0.1", 1001),)
    done = await client.announce(announce(1002, event="completed", left=0))
    assert (done.complete, done.incomplete) == (2, 0)
    gone = await client.announce(announce(1002, event="stopped"))
    assert (gone.complete, gone.incomplete) == (1, 0)


async def test_rooms_are_swarms_apart(tracker: EmbeddedTracker, http: GuardedClient) -> None:
    await HttpTracker(tracker.http_urls[0], http, Policy.LOCAL).announce(announce(1001))
    red = HttpTracker(tracker.http_urls[0] + "/red", http, Policy.LOCAL)
    assert (await red.announce(announce(1002))).peers == ()


async def test_a_scrape_counts_the_swarms(tracker: EmbeddedTracker, http: GuardedClient) -> None:
    client = HttpTracker(tracker.http_urls[0], http, Policy.LOCAL)
    await client.announce(announce(1001))
    await client.announce(announce(1002))
    await client.announce(announce(1002, event="completed", left=0))
    assert await client.scrape(HASH) == SwarmCounts(complete=1, incomplete=1, downloaded=1)
    assert await client.scrape(InfoHash(b"u" * 20)) == SwarmCounts()


async def test_ipv6_peers_are_told_too(http: GuardedClient) -> None:
    tracker = EmbeddedTracker()
    await tracker.start("", 0)
    try:
        six = HttpTracker(f"http://[::1]:{tracker.port}/announce", http, Policy.LOCAL)
        four = HttpTracker(f"http://127.0.0.1:{tracker.port}/announce", http, Policy.LOCAL)
        assert (await six.announce(announce(1001))).external_ip == "::1"
        response = await four.announce(announce(1002))
        assert response.external_ip == "127.0.0.1"  # not ::ffff:127.0.0.1
        assert response.peers == (PeerAddress("::1", 1001),)
    finally:
        await tracker.aclose()


async def test_a_spoofed_address_in_the_query_counts_for_nothing(tracker: EmbeddedTracker) -> None:
    query = f"info_hash={'%78' * 20}&peer_id={'p' * 20}&left=1&port="
    await raw(tracker, f"/announce?{query}1001&ip=10.9.9.9&ipv6=2001:db8::1")
    _, body = await raw(tracker, f"/announce?{query}1002")
    assert bencode.decode(body) == {
        b"complete": 0,
        b"external ip": b"\x7f\x00\x00\x01",
        b"incomplete": 2,
        b"interval": 120,
        b"min interval": 30,
        b"peers": b"\x7f\x00\x00\x01\x03\xe9",
    }


@pytest.mark.parametrize(
    "target",
    [
        "/announce",
        "/announce?",
        "/announce?" + "&" * 5000,
        "/announce?info_hash=%",
        "/announce?info_hash=" + "%ff" * 20,
        "/announce/red?info_hash[]=x",
        "/announce?info_hash=" + "%78" * 20 + "&peer_id=" + "p" * 20 + "&port=99999",
        "/scrape",
        "/scrape?info_hash=" + "x" * 19,
        "/scrape?" + "&".join(["info_hash=" + "x" * 20] * 101),
    ],
)
async def test_a_bad_query_is_one_plain_failure(tracker: EmbeddedTracker, target: str) -> None:
    status, body = await raw(tracker, target)
    reply = bencode.decode(body)
    assert status == 200
    assert isinstance(reply, dict)
    assert list(reply) == [b"failure reason"]


async def test_an_address_that_floods_is_refused_and_others_are_not(
    monkeypatch: pytest.MonkeyPatch, tracker: EmbeddedTracker, http: GuardedClient
) -> None:
    asked: list[str] = []

    def allow(_budgets: KeyedBuckets, ip: str, now: float) -> bool:
        asked.append(ip)
        return ip != "127.0.0.1"

    monkeypatch.setattr(KeyedBuckets, "try_take", allow)
    client = HttpTracker(tracker.http_urls[0], http, Policy.LOCAL)
    with pytest.raises(NetError, match="too many requests from this address"):
        await client.announce(announce(1001))
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", tracker.port, local_addr=("127.0.0.2", 0)
    )
    writer.write(b"GET /scrape?info_hash=" + b"x" * 20 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"200 OK" in await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert asked == ["127.0.0.1", "127.0.0.2"]
