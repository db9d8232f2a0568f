"""A pause that truly stops, goals that end the seeding, and peers that never read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from jupyter_webtorrent.engine.disk import TorrentDisk
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.peer_connection import PeerConnection
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.guard import Policy
from jupyter_webtorrent.net.memory import Link, MemoryTransport
from jupyter_webtorrent.net.trackers.websocket import TrackerListener
from jupyter_webtorrent.protocol.extension import (
    HANDSHAKE_ID,
    OUR_IDS,
    UT_METADATA,
    ExtensionHandshake,
    MetadataRequest,
)
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerId
from jupyter_webtorrent.protocol.messages import Extended, Interested, Request
from jupyter_webtorrent.protocol.ws_messages import Announce, AnnounceResponse, Answer
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest, TransferState
from tests.engine.classroom import Machine, all_done, classroom, digest, until, write_random
from tests.engine.test_restore import computer, only
from tests.engine.test_trouble import meet

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

MB = 1_000_000
P = ParamSpec("P")
T = TypeVar("T")

SLOW = Link(latency=0.02, rate=500_000)


class Wire:
    """Counts every byte that any machine writes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.written = 0
        write = MemoryTransport.write

        def counted(transport: MemoryTransport, *parts: bytes) -> None:
            self.written += sum(len(part) for part in parts)
            write(transport, *parts)

        monkeypatch.setattr(MemoryTransport, "write", counted)


class SlowDisk:
    """Takes two seconds for everything."""

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        result = function(*args, **kwargs)
        await asyncio.sleep(2)
        return result

    def close(self) -> None:
        pass


class Tracker:
    """Knows nobody, and remembers what it was told."""

    policy = Policy.NAMED

    def __init__(self) -> None:
        self.heard: list[str | None] = []
        self._listeners: dict[InfoHash, TrackerListener] = {}

    def subscribe(self, info_hash: InfoHash, listener: TrackerListener) -> None:
        self._listeners[info_hash] = listener
        asyncio.get_running_loop().call_soon(listener.connected)

    def unsubscribe(self, info_hash: InfoHash) -> None:
        del self._listeners[info_hash]

    def send(self, message: Announce | Answer) -> bool:
        assert isinstance(message, Announce)
        self.heard.append(message.event)
        reply = AnnounceResponse(info_hash=message.info_hash, complete=0, incomplete=0)
        asyncio.get_running_loop().call_soon(self._reply, reply)
        return True

    def _reply(self, reply: AnnounceResponse) -> None:
        if (listener := self._listeners.get(reply.info_hash)) is not None:
            listener.announced(reply)

    async def aclose(self) -> None:
        pass


def watched(machine: Machine) -> Tracker:
    """Let a machine's announces go to a tracker that remembers them."""
    tracker = Tracker()
    machine.session._services.new_tracker = lambda url, policy: tracker
    return tracker


async def fetch_at_a_tracker(machine: Machine, shared: Torrent, peer: str) -> Torrent:
    link = f"magnet:?xt=urn:btih:{shared.info_hash}"
    return await machine.session.fetch(
        FetchRequest(link, str(machine.folder), trackers=["ws://tracker.example/"], peers=[peer])
    )


async def test_not_a_byte_moves_while_a_fetch_is_paused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire(monkeypatch)
    data = write_random(tmp_path / "data.csv", 4 * MB)
    async with classroom(tmp_path, SLOW) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        tracker = watched(student)
        shared = await teacher.share(data)
        fetched = await fetch_at_a_tracker(student, shared, teacher.address)
        await until(lambda: fetched.swarm.down.total > MB)
        await student.session.pause(fetched.info_hash)
        assert fetched.state is TransferState.PAUSED
        assert tracker.heard[0] == "started"
        assert tracker.heard[-1] == "stopped"
        await asyncio.sleep(1)  # what was on the way arrives, or is lost
        written, heard = wire.written, len(tracker.heard)
        had = fetched.swarm.down.total
        await asyncio.sleep(600)
        assert wire.written == written
        assert len(tracker.heard) == heard
        assert not fetched.swarm.peers
        assert student.session.status().down_rate == 0
        assert not fetched.arrival.done.done()

        resumed_at = asyncio.get_running_loop().time()
        await student.session.resume(fetched.info_hash)
        await until(lambda: fetched.swarm.down.total > had, 1)
        await all_done([fetched], 60)
        assert asyncio.get_running_loop().time() - resumed_at < 3 * MB / 500_000 + 2
        assert fetched.swarm.down.total < 4 * MB + 600_000  # what was there did not come again
        assert tracker.heard[heard:][:1] == ["started"]
        assert digest(student.folder / "data.csv") == digest(data)


