"""HTTP and UDP trackers in the life of a torrent: tiers, events, waits and failures, in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from jupyter_webtorrent.engine.tcp_trackers import TcpTrackers
from jupyter_webtorrent.engine.tier_announcer import SHORTEST_WAIT_ALONE, STOP_SECONDS
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.guard import GuardError
from jupyter_webtorrent.net.http import GuardedClient
from jupyter_webtorrent.net.memory import Link
from jupyter_webtorrent.net.trackers.http import HttpTracker
from jupyter_webtorrent.net.trackers.udp import UdpTracker
from jupyter_webtorrent.protocol.announce import SwarmCounts, TcpAnnounce, TcpAnnounceResponse
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress
from jupyter_webtorrent.protocol.metainfo import Metainfo
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest, TrackerStatus
from jupyter_webtorrent.storage.create import create_info
from tests.engine.classroom import Machine, all_done, classroom, digest, until, write_random

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

ONE, TWO, THREE = (f"http://{name}.example/announce" for name in ("one", "two", "three"))
UDP = "udp://udp.example:6969"


@dataclass
class FakeTracker:
    """Answers every announce alike, with the addresses of whoever announced before."""

    response: TcpAnnounceResponse = field(
        default_factory=lambda: TcpAnnounceResponse(interval=1800, complete=1, incomplete=0)
    )
    failure: str = ""
    hangs: bool = False
    counts: SwarmCounts | None = None
    heard: list[tuple[float, TcpAnnounce]] = field(default_factory=list)

    async def announce(self, announce: TcpAnnounce) -> TcpAnnounceResponse:
        self.heard.append((asyncio.get_running_loop().time(), announce))
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise NetError(self.failure)
        return self.response

    async def scrape(self, info_hash: InfoHash) -> SwarmCounts:
        if self.counts is None:
            raise NetError("no scrapes here")
        return self.counts

    async def aclose(self) -> None:
        pass

    @property
    def events(self) -> list[str | None]:
        return [announce.event for _, announce in self.heard]

    @property
    def waits(self) -> list[float]:
        """Seconds between one announce and the next."""
        times = [when for when, _ in self.heard]
        return [after - before for before, after in pairwise(times)]


def use(machine: Machine, **trackers: FakeTracker) -> None:
    """Answer for the trackers ONE, TWO, … by name."""
    by_url = {f"http://{name}.example/announce": tracker for name, tracker in trackers.items()}
    machine.session._services.tcp_trackers.get = by_url.__getitem__  # type: ignore[method-assign, assignment]


async def share(machine: Machine, *trackers: str, size: int = 1000) -> Torrent:
    data = write_random(machine.folder / "data.csv", size)
    return await machine.session.share(ShareRequest(paths=[str(data)], trackers=list(trackers)))


async def fetch(machine: Machine, info_hash: object, *trackers: str) -> Torrent:
    request = FetchRequest(
        link=f"magnet:?xt=urn:btih:{info_hash}", folder=str(machine.folder), trackers=list(trackers)
    )
    return await machine.session.fetch(request)


async def fetch_tier(machine: Machine, folder: Path, *tiers: tuple[str, ...]) -> Torrent:
    """Fetch by a .torrent file with these tiers, which nobody serves."""
    data = write_random(folder / "elsewhere.csv", 1000)
    created = create_info([data])
    file = folder / "tiers.torrent"
    file.write_bytes(Metainfo(created.info, trackers=tiers).to_bytes())
    return await machine.session.fetch(FetchRequest(link=str(file), folder=str(machine.folder)))


def statuses(machine: Machine, torrent: Torrent) -> dict[str, TrackerStatus]:
    return {status.url: status for status in machine.session.details(torrent).trackers}


async def test_two_peers_meet_at_a_tracker(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        use(teacher, one=FakeTracker())
        shared = await share(teacher, ONE, size=300_000)
        where = PeerAddress.from_text(teacher.address)
        tracker = FakeTracker(TcpAnnounceResponse(interval=1800, peers=(where,)))
        use(student, one=tracker)
        fetched = await fetch(student, shared.info_hash, ONE)
        await all_done([fetched], 60)
        assert digest(student.folder / "data.csv") == digest(teacher.folder / "data.csv")
        await until(lambda: len(tracker.heard) == 2)
        await student.session.remove(fetched.info_hash)
    assert tracker.events == ["started", "completed", "stopped"]
    (_, started), (_, completed), (_, stopped) = tracker.heard
    assert (started.left, completed.left, stopped.left) == (None, 0, 0)
    assert completed.downloaded >= 300_000
    assert started.port == PeerAddress.from_text(str(student.address)).port
    assert (started.numwant, stopped.numwant) == (50, 0)
    assert started.key == stopped.key != 0


async def test_a_seed_announces_at_the_interval_and_never_sooner(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        tracker = FakeTracker(TcpAnnounceResponse(interval=180, min_interval=10))
        use(teacher, one=tracker)
        await share(teacher, ONE)
        await asyncio.sleep(1200)
    assert tracker.events[:-1] == ["started"] + [None] * (len(tracker.heard) - 2)
    assert tracker.events[-1] == "stopped"
    assert len(tracker.heard) == 8
    assert all(180 <= wait <= 180 * 1.1 + 1 for wait in tracker.waits[:-1])


@pytest.mark.parametrize(
    ("least", "interval", "wait"),
    [(60.0, 1800, 60), (None, 1800, SHORTEST_WAIT_ALONE), (None, 90, 90), (200.0, 100, 100)],
)
async def test_a_download_without_peers_asks_again_as_soon_as_it_may(
    tmp_path: Path, least: float | None, interval: float, wait: float
) -> None:
    async with classroom(tmp_path) as room:
        student = await room.machine("student")
        tracker = FakeTracker(TcpAnnounceResponse(interval=interval, min_interval=least))
        use(student, one=tracker)
        await fetch(student, "ab" * 20, ONE)
        await until(lambda: len(tracker.heard) == 3, 2.2 * wait + 1)
    assert all(wait <= seconds <= wait * 1.1 + 1 for seconds in tracker.waits[:-1])


async def test_a_download_that_loses_its_peers_asks_before_the_interval_is_over(
    tmp_path: Path,
) -> None:
    async with classroom(tmp_path, Link(latency=0.01, rate=20_000)) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await share(teacher, size=10_000_000)
        where = PeerAddress.from_text(teacher.address)
        tracker = FakeTracker(TcpAnnounceResponse(interval=7200, min_interval=30, peers=(where,)))
        use(student, one=tracker)
        fetched = await fetch(student, shared.info_hash, ONE)
        await asyncio.sleep(300)
        assert fetched.peering.peer_count == 1
        assert len(tracker.heard) == 1
        await teacher.session.aclose()
        await until(lambda: len(tracker.heard) > 1, 180)
        await student.session.remove(fetched.info_hash)


async def test_of_a_tier_the_first_that_works_is_used_and_asked_first_from_then_on(
    tmp_path: Path,
) -> None:
    async with classroom(tmp_path) as room:
        student = await room.machine("student")
        down, third = FakeTracker(failure="it is down"), FakeTracker()
        works = FakeTracker(TcpAnnounceResponse(interval=100, complete=1))
        use(student, one=down, two=works, three=third)
        student.session._services.random.shuffle = list  # type: ignore[method-assign, assignment]
        fetched = await fetch_tier(student, tmp_path, (ONE, TWO, THREE))
        await asyncio.sleep(150)
        assert (down.events, works.events[:2], third.events) == (["started"], ["started", None], [])
        states = statuses(student, fetched)
        assert (states[ONE].state, states[ONE].message) == ("failed", "it is down")
        assert (states[TWO].state, states[TWO].seeders) == ("working", 1)
        assert states[THREE].state == "standby"
        works.failure = "now this one"
        await until(lambda: bool(third.heard), 200)
        assert third.events == ["started"]
        await student.session.remove(fetched.info_hash)
    assert down.events == ["started"] * 2
    assert "stopped" in works.events
    assert third.events[-1] == "stopped"


async def test_a_tier_is_shuffled(tmp_path: Path) -> None:
    first: set[str] = set()
    for seed in range(8):
        folder = tmp_path / str(seed)
        folder.mkdir()
        async with classroom(folder) as room:
            student = await room.machine("student")
            student.session._services.random = Random(seed)
            trackers = {"one": FakeTracker(), "two": FakeTracker()}
            use(student, **trackers)
            fetched = await fetch_tier(student, folder, (ONE, TWO))
            await asyncio.sleep(1)
            first.update(name for name, tracker in trackers.items() if tracker.heard)
            assert sum(len(tracker.heard) for tracker in trackers.values()) == 1
            await student.session.remove(fetched.info_hash)
    assert first == {"one", "two"}


async def test_all_tiers_are_used_at_once_and_so_are_a_links_trackers(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        student = await room.machine("student")
        trackers = {"one": FakeTracker(), "two": FakeTracker(), "three": FakeTracker(hangs=True)}
        use(student, **trackers)
        await fetch_tier(student, tmp_path, (ONE,), (TWO, THREE))
        other = "".join(f"&tr={url}" for url in (ONE, TWO, THREE))
        link = f"magnet:?xt=urn:btih:{'ab' * 20}{other}"
        await student.session.fetch(FetchRequest(link=link, folder=str(student.folder)))
        await asyncio.sleep(1)
        hashes = [{str(a.info_hash) for _, a in tracker.heard} for tracker in trackers.values()]
        assert all("ab" * 20 in heard for heard in hashes)
        assert len(hashes[0]) == 2


async def test_a_tracker_that_is_down_is_tried_ever_less_often(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        student = await room.machine("student")
        tracker = FakeTracker(failure="connection refused")
        use(student, one=tracker)
        fetched = await fetch(student, "ab" * 20, ONE)
        await asyncio.sleep(900)
        status = statuses(student, fetched)[ONE]
        assert (status.state, status.message) == ("failed", "connection refused")
        tracker.failure = ""
        await until(lambda: statuses(student, fetched)[ONE].state == "working", 1000)
        assert tracker.events == ["started"] * len(tracker.heard)
    assert 1 <= tracker.waits[0] <= 2
    assert len(tracker.waits) >= 6
    for attempt, wait in enumerate(tracker.waits[1:6]):
        assert 10 * 2**attempt <= wait <= 15 * 2**attempt


async def test_completed_is_told_when_the_tracker_is_back(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await share(teacher, size=300_000)
        where = PeerAddress.from_text(teacher.address)
        tracker = FakeTracker(TcpAnnounceResponse(interval=100, peers=(where,)))
        use(student, one=tracker)
        fetched = await fetch(student, shared.info_hash, ONE)
        await until(lambda: len(tracker.heard) == 1)
        tracker.failure = "it is down"
        await all_done([fetched], 60)
        await until(lambda: len(tracker.heard) == 4)
        tracker.failure = ""
        await asyncio.sleep(400)
    last = tracker.events[4:]
    assert tracker.events[:5] == ["started", *["completed"] * 4]
    assert last.count("completed") == 1
    assert tracker.events[-1] == "stopped"


async def test_closing_waits_two_seconds_for_a_tracker_at_most(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        trackers = {"one": FakeTracker(), "two": FakeTracker(), "three": FakeTracker(failure="no")}
        use(teacher, **trackers)
        await share(teacher, ONE, TWO, THREE)
        await asyncio.sleep(10)
        for tracker in trackers.values():
            tracker.hangs = True
        loop = asyncio.get_running_loop()
        start = loop.time()
        await teacher.session.aclose()
        assert loop.time() - start <= STOP_SECONDS + 0.1
    assert trackers["one"].events[-1] == trackers["two"].events[-1] == "stopped"
    assert "stopped" not in trackers["three"].events  # which never counted us


async def test_what_a_tracker_says_of_itself_and_us_is_heeded(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        student = await room.machine("student")
        listening = student.session._services
        tracker = FakeTracker(counts=SwarmCounts(complete=3, incomplete=4))
        use(student, one=tracker)
        fetched = await fetch(student, "ab" * 20, ONE)
        assert listening.listening is not None
        us = PeerAddress("203.0.113.7", listening.listening.port)
        them = PeerAddress("203.0.113.8", us.port)
        tracker.response = TcpAnnounceResponse(
            interval=60,
            tracker_id=b"\x01id",
            warning="be gentle",
            external_ip=us.host,
            peers=(us, them),
        )
        await until(lambda: len(tracker.heard) == 2)
        tracker.response = replace(tracker.response, tracker_id=b"")
        await until(lambda: len(tracker.heard) == 4, 600)
        assert [announce.tracker_id for _, announce in tracker.heard] == [b""] + [b"\x01id"] * 3
        assert list(fetched.peering.connections.book.addresses()) == [them]
        status = statuses(student, fetched)[ONE]
        assert (status.message, status.seeders, status.leechers) == ("be gentle", 3, 4)
        tracker.counts = None
        await asyncio.sleep(120)
        assert statuses(student, fetched)[ONE].seeders is None


async def test_without_tcp_such_a_tracker_is_no_use_and_says_so(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        student = await room.machine("student", transports=frozenset({"webrtc"}))
        fetched = await fetch(student, "ab" * 20, ONE, "ws://127.0.0.1:9/announce")
        await asyncio.sleep(5)
        status = statuses(student, fetched)[ONE]
        assert status.state == "failed"
        assert "needs the transport tcp" in status.message


async def test_only_what_a_person_named_may_lead_anywhere() -> None:
    http = GuardedClient()
    trackers = TcpTrackers(http, Random(1))
    inner = "http://127.0.0.1:8888/api"
    with pytest.raises(GuardError):
        trackers.get(inner)
    trackers.named([inner])
    assert isinstance(trackers.get(inner), HttpTracker)
    assert isinstance(trackers.get(UDP), UdpTracker)
    assert trackers.get(UDP) is trackers.get(UDP)
    await trackers.aclose()
    await http.aclose()
