"""What goes wrong, in virtual time: liars, silent strangers, full disks, files that vanish."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.transport import Transport
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from jupyter_webtorrent.protocol.messages import Have, Request
from jupyter_webtorrent.schema.transfers import FetchRequest, TransferState
from jupyter_webtorrent.storage.errors import DiskFullError, DiskTroubleError
from jupyter_webtorrent.storage.store import PieceStore
from tests.engine.classroom import Classroom, all_done, classroom, digest, until, write_random

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

MB = 1_000_000


class Stranger:
    """A peer made by hand: sends what it is told, and remembers what it hears."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.heard = bytearray()
        self.reason = ""
        self.ended_at: float | None = None
        self._buffer = bytearray(1 << 16)
        transport.start(self)

    def get_buffer(self) -> memoryview:
        return memoryview(self._buffer)

    def buffer_updated(self, count: int) -> None:
        self.heard += self._buffer[:count]

    def closed(self, reason: str) -> None:
        self.reason = reason
        self.ended_at = asyncio.get_running_loop().time()

    async def ended(self) -> float:
        """When the other side hung up, in seconds of virtual time."""
        await until(lambda: self.ended_at is not None, 600)
        assert self.ended_at is not None
        return self.ended_at


async def meet(room: Classroom, address: str) -> Stranger:
    host = room.network.host("stranger")
    return Stranger(await host.dial(PeerAddress.from_text(address)))


def corrupt(torrent: Torrent) -> None:
    """Make a seed send zeros in place of its data."""
    store = torrent.data.disk.store
    assert store is not None
    store.read = lambda offset, length: bytes(length)  # type: ignore[method-assign]