async def test_a_stranger_is_turned_away_from_a_paused_share_until_it_is_resumed(
    tmp_path: Path,
) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        await teacher.session.pause(shared.info_hash)
        stranger = await meet(room, teacher.address)
        stranger.transport.write(Handshake(shared.info_hash, PeerId(b"s" * 20)).encode())
        await stranger.ended()
        assert not stranger.heard
        fetched = await student.fetch(shared, [teacher.address])
        await asyncio.sleep(60)
        assert fetched.swarm.down.total == 0
        await teacher.session.resume(shared.info_hash)
        await all_done([fetched], 300)
        assert shared.state is TransferState.SEEDING


async def test_a_pause_while_the_file_list_is_missing_ends_when_it_is_fetched_again(
    tmp_path: Path,
) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, ["nobody:1"])
        await asyncio.sleep(5)
        await student.session.pause(fetched.info_hash)
        assert fetched.state is TransferState.PAUSED
        again = await student.fetch(shared, [teacher.address])
        assert again is fetched
        assert student.session.transfer(fetched).state is TransferState.METADATA
        await all_done([fetched], 60)


async def test_a_pause_while_checking_lets_go_of_the_files(
    tmp_path: Path,
) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        student.session._services.offload = SlowDisk()
        fetched = await student.fetch(shared, [teacher.address])
        await until(lambda: fetched.state is TransferState.CHECKING)
        await student.session.pause(fetched.info_hash)
        assert fetched.state is TransferState.PAUSED
        assert not fetched.swarm.peers
        await student.session.resume(fetched.info_hash)
        await all_done([fetched], 120)
        assert digest(student.folder / "data.csv") == digest(data)


async def test_pieces_on_their_way_to_the_disk_arrive_there_in_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_random(tmp_path / "data.csv", 2 * MB)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address])
        write_piece = fetched.data.disk.write_piece

        async def slowly(index: int, piece: bytearray) -> bool:
            await asyncio.sleep(3)
            return await write_piece(index, piece)

        monkeypatch.setattr(fetched.data.disk, "write_piece", slowly)
        for _ in range(4):
            await asyncio.sleep(0.4)
            await student.session.pause(fetched.info_hash)
            downloader = fetched.swarm.downloader
            assert downloader is None or not downloader.unverified_bytes
            await student.session.resume(fetched.info_hash)
        await all_done([fetched], 120)
        assert digest(student.folder / "data.csv") == digest(data)


async def test_pausing_twice_resuming_twice_and_removing_while_paused(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 2 * MB)
    async with classroom(tmp_path, SLOW) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        tracker = watched(student)
        shared = await teacher.share(data)
        fetched = await fetch_at_a_tracker(student, shared, teacher.address)
        await student.session.pause(fetched.info_hash)  # before it has begun
        await student.session.pause(fetched.info_hash)
        assert fetched.state is TransferState.PAUSED
        await student.session.resume(fetched.info_hash)
        await student.session.resume(fetched.info_hash)
        await until(lambda: fetched.swarm.down.total > MB)
        await student.session.pause(fetched.info_hash)
        await student.session.remove(fetched.info_hash, delete_data=True)
        assert not list(student.folder.iterdir())
        assert student.session.torrents == {}
        assert tracker.heard.count("stopped") == tracker.heard.count("started") == 1


async def test_what_has_failed_cannot_be_paused(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address], select=["nothing.csv"])
        await until(lambda: fetched.state is TransferState.FAILED)
        with pytest.raises(EngineError, match="has failed"):
            await student.session.pause(fetched.info_hash)


async def test_what_was_fetched_is_seeded_to_its_goal_and_then_paused(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        student = await room.machine("student", seed_ratio=2, pex=False)
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address])
        await all_done([fetched], 60)
        await teacher.session.remove(shared.info_hash)
        for other in await room.machines("other", 2):
            assert fetched.state is TransferState.SEEDING
            await all_done([await other.fetch(fetched, [student.address])], 60)
        await until(lambda: fetched.state is TransferState.PAUSED, 5)
        status = student.session.transfer(fetched)
        assert status.notice == "seeded to a ratio of 2"
        await student.session.resume(fetched.info_hash)
        await asyncio.sleep(60)
        assert fetched.state is TransferState.SEEDING
        assert student.session.transfer(fetched).notice == ""


