"""Real WebRTC connections that fail: each at another step, and each says at which."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aioice
import pytest
from pyroute2 import IPRoute

from jupyter_webtorrent.engine.failures import ADVICE
from jupyter_webtorrent.net.errors import ConnectError
from jupyter_webtorrent.net.webrtc import WebRtcConnection
from jupyter_webtorrent.net.webrtc_config import RtcConfig
from jupyter_webtorrent.schema.failures import FailureCode
from tests.net.test_webrtc import CONFIG, SECONDS

BLACK_HOLE = "203.0.113.0/24"
"""Addresses that packets to are thrown away, by the kernel and in silence."""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ICE give up in a fraction of a second."""
    monkeypatch.setattr(aioice.stun, "RETRY_MAX", 1)
    monkeypatch.setattr(aioice.stun, "RETRY_RTO", 0.05)


@pytest.fixture
def black_hole() -> str:
    with IPRoute() as network:
        network.route("replace", dst=BLACK_HOLE, type="blackhole")
    return "203.0.113.7"


@asynccontextmanager
async def met(
    config: RtcConfig = CONFIG,
    *,
    told_of_offer: Callable[[str], str] = str,
    told_of_answer: Callable[[str], str] = str,
) -> AsyncIterator[tuple[WebRtcConnection, WebRtcConnection]]:
    """Offerer and answerer, each told something else than the other said."""
    offerer = await WebRtcConnection.offer(config)
    answerer = await WebRtcConnection.answer(config, told_of_offer(offerer.sdp))
    try:
        await offerer.accept_answer(told_of_answer(answerer.sdp))
        yield offerer, answerer
    finally:
        await offerer.aclose()
        await answerer.aclose()


async def failure(connection: WebRtcConnection) -> ConnectError:
    async with asyncio.timeout(SECONDS):
        with pytest.raises(ConnectError) as caught:
            await connection.opened()
    return caught.value


def elsewhere(host: str) -> Callable[[str], str]:
    """The description of the same peer as if it were only at `host`."""
    return lambda sdp: re.sub(r"(a=candidate:\S+ 1 udp \d+ )\S+ \d+", rf"\g<1>{host} 9", sdp)


async def test_a_peer_on_another_network_has_no_route_to_it(
    impatient: None, black_hole: str
) -> None:
    away = elsewhere(black_hole)
    async with met(RtcConfig(), told_of_offer=away, told_of_answer=away) as (offerer, answerer):
        waiting = offerer.overdue()
        for error in (waiting, await failure(offerer), await failure(answerer)):
            assert error.code is FailureCode.NO_ROUTE
            assert str(error) == "no route between the two machines was found"
    assert "--turn" in ADVICE[FailureCode.NO_ROUTE]


async def test_a_peer_with_another_certificate_than_its_description_s_is_not_trusted() -> None:
    def forged(sdp: str) -> str:
        return re.sub(r"(a=fingerprint:\S+ )(..)", other_first_byte, sdp)

    def other_first_byte(found: re.Match[str]) -> str:
        return found[1] + ("01" if found[2] == "00" else "00")

    async with met(told_of_answer=forged) as (offerer, _):
        error = await failure(offerer)
        assert error.code is FailureCode.WRONG_CERTIFICATE
        assert "not the peer that was asked" in str(error)
        assert "do not trust this tracker" in ADVICE[error.code]


async def test_two_that_both_begin_the_encryption_fail_there() -> None:
    def active(sdp: str) -> str:
        return sdp.replace("a=setup:actpass", "a=setup:passive")

    def passive(sdp: str) -> str:
        return sdp.replace("a=setup:active", "a=setup:passive")

    async with met(told_of_offer=active, told_of_answer=passive) as (offerer, answerer):
        errors = [await failure(offerer), await failure(answerer)]
        assert FailureCode.DTLS_FAILED in [error.code for error in errors]
        assert {error.code for error in errors} <= {
            FailureCode.DTLS_FAILED,
            FailureCode.NO_CHANNEL,
        }


async def test_a_peer_that_opens_no_channel_is_told_from_one_that_cannot_be_reached() -> None:
    async with met() as (offerer, answerer):
        offerer._link._offerer = False  # it will wait for the other to open one
        async with asyncio.timeout(SECONDS):
            while answerer.overdue().code is not FailureCode.NO_CHANNEL:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert str(answerer.overdue()) == "the peer was reached, and opened no data channel in time"
        opening = asyncio.create_task(answerer.opened())
        await offerer.aclose()
        with pytest.raises(ConnectError) as caught:
            await opening
        assert caught.value.code is FailureCode.NO_CHANNEL


async def test_encryption_that_does_not_end_is_told_as_that() -> None:
    async with met() as (offerer, answerer):
        for link in (offerer._link, answerer._link):
            link._ice.data_received = lambda data, component: None  # type: ignore[method-assign]
        async with asyncio.timeout(SECONDS):
            while offerer.overdue().code is FailureCode.NO_ROUTE:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        error = offerer.overdue()
        assert error.code is FailureCode.TIMED_OUT
        assert "DTLS" in str(error)


async def test_a_machine_without_an_address_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: [])
    with pytest.raises(ConnectError) as caught:
        await WebRtcConnection.offer(RtcConfig())
    assert caught.value.code is FailureCode.NO_NETWORK
