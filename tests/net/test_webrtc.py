"""WebRTC data channels as byte streams: two of ours over the loopback, and one against aiortc's own API."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import NoReturn

import aioice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.transport import HIGH_WATER
from jupyter_webtorrent.net.webrtc import WebRtcConnection, WebRtcTransport
from jupyter_webtorrent.net.webrtc_config import RtcConfig
from jupyter_webtorrent.protocol.errors import ProtocolError
from tests.net.test_streams import Sink

CONFIG = RtcConfig(loopback_candidates=True)
DATA = Random(3).randbytes(2_000_000)
SECONDS = 20


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[WebRtcTransport, WebRtcTransport]]:
    """Two open transports, the offerer's first."""
    offerer = await WebRtcConnection.offer(CONFIG)
    answerer = await WebRtcConnection.answer(CONFIG, offerer.sdp)
    try:
        await offerer.accept_answer(answerer.sdp)
        async with asyncio.timeout(SECONDS):
            yield await offerer.opened(), await answerer.opened()
    finally:
        await offerer.aclose()
        await answerer.aclose()


async def test_a_stream_arrives_whole_both_ways() -> None:
    async with connected() as (offerer, answerer):
        near, far = Sink(), Sink()
        offerer.start(near)
        answerer.start(far)
        view = memoryview(DATA)
        for start in range(0, len(DATA), 100_000):
            offerer.write(view[start : start + 13], view[start + 13 : start + 100_000])
            answerer.write(view[start : start + 100_000])
        assert await far.has(len(DATA)) == DATA
        assert await near.has(len(DATA)) == DATA
        assert offerer.remote.startswith("127.0.0.1:")


async def test_what_came_before_start_is_not_lost() -> None:
    async with connected() as (offerer, answerer):
        answerer.start(Sink())
        answerer.write(b"early")
        near = Sink()
        while not offerer._held:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)
        offerer.start(near)
        assert await near.has(5) == b"early"


async def test_a_writer_can_wait_until_little_is_unsent() -> None:
    async with connected() as (offerer, answerer):
        offerer.start(Sink())
        far = Sink()
        answerer.start(far)
        sent = 0
        while offerer.unsent <= HIGH_WATER:
            offerer.write(bytes(1 << 16))
            sent += 1 << 16
        await offerer.drain()
        assert offerer.unsent <= HIGH_WATER // 2
        await far.has(sent)
        assert offerer.unsent == 0


@pytest.mark.parametrize("closer", [0, 1])
async def test_both_ends_hear_once_that_it_is_closed(closer: int) -> None:
    async with connected() as pair:
        near, far = Sink(), Sink()
        pair[closer].start(near)
        pair[1 - closer].start(far)
        pair[closer].close("enough")
        pair[closer].close("again")
        pair[closer].write(b"into the void")
        await near.ended.wait()
        await far.ended.wait()
        assert near.reasons == ["enough"]
        assert len(far.reasons) == 1


async def test_a_negotiation_that_is_given_up_leaves_nothing() -> None:
    alone = await WebRtcConnection.offer(CONFIG)
    waiting = asyncio.create_task(alone.opened())
    await asyncio.sleep(0)
    await alone.aclose()
    with pytest.raises(NetError, match="closed before it opened"):
        await waiting
    offering = asyncio.create_task(WebRtcConnection.offer(CONFIG))
    await asyncio.sleep(0)
    offering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await offering


async def test_a_peer_that_is_gone_is_a_plain_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.stun, "RETRY_MAX", 1)
    monkeypatch.setattr(aioice.stun, "RETRY_RTO", 0.05)
    gone = await WebRtcConnection.offer(CONFIG)
    await gone.aclose()
    answerer = await WebRtcConnection.answer(CONFIG, gone.sdp)
    async with asyncio.timeout(SECONDS):
        with pytest.raises(NetError):
            await answerer.opened()
    await answerer.aclose()