async def test_a_goal_in_time_counts_the_time_of_seeding_alone(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        link = f"magnet:?xt=urn:btih:{shared.info_hash}"
        fetched = await student.session.fetch(
            FetchRequest(link, str(student.folder), peers=[teacher.address], seed_seconds=60)
        )
        await all_done([fetched], 60)
        await asyncio.sleep(30)
        await student.session.pause(fetched.info_hash)
        await asyncio.sleep(100)
        await student.session.resume(fetched.info_hash)
        await asyncio.sleep(20)
        assert fetched.state is TransferState.SEEDING
        await until(lambda: fetched.state is TransferState.PAUSED, 20)
        assert student.session.transfer(fetched).notice == "seeded for 60 s"


async def test_what_was_shared_is_seeded_without_end_unless_its_share_says_otherwise(
    tmp_path: Path,
) -> None:
    one, other = (write_random(tmp_path / f"{n}.csv", 1000, seed=n) for n in (1, 2))
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher", seed_seconds=5, seed_ratio=0)
        endless = await teacher.share(one)
        brief = await teacher.session.share(ShareRequest(paths=[str(other)], seed_seconds=30))
        await asyncio.sleep(60)
        assert endless.state is TransferState.SEEDING
        assert brief.state is TransferState.PAUSED
        again = await teacher.share(other)
        assert again is brief
        await asyncio.sleep(60)
        assert again.state is TransferState.SEEDING


async def test_a_peer_that_never_reads_makes_us_hold_a_mebibyte_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, ended = 0, ""
    write, closed = MemoryTransport.write, PeerConnection.close

    def watch(transport: MemoryTransport, *parts: bytes) -> None:
        nonlocal held
        write(transport, *parts)
        if not transport.remote.startswith("teacher"):
            held = max(held, transport.unsent)

    def close(connection: PeerConnection, reason: str) -> None:
        nonlocal ended
        ended = ended or reason
        closed(connection, reason)

    data = write_random(tmp_path / "data.csv", 1000)
    pieces = write_random(tmp_path / "large.bin", 12 * MB)
    async with classroom(tmp_path, Link()) as room:
        teacher = await room.machine("teacher")
        await teacher.share(data)
        shared = await teacher.share(pieces)
        assert shared.info is not None
        object.__setattr__(shared.info, "raw", bytes(4 << 20))  # as large as metadata may be
        stranger = await meet(room, teacher.address)
        assert isinstance(stranger.transport, MemoryTransport)
        deliver = stranger.transport.peer._deliver
        monkeypatch.setattr(MemoryTransport, "write", watch)
        monkeypatch.setattr(PeerConnection, "close", close)
        ours = ExtensionHandshake(ids={UT_METADATA: 3})
        stranger.transport.write(
            Handshake(shared.info_hash, PeerId(b"s" * 20)).encode(),
            Extended(HANDSHAKE_ID, ours.encode()).encode(),
            Interested().encode(),
        )
        await asyncio.sleep(0.01)
        room.network.link = Link(rate=1)  # nothing more arrives at it
        for number in range(256):
            request = Extended(OUR_IDS[UT_METADATA], MetadataRequest(number).encode())
            deliver(request.encode())
        for number in range(400):
            deliver(Request(number, 0, 1 << 14).encode())
        await asyncio.sleep(30)
        assert 600_000 < held <= 1 << 20
        for _ in range(30_000):  # most of which are turned down, and that is told
            request = Extended(OUR_IDS[UT_METADATA], MetadataRequest(0).encode())
            deliver(request.encode())
        assert held <= 1 << 20
        assert "does not read" in ended


async def test_a_pause_ends_the_check_of_what_an_earlier_session_paused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.bin", 2 * MB)
    async with classroom(tmp_path, SLOW) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        async with computer(room, "student", tmp_path / "state") as student:
            fetched = await student.fetch(shared, [teacher.address])
            await until(lambda: fetched.swarm.have.count() > 30)
            await student.session.pause(fetched.info_hash)

        async def never_ending(*_: object) -> None:
            await asyncio.sleep(3600)

        async with computer(room, "student", tmp_path / "state") as student:
            with monkeypatch.context() as patch:
                patch.setattr(TorrentDisk, "open", never_ending)
                again = only(student.session)
                await asyncio.sleep(1)
                assert student.session.transfer(again).state is TransferState.CHECKING
                async with asyncio.timeout(1):
                    await student.session.pause(again.info_hash)
                assert again.state is TransferState.PAUSED
            await student.session.resume(again.info_hash)
            await all_done([again], 60)
            assert digest(student.folder / "data.bin") == digest(data)


async def test_a_pause_that_is_taken_back_at_once_keeps_nobody_waiting(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.bin", MB)
    async with classroom(tmp_path, SLOW) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        fetched = await student.fetch(await teacher.share(data), [teacher.address])
        await until(lambda: fetched.swarm.downloader is not None)
        async with asyncio.timeout(1):
            await asyncio.gather(
                student.session.pause(fetched.info_hash), student.session.resume(fetched.info_hash)
            )
        await all_done([fetched], 60)
