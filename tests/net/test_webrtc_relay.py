"""STUN and TURN at work: real servers, and the peers see one another only through them."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aioice
import pytest

from jupyter_webtorrent.net import webrtc_ice
from jupyter_webtorrent.net.errors import ConnectError
from jupyter_webtorrent.net.webrtc import WebRtcConnection, WebRtcTransport
from jupyter_webtorrent.net.webrtc_config import RtcConfig
from jupyter_webtorrent.net.webrtc_sdp import DataDescription
from jupyter_webtorrent.protocol.ice_servers import TurnServer, TurnTransport
from jupyter_webtorrent.schema.failures import FailureCode
from tests.interop.network import own_address
from tests.kernel.certificates import write_self_signed
from tests.net.test_streams import Sink
from tests.net.test_webrtc import DATA, SECONDS
from tests.net.turn_server import PASSWORD, USER, Server, turn_server

HERE = own_address() or "127.0.0.1"


@pytest.fixture
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine cannot be reached but through a relay."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: [])


@asynccontextmanager
async def connected(config: RtcConfig) -> AsyncIterator[tuple[WebRtcTransport, WebRtcTransport]]:
    offerer = await WebRtcConnection.offer(config)
    answerer = await WebRtcConnection.answer(config, offerer.sdp)
    try:
        await offerer.accept_answer(answerer.sdp)
        async with asyncio.timeout(SECONDS):
            yield await offerer.opened(), await answerer.opened()
    finally:
        await offerer.aclose()
        await answerer.aclose()


def kinds(connection: WebRtcConnection) -> set[str]:
    description = DataDescription.parse(connection.sdp, "offer", loopback_candidates=True)
    return {candidate.type for candidate in description.candidates}


async def test_a_stun_server_s_view_of_us_is_a_candidate() -> None:
    async with turn_server(HERE, mapped_address=("198.51.100.7", 4321)) as server:
        config = RtcConfig(stun_servers=(f"stun:{HERE}:{server.config.port}",))
        offer = await WebRtcConnection.offer(config)
        try:
            assert " 198.51.100.7 4321 typ srflx raddr 0.0.0.0 rport 9\r\n" in offer.sdp
            assert kinds(offer) == {"host", "srflx"}
        finally:
            await offer.aclose()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_two_peers_meet_through_a_relay_alone(
    no_address: None,
    transport: TurnTransport,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tls = trusted_server(tmp_path, monkeypatch) if transport == "tls" else None
    async with turn_server(HERE, transport, tls=tls) as server:
        config = RtcConfig(turn_servers=(server.config,))
        async with connected(config) as (offerer, answerer):
            far = Sink()
            answerer.start(far)
            offerer.start(Sink())
            offerer.write(DATA[:300_000])
            assert await far.has(300_000) == DATA[:300_000]
            assert server.relayed_bytes > 300_000
            assert server.allocations == 2
            assert offerer.direct_host is None
        await until_gone(server)


async def until_gone(server: Server) -> None:
    """The relays are given up, not left to expire."""
    async with asyncio.timeout(SECONDS):
        while server.allocations:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


def trusted_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate that this machine trusts."""
    certificate, key = write_self_signed(folder / "certificates", [HERE])
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_server_that_refuses_us_is_named_with_its_reason_and_no_secret(
    no_address: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with turn_server(HERE) as server:
        wrong = replace(server.config, password="some-other-word")
        with pytest.raises(ConnectError) as caught:
            await WebRtcConnection.offer(RtcConfig(turn_servers=(wrong,)))
    assert caught.value.code is FailureCode.TURN_FAILED
    place = f"the TURN server {HERE}:{server.config.port}"
    assert str(caught.value).endswith(f"{place} refused the user or password")
    for secret in (USER, PASSWORD, "some-other-word"):
        assert secret not in caplog.text + repr(caught.value)


async def test_a_server_that_is_not_the_one_it_claims_to_be_hears_no_password(
    no_address: None, tmp_path: Path
) -> None:
    certificate, key = write_self_signed(tmp_path / "certificates", [HERE])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with turn_server(HERE, "tls", tls=context) as server:
        with pytest.raises(ConnectError, match="certificate that this machine does not trust"):
            await WebRtcConnection.offer(RtcConfig(turn_servers=(server.config,)))


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_server_that_is_not_there_costs_no_more_than_its_time(
    transport: TurnTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc_ice, "TURN_SECONDS", 0.3)
    gone = TurnServer(HERE, 9, transport, USER, PASSWORD)
    offer = await WebRtcConnection.offer(RtcConfig(turn_servers=(gone,)))
    try:
        assert kinds(offer) == {"host"}
        error = offer.overdue()
        assert error.code is FailureCode.TURN_FAILED
        assert f"the TURN server {HERE}:9" in str(error)
    finally:
        await offer.aclose()


async def test_a_server_that_falls_silent_does_not_hold_up_the_end(no_address: None) -> None:
    async with turn_server(HERE) as server:
        config = RtcConfig(turn_servers=(server.config,))
        offer = await WebRtcConnection.offer(config)
        assert kinds(offer) == {"relay"}
        server.is_deaf = True
        began = time.monotonic()
        await offer.aclose()
        assert time.monotonic() - began < webrtc_ice.RELEASE_SECONDS + 1


async def test_a_negotiation_given_up_while_it_asks_a_relay_leaves_nothing() -> None:
    async with turn_server(HERE) as server:
        config = RtcConfig(turn_servers=(server.config,))
        for turns in range(1, 40, 3):
            offering = asyncio.create_task(WebRtcConnection.offer(config))
            for _ in range(turns):
                await asyncio.sleep(0)
            offering.cancel()
            results = await asyncio.gather(offering, return_exceptions=True)
            for result in results:
                if isinstance(result, WebRtcConnection):
                    await result.aclose()