async def test_corrupt_data_never_gets_the_real_name(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        liar, honest = await room.machine("liar"), await room.machine("honest")
        student = await room.machine("student")
        false = await liar.share(data)
        corrupt(false)
        fetched = await student.fetch(false, [liar.address])
        await until(
            lambda: [k.state.value for k in fetched.peering.connections.book.known()] == ["banned"]
        )
        await asyncio.sleep(60)
        assert not (student.folder / "data.csv").exists()
        assert fetched.swarm.down.total < MB + 200_000  # the liar was not asked again
        await honest.share(data)
        fetched.peering.add_peers((PeerAddress.from_text(honest.address),))
        await all_done([fetched], 60)
        assert digest(student.folder / "data.csv") == digest(data)


async def test_a_liar_among_honest_peers_does_not_keep_the_data_away(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 2 * MB)
    async with classroom(tmp_path) as room:
        liar, honest = await room.machine("liar"), await room.machine("honest")
        student = await room.machine("student")
        shared = await honest.share(data)
        corrupt(await liar.share(data))
        fetched = await student.fetch(shared, [liar.address, honest.address])
        await all_done([fetched], 120)
        assert digest(student.folder / "data.csv") == digest(data)


async def test_a_disk_that_refuses_is_waited_for_while_what_is_there_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_random(tmp_path / "data.csv", 2 * MB)
    write_piece = PieceStore.write_piece

    def full_after_a_while(store: PieceStore, index: int, piece: bytes) -> bool:
        if store.target.parent.name == "student" and index >= 60:
            raise DiskFullError("cannot write data.csv: No space left on device")
        return write_piece(store, index, piece)

    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        friend = await room.machine("friend")
        shared = await teacher.share(data)
        monkeypatch.setattr(PieceStore, "write_piece", full_after_a_while)
        fetched = await student.fetch(shared, [teacher.address])
        await until(lambda: "No space left" in student.session.transfer(fetched).notice)
        assert "trying again every 30 s" in student.session.transfer(fetched).notice
        await asyncio.sleep(120)
        assert fetched.state is TransferState.DOWNLOADING
        came = fetched.swarm.down.total
        await asyncio.sleep(300)
        assert fetched.swarm.down.total == came  # nothing more is asked for
        passed_on = await friend.fetch(shared, [student.address])
        await until(lambda: passed_on.swarm.have == fetched.swarm.have)
        monkeypatch.undo()
        await all_done([fetched, passed_on], 90)
        assert student.session.transfer(fetched).notice == ""
        assert digest(student.folder / "data.csv") == digest(data)
        assert fetched.swarm.down.total < data.stat().st_size + 100_000  # hardly a byte came twice


async def test_a_download_that_cannot_be_finished_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_random(tmp_path / "data.csv", MB)

    def refuse(store: PieceStore) -> list[Path]:
        raise DiskTroubleError("cannot flush data.csv: Input/output error")

    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        with monkeypatch.context() as patch:
            patch.setattr(PieceStore, "finish", refuse)
            fetched = await student.fetch(shared, [teacher.address])
            await until(lambda: "cannot flush" in student.session.transfer(fetched).notice)
        (student.folder / ".data.csv.wtpart").unlink()  # and someone tidies up meanwhile
        await all_done([fetched], 300)
        assert digest(student.folder / "data.csv") == digest(data)


async def test_a_silent_stranger_is_hung_up_on(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        await teacher.share(data)
        stranger = await meet(room, teacher.address)
        assert 10 <= await stranger.ended() <= 11
        assert not stranger.heard


def _other_protocol(_: InfoHash) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: teacher\r\n\r\n"


def _other_torrent(_: InfoHash) -> bytes:
    return Handshake(InfoHash(bytes(20)), PeerId(b"s" * 20)).encode()


def _bad_piece_index(info_hash: InfoHash) -> bytes:
    return Handshake(info_hash, PeerId(b"s" * 20)).encode() + Have(5).encode()


def _impossible_length(info_hash: InfoHash) -> bytes:
    return Handshake(info_hash, PeerId(b"s" * 20)).encode() + b"\xff\xff\xff\xff\x07"


def _impossible_request(info_hash: InfoHash) -> bytes:
    return Handshake(info_hash, PeerId(b"s" * 20)).encode() + Request(0, 1000, 1).encode()


@pytest.mark.parametrize(
    "greeting",
    [_other_protocol, _other_torrent, _bad_piece_index, _impossible_length, _impossible_request],
)
async def test_a_stranger_that_breaks_the_rules_is_hung_up_on(
    greeting: Callable[[InfoHash], bytes], tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        stranger = await meet(room, teacher.address)
        began = asyncio.get_running_loop().time()
        stranger.transport.write(greeting(shared.info_hash))
        assert await stranger.ended() - began < 1
        assert shared.state is TransferState.SEEDING
        assert not shared.swarm.peers


async def test_a_peer_that_falls_silent_is_dropped_but_one_that_keeps_alive_is_not(
    tmp_path: Path,
) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        mute, alive = await meet(room, teacher.address), await meet(room, teacher.address)
        mute.transport.write(Handshake(shared.info_hash, PeerId(b"m" * 20)).encode())
        alive.transport.write(Handshake(shared.info_hash, PeerId(b"a" * 20)).encode())
        for _ in range(5):
            await asyncio.sleep(50)
            alive.transport.write(bytes(4))
        assert 110 < await mute.ended() < 160
        assert alive.ended_at is None
        assert alive.heard.endswith(bytes(4))  # we keep it alive as well


async def test_unfinished_connections_of_one_address_are_few(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        await teacher.share(data)
        crowd = [await meet(room, teacher.address) for _ in range(12)]
        await asyncio.sleep(1)
        assert sum(stranger.ended_at is None for stranger in crowd) == 8


async def test_a_torrent_takes_no_more_peers_than_it_may(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher", max_peers_per_torrent=5)
        shared = await teacher.share(data)
        crowd = []
        for number in range(8):
            stranger = await meet(room, teacher.address)
            peer_id = PeerId(str(number).encode() * 20)
            stranger.transport.write(Handshake(shared.info_hash, peer_id).encode())
            crowd.append(stranger)
            await asyncio.sleep(1)
        assert sum(stranger.ended_at is None for stranger in crowd) == 5
        assert len(shared.swarm.peers) == 5


async def test_a_download_whose_disk_refuses_can_be_paused_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_random(tmp_path / "data.csv", MB)

    def full(store: PieceStore, index: int, piece: bytes) -> bool:
        raise DiskFullError("cannot write data.csv: No space left on device")

    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        with monkeypatch.context() as patch:
            patch.setattr(PieceStore, "write_piece", full)
            fetched = await student.fetch(shared, [teacher.address])
            await until(lambda: "No space left" in student.session.transfer(fetched).notice)
            async with asyncio.timeout(5):
                await student.session.pause(fetched.info_hash)
        await student.session.resume(fetched.info_hash)
        await all_done([fetched], 60)
        assert digest(student.folder / "data.csv") == digest(data)


async def test_peers_that_never_give_the_metadata_are_told_of_after_a_while(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        one, other = await room.machine("one"), await room.machine("other")
        link = f"magnet:?xt=urn:btih:{'ab' * 20}&x.pe="
        await one.session.fetch(FetchRequest(f"{link}nobody:1", str(one.folder)))
        fetched = await other.session.fetch(FetchRequest(link + one.address, str(other.folder)))
        await until(lambda: bool(fetched.swarm.peers))
        assert other.session.transfer(fetched).notice == ""
        await asyncio.sleep(60)
        assert fetched.swarm.peers
        assert "use the .torrent file instead" in other.session.transfer(fetched).notice