async def test_a_peer_whose_only_name_is_unknown_can_still_come_to_us(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_up = asyncio.Event()

    async def no_multicast(_: object) -> NoReturn:
        looked_up.set()
        raise OSError

    monkeypatch.setattr(aioice.ice, "get_or_create_mdns_protocol", no_multicast)
    offerer = await WebRtcConnection.offer(CONFIG)
    named = re.sub(r"(a=candidate:.* )127\.0\.0\.1 ", r"\1nobody-has-this-name.local ", offerer.sdp)
    answerer = await WebRtcConnection.answer(CONFIG, named)
    try:
        async with asyncio.timeout(SECONDS):
            await looked_up.wait()
            await offerer.accept_answer(answerer.sdp)
            await answerer.opened()
    finally:
        await offerer.aclose()
        await answerer.aclose()


async def test_what_strangers_send_to_its_port_does_no_harm() -> None:
    troubles: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: troubles.append(context))
    async with connected() as (offerer, answerer):
        far = Sink()
        answerer.start(far)
        host, port = offerer.remote.rsplit(":", 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for junk in (
                b"",
                b"\x00",
                b"\x16junk",
                b"\x80" * 100,
                # A STUN response with a priority of one byte, of two that it should have four.
                bytes.fromhex("010100082112a442283d8c0641b9afbe8848729f00240001e5000000"),
            ):
                stranger.sendto(junk, (host, int(port)))
        offerer.write(DATA)
        assert await far.has(len(DATA)) == DATA
    assert not troubles


async def test_a_second_answer_is_refused() -> None:
    offerer = await WebRtcConnection.offer(CONFIG)
    answerer = await WebRtcConnection.answer(CONFIG, offerer.sdp)
    await offerer.accept_answer(answerer.sdp)
    with pytest.raises(ProtocolError, match="second answer"):
        await offerer.accept_answer(answerer.sdp)
    await answerer.aclose()
    await offerer.aclose()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda sdp: "", "0 media lines"),
        (lambda sdp: sdp + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", "2 media lines"),
        (lambda sdp: sdp.replace("webrtc-datachannel", "sip"), "data channel"),
        (lambda sdp: sdp.replace("a=ice-ufrag", "a=x"), "ice-ufrag"),
        (lambda sdp: sdp.replace("a=ice-pwd", "a=x"), "ice-pwd"),
        (lambda sdp: sdp.replace("a=fingerprint", "a=x"), "fingerprint"),
        (lambda sdp: sdp + "a=x\r\n" * 10_000, "characters"),
        (
            lambda sdp: sdp + "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n" * 21,
            "candidates",
        ),
    ],
)
async def test_a_bad_offer_is_refused_before_anything_is_opened(
    change: object, message: str
) -> None:
    offerer = await WebRtcConnection.offer(CONFIG)
    sdp = change(offerer.sdp)  # type: ignore[operator]
    await offerer.aclose()
    with pytest.raises(ProtocolError, match=message):
        await WebRtcConnection.answer(CONFIG, sdp)


class Foreign:
    """A peer of aiortc's public API, as another program would be."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel = self.connection.createDataChannel("a label of its own")
        self.received = bytearray()
        self.closed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def met(
        cls, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[tuple[Foreign, WebRtcTransport]]:
        """It offers one open channel, as a browser does, and we answer."""
        monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
        foreign = cls()
        foreign.channel.on("message", foreign.received.extend)
        foreign.channel.on("close", foreign.closed.set)
        await foreign.connection.setLocalDescription(await foreign.connection.createOffer())
        ours = await WebRtcConnection.answer(CONFIG, foreign.connection.localDescription.sdp)
        try:
            await foreign.connection.setRemoteDescription(RTCSessionDescription(ours.sdp, "answer"))
            async with asyncio.timeout(SECONDS):
                yield foreign, await ours.opened()
        finally:
            await ours.aclose()
            await foreign.connection.close()


async def test_another_program_s_channel_is_a_stream_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Foreign.met(monkeypatch) as (foreign, ours):
        sink = Sink()
        ours.start(sink)
        for start in range(0, 300_000, 30_000):
            foreign.channel.send(DATA[start : start + 30_000])
        ours.write(DATA[:200_000])
        assert await sink.has(300_000) == DATA[:300_000]
        while len(foreign.received) < 200_000:  # noqa: ASYNC110 - aiortc's events are callbacks
            await asyncio.sleep(0)
        assert foreign.received == DATA[:200_000]


def _send_text(foreign: Foreign) -> None:
    foreign.channel.send("hello")


def _open_another(foreign: Foreign) -> None:
    foreign.connection.createDataChannel("another")


@pytest.mark.parametrize(
    ("misdeed", "reason"), [(_send_text, "text"), (_open_another, "second data channel")]
)
async def test_text_and_a_second_channel_end_the_connection(
    misdeed: Callable[[Foreign], None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Foreign.met(monkeypatch) as (foreign, ours):
        sink = Sink()
        ours.start(sink)
        misdeed(foreign)
        await sink.ended.wait()
        assert reason in sink.reasons[0]
        await foreign.closed.wait()


def test_nothing_of_aiortc_is_imported_before_it_is_used() -> None:
    program = (
        "import sys, jupyter_webtorrent.net.webrtc, jupyter_webtorrent.engine.session\n"
        "print([name for name in ('aiortc', 'av', 'aioice') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
