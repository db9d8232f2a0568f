"""More connections than there is room for; on the network in memory, under virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_webtorrent.net.memory import MemoryNetwork
from jupyter_webtorrent.net.transport import Transport
from jupyter_webtorrent.protocol.handshake import Handshake
from jupyter_webtorrent.protocol.identity import InfoHash, PeerAddress, PeerId
from tests.engine.classroom import Machine, all_done, classroom, digest, write_random

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]


class Silent:
    """Connects, shakes hands if it is told to, and says nothing more. Implements `Receiver`."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.open = True
        transport.start(self)

    @classmethod
    async def connect(cls, network: MemoryNetwork, name: str, to: Machine) -> Silent:
        return cls(await network.host(name).dial(PeerAddress.from_text(to.address)))

    def shake_hands(self, info_hash: InfoHash, number: int) -> None:
        peer_id = PeerId(b"-XX0001-" + f"{number:012}".encode())
        self.transport.write(Handshake(info_hash, peer_id).encode())

    def get_buffer(self) -> memoryview:
        return memoryview(bytearray(4096))

    def buffer_updated(self, count: int) -> None:
        pass

    def closed(self, reason: str) -> None:
        self.open = False


async def test_the_silent_of_one_address_keep_out_nobody_of_that_address(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(write_random(teacher.folder / "data.csv", 300_000))
        silent = [await Silent.connect(room.network, "student", teacher) for _ in range(20)]
        await asyncio.sleep(0.1)
        assert sum(each.open for each in silent) == teacher.session.config.max_half_open_per_address
        student = await room.machine("student")
        await all_done([await student.fetch(shared, [teacher.address])], 5)


async def test_the_silent_of_many_addresses_keep_nobody_out(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(write_random(teacher.folder / "data.csv", 300_000))
        silent = [await Silent.connect(room.network, f"silent-{n}", teacher) for n in range(300)]
        await asyncio.sleep(0.1)
        assert sum(each.open for each in silent) == teacher.session.config.max_half_open
        student = await room.machine("student")
        await all_done([await student.fetch(shared, [teacher.address])], 5)
        await asyncio.sleep(teacher.session.config.handshake_timeout)
        assert not any(each.open for each in silent)


async def test_who_shook_hands_and_wants_nothing_makes_room_for_who_does(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        data = write_random(teacher.folder / "data.csv", 3_000_000)
        shared = await teacher.share(data)
        room_for = teacher.session.config.max_peers_per_torrent
        crowd = []
        for number in range(room_for + 30):
            silent = await Silent.connect(room.network, f"silent-{number}", teacher)
            silent.shake_hands(shared.info_hash, number)
            crowd.append(silent)
            await asyncio.sleep(0.05)
        assert shared.peering.peer_count == room_for
        student = await room.machine("student")
        fetched = await student.fetch(shared, [teacher.address])
        for number in range(100, 140):  # the crowd goes on coming
            silent = await Silent.connect(room.network, f"silent-{number}", teacher)
            silent.shake_hands(shared.info_hash, number)
            await asyncio.sleep(0.05)
        await all_done([fetched], 20)
        assert digest(student.folder / "data.csv") == digest(data)
        assert shared.peering.peer_count <= room_for


async def test_a_peer_that_is_served_is_never_put_out(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher", max_peers_per_torrent=1)
        shared = await teacher.share(write_random(teacher.folder / "data.csv", 20_000_000))
        student, late = await room.machine("student"), await room.machine("late")
        fetched = await student.fetch(shared, [teacher.address])
        await asyncio.sleep(3)
        await late.fetch(shared, [teacher.address])
        await asyncio.sleep(3)
        (served,) = shared.swarm.peers
        assert served.host == "student"
        await all_done([fetched], 60)
