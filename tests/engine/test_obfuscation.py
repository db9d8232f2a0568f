"""Sessions with each setting of encryption meet, or do not, over a network in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.obfuscation import HANDSHAKES_A_SECOND
from jupyter_webtorrent.net.memory import MemoryTransport
from jupyter_webtorrent.protocol.handshake import PROTOCOL_HEADER, Handshake
from jupyter_webtorrent.protocol.identity import PeerId
from tests.engine.classroom import all_done, classroom, digest, write_random
from tests.engine.test_trouble import meet

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

MB = 1_000_000


@pytest.mark.parametrize("fetches", ["off", "prefer", "require"])
@pytest.mark.parametrize("shares", ["off", "prefer", "require"])
async def test_who_can_meet_does(
    shares: str, fetches: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = bytearray()
    write = MemoryTransport.write

    def tap(transport: MemoryTransport, *parts: bytes) -> None:
        wire.extend(b"".join(parts))
        write(transport, *parts)

    monkeypatch.setattr(MemoryTransport, "write", tap)
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher", encryption=shares)
        student = await room.machine("student", encryption=fetches)
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address])
        if {shares, fetches} == {"off", "require"}:
            await asyncio.sleep(60)
            assert fetched.swarm.down.total == 0
            return
        await all_done([fetched], 60)
        assert digest(student.folder / "data.csv") == digest(data)
        if fetches == "require":
            assert PROTOCOL_HEADER not in wire
            assert data.read_bytes()[:64] not in wire


async def test_a_peer_that_wants_encryption_is_remembered(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher", encryption="require")
        student = await room.machine("student")
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address])
        await all_done([fetched], 60)
        (known,) = fetched.peering.connections.book.known()
        assert known.obfuscated
        assert known.failures == 1


async def test_a_flood_of_encrypted_handshakes_costs_little_and_lets_honest_peers_in(
    tmp_path: Path,
) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher", max_half_open_per_address=1000, max_peers=1000)
        shared = await teacher.share(data)
        strangers = [await meet(room, teacher.address) for _ in range(200)]
        for number, stranger in enumerate(strangers):
            stranger.transport.write(bytes([7]) * 95 + bytes([number]))
        await asyncio.sleep(5)
        answered = [stranger for stranger in strangers if stranger.heard]
        assert 0 < len(answered) <= HANDSHAKES_A_SECOND
        honest = await meet(room, teacher.address)
        honest.transport.write(Handshake(shared.info_hash, PeerId(b"h" * 20)).encode())
        await asyncio.sleep(1)
        assert honest.heard.startswith(PROTOCOL_HEADER)
        await asyncio.sleep(20)
        assert all(stranger.ended_at is not None for stranger in strangers)
