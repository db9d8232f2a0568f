"""Each connection that fails leaves its reason, and what to do about it; virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest

from jupyter_webtorrent.engine import negotiation
from jupyter_webtorrent.engine.failures import ADVICE, MAX_FAILURES, FailureLog
from jupyter_webtorrent.engine.negotiation import (
    CONNECT_SECONDS,
    MAX_QUEUED_OFFERS,
    OFFER_SECONDS,
    Negotiator,
)
from jupyter_webtorrent.engine.services import MAX_NEGOTIATIONS
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.errors import ConnectError
from jupyter_webtorrent.net.webrtc_config import RtcConfig
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from jupyter_webtorrent.protocol.ws_messages import RelayedOffer
from jupyter_webtorrent.schema.failures import ConnectionFailure, FailureCode
from jupyter_webtorrent.schema.transfers import FetchRequest
from tests.engine.classroom import Machine, classroom, until, write_random

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]


def failure_at(machine: Machine, torrent: Torrent, address: str) -> ConnectionFailure:
    (failure,) = [
        failure
        for failure in machine.session.details(torrent).failures
        if failure.address == address
    ]
    return failure


async def test_failures_are_counted_by_kind_and_bounded() -> None:
    log = FailureLog()
    for port in range(MAX_FAILURES + 10):
        log.add(f"h:{port}", "tcp", FailureCode.REFUSED, "no", float(port))
        log.add("h:9999", "tcp", FailureCode.TIMED_OUT, "silent", port + 0.5)
    log.add("a tracker", "webrtc", FailureCode.NO_ANSWER, "nothing", 1000.0)
    listed = log.listed(1000.0)
    assert len(listed) == MAX_FAILURES
    assert (listed[0].address, listed[0].count) == ("h:9999", MAX_FAILURES + 10)
    assert listed[0].reason == f"silent - {ADVICE[FailureCode.TIMED_OUT]}"
    assert listed[1].address == f"h:{MAX_FAILURES + 9}"
    assert listed[1].seconds_ago == 1000.0 - (MAX_FAILURES + 9)
    assert listed[-1].code is FailureCode.NO_ANSWER
    log.connected("h:9999")
    assert "h:9999" not in [failure.address for failure in log.listed(1000.0)]


async def test_what_a_stranger_wrote_stays_one_line() -> None:
    log = FailureLog()
    log.add("x", "tcp", FailureCode.OTHER, "two\nlines \x1b[31m", 0.0)
    assert log.listed(0.0)[0].reason == "two lines \N{REPLACEMENT CHARACTER}[31m"


async def test_a_peer_with_another_torrent_or_none_is_told_from_a_dead_one(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        stranger = room.network.host("stranger")
        told = InfoHash(b"o" * 20)

        def answer_for_another(transport: object) -> None:
            transport.write(Handshake(told, PeerId(b"s" * 20)).encode())  # type: ignore[attr-defined]

        listener = await stranger.listen(PeerAddress("stranger", 7000), answer_for_another)
        request = FetchRequest(
            link=f"magnet:?xt=urn:btih:{'0' * 40}",
            folder=str(student.folder),
            peers=[teacher.address, "stranger:7000", "nobody:1"],
        )
        fetched = await student.session.fetch(request)
        await until(lambda: len(student.session.details(fetched).failures) >= 3)
        assert shared.info_hash != fetched.info_hash
        none = failure_at(student, fetched, teacher.address)
        assert (none.code, none.transport) == (FailureCode.NO_HANDSHAKE, "memory")
        assert "no longer share" in none.reason
        other = failure_at(student, fetched, "stranger:7000")
        assert other.code is FailureCode.WRONG_TORRENT
        assert "ask for a new link" in other.reason
        assert failure_at(student, fetched, "nobody:1").code is FailureCode.REFUSED
        await listener.aclose()


async def test_a_peer_that_finds_no_room_is_told_of(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher", max_peers_per_torrent=1)
        shared = await teacher.share(data)
        for name in ("one", "two"):
            await (await room.machine(name)).fetch(shared, [teacher.address])
        await until(lambda: bool(teacher.session.details(shared).failures))
        (failure,) = teacher.session.details(shared).failures
        assert failure.code is FailureCode.NO_ROOM
        assert "as many peers as the settings allow" in failure.reason


class Unfinished:
    """A connection that never opens."""

    sdp = "v=0"
    made = 0
    open_at_once = 0
    most_at_once = 0

    def __init__(self) -> None:
        kind = type(self)
        kind.made += 1
        kind.open_at_once += 1
        kind.most_at_once = max(kind.most_at_once, kind.open_at_once)

    @classmethod
    async def answer(cls, config: RtcConfig, sdp: str) -> Unfinished:
        return cls()

    @classmethod
    async def offer(cls, config: RtcConfig) -> Unfinished:
        return cls()

    async def opened(self) -> None:
        await asyncio.Event().wait()

    def overdue(self) -> ConnectError:
        return ConnectError(FailureCode.NO_ROUTE, "no route")

    async def aclose(self) -> None:
        type(self).open_at_once -= 1


@pytest.fixture
def never_open(monkeypatch: pytest.MonkeyPatch) -> type[Unfinished]:
    kind = type("Fresh", (Unfinished,), {})
    monkeypatch.setattr(negotiation, "WebRtcConnection", kind)
    return kind


async def test_an_endless_flood_of_offers_costs_ten_negotiations_at_a_time(
    tmp_path: Path, never_open: type[Unfinished]
) -> None:
    async with classroom(tmp_path) as room:
        services = (await room.machine("victim")).session._services
        log = FailureLog()
        negotiator = Negotiator(services, lambda *_: None, log)
        random = Random(1)
        begun = asyncio.get_running_loop().time()
        for number in range(1000):
            peer = PeerId(b"flooder-%012d" % number)
            offer = RelayedOffer(
                info_hash=InfoHash(bytes(20)),
                peer_id=peer,
                offer_id=random.randbytes(20),
                sdp="v=0",
            )
            negotiator.offered(offer, lambda sdp: True)
            await asyncio.sleep(0.001)
            assert len(services.waiting_offers) <= MAX_QUEUED_OFFERS
            assert len(negotiator._tasks) <= MAX_NEGOTIATIONS + MAX_QUEUED_OFFERS + 1
        await until(lambda: not negotiator._tasks, 1000)
        assert never_open.most_at_once == MAX_NEGOTIATIONS
        assert never_open.open_at_once == 0
        # Ten at once for 25 s each, as long as an offer is still worth an answer.
        assert never_open.made <= MAX_NEGOTIATIONS * (1 + OFFER_SECONDS / CONNECT_SECONDS)
        assert asyncio.get_running_loop().time() - begun < OFFER_SECONDS + CONNECT_SECONDS + 2
        assert {failure.code for failure in log.listed(0.0)} == {FailureCode.NO_ROUTE}
        await negotiator.aclose()


async def test_an_offer_that_the_tracker_answers_never_is_told_by_the_tracker_s_name(
    tmp_path: Path, never_open: type[Unfinished]
) -> None:
    async with classroom(tmp_path) as room:
        services = (await room.machine("us")).session._services
        log = FailureLog()
        negotiator = Negotiator(services, lambda *_: None, log)
        for _ in range(3):
            await negotiator.offer(lambda offer: True, "wss://tracker.example")
        await until(lambda: not negotiator._tasks, OFFER_SECONDS + 1)
        (failure,) = log.listed(0.0)
        assert (failure.address, failure.count) == ("wss://tracker.example", 3)
        assert failure.code is FailureCode.NO_ANSWER
        assert never_open.open_at_once == 0
        await negotiator.aclose()
