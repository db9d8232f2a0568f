"""The embedded tracker under a crowd, a gang of vandals and malformed queries: it lives, and answers in time."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from statistics import quantiles

import aiohttp
import pytest
from yarl import URL

from jupyter_webtorrent.protocol.announce import TcpAnnounce
from jupyter_webtorrent.protocol.http_tracker import announce_url, parse_announce_response
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.ws_messages import Announce, AnnounceResponse
from jupyter_webtorrent.protocol.ws_tracker import encode_request, parse_reply
from tests.interop.deadline import Deadline
from tests.interop.peers.process import PeerProcess
from tests.interop.peers.trackers import embedded_tracker

HASH = InfoHash(b"probe torrent".ljust(20))
PEER_ID = PeerId(b"-JW0010-honest-probe")
PROBE_SECONDS = 0.05
"""Between two announces of the honest peer, over a WebSocket and over HTTP in turn."""
HTTP_SOURCE = "127.0.0.77"
"""Another address than the vandals', as honest peers have."""
LATEST = 0.5
"""Seconds for an honest announce, at p99."""


@dataclass(frozen=True)
class Scale:
    """The crowd, its offers a second, and what the vandals send meanwhile."""

    crowd: int
    offers: int
    frames: int
    queries: int
    seconds: int


SHORT = Scale(crowd=60, offers=200, frames=5_000, queries=200, seconds=4)
FULL = Scale(crowd=300, offers=1_000, frames=100_000, queries=5_000, seconds=60)


class Prober:
    """An honest peer that announces all the time and notes how long each answer takes."""

    def __init__(self, websocket_url: str) -> None:
        self._websocket_url = websocket_url
        self._http_url = websocket_url.replace("ws://", "http://")
        self.seconds: dict[str, list[float]] = {"WebSocket": [], "HTTP": []}

    async def run(self, stop: asyncio.Event) -> None:
        connector = aiohttp.TCPConnector(local_addr=(HTTP_SOURCE, 0), force_close=True)
        async with (
            aiohttp.ClientSession() as session,
            aiohttp.ClientSession(connector=connector) as http,
            session.ws_connect(self._websocket_url, heartbeat=None) as socket,
        ):
            while not stop.is_set():
                await self._measure("WebSocket", self._ask_websocket(socket))
                await asyncio.sleep(PROBE_SECONDS)
                await self._measure("HTTP", self._ask_http(http))
                await asyncio.sleep(PROBE_SECONDS)

    async def _measure(self, wire: str, question: asyncio.Future[None] | object) -> None:
        began = time.perf_counter()
        await question  # type: ignore[misc]
        self.seconds[wire].append(time.perf_counter() - began)

    async def _ask_websocket(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.send_str(encode_request(Announce(info_hash=HASH, peer_id=PEER_ID, left=1)))
        reply = parse_reply(await socket.receive_str(timeout=30))
        assert isinstance(reply, AnnounceResponse)
        assert reply.incomplete == 1

    async def _ask_http(self, http: aiohttp.ClientSession) -> None:
        announce = TcpAnnounce(info_hash=HASH, peer_id=PEER_ID, port=6881, left=1)
        url = URL(announce_url(self._http_url, announce), encoded=True)
        async with http.get(url, timeout=aiohttp.ClientTimeout(total=30)) as response:
            assert parse_announce_response(await response.read()).incomplete == 1


async def flood(scale: Scale, capsys: pytest.CaptureFixture[str]) -> None:
    """Run the flood with the honest peer beside it, and print what came of it."""
    with embedded_tracker() as url:  # which also looks for a traceback, and for a clean end
        port = str(URL(url).port)
        numbers = (scale.crowd, scale.offers, scale.frames, scale.queries, scale.seconds)
        command = [sys.executable, "-m", "tests.tracker.flood", port, *map(str, numbers)]
        prober, stop = Prober(url), asyncio.Event()
        with PeerProcess("the flood", command) as process:
            probing = asyncio.create_task(prober.run(stop))
            counts = await asyncio.to_thread(_counts, process, 3 * scale.seconds + 60)
            stop.set()
            await probing
    with capsys.disabled():
        print(f"\ntracker flood: {json.dumps(counts)}")
        for wire, seconds in prober.seconds.items():
            cuts = [1000 * cut for cut in quantiles(seconds, n=100, method="inclusive")]
            print(
                f"  honest {wire} announces: {len(seconds)}, p50 {cuts[49]:.1f} ms,"
                f" p99 {cuts[98]:.1f} ms, longest {1000 * max(seconds):.1f} ms"
            )
    assert counts["malformed frames"] == scale.frames
    assert counts["malformed queries"] == scale.queries
    assert counts["offers"] >= 0.95 * scale.offers * scale.seconds
    assert counts.get("honest sockets lost", 0) == 0
    for seconds in prober.seconds.values():
        assert quantiles(seconds, n=100, method="inclusive")[98] < LATEST


def _counts(process: PeerProcess, seconds: float) -> dict[str, int]:
    line = process.expect("flooded", Deadline(seconds))
    return {name: value for name, value in line.fields.items() if name != "event"}


@pytest.mark.alone
async def test_a_small_flood_delays_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    await flood(SHORT, capsys)


@pytest.mark.prove
@pytest.mark.timeout(400)
async def test_a_flood_of_a_hundred_thousand_frames_delays_nobody(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await flood(FULL, capsys)
