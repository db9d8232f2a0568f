"""Sessions under rate limits, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.errors import EngineError, TransferNotFoundError
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.memory import Link
from jupyter_webtorrent.protocol.identity import InfoHash
from tests.engine.classroom import all_done, classroom, digest, until, write_random

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

MB = 1_000_000
FAST = Link(latency=0.005, rate=5 * MB)


async def rates(torrents: Sequence[Torrent], seconds: float) -> list[float]:
    """What each of them fetches a second, over some seconds."""
    before = [torrent.swarm.down.total for torrent in torrents]
    await asyncio.sleep(seconds)
    return [
        (torrent.swarm.down.total - start) / seconds
        for torrent, start in zip(torrents, before, strict=True)
    ]


@pytest.mark.parametrize("who", ["teacher", "student"])
async def test_a_limit_is_held_whoever_sets_it(who: str, tmp_path: Path) -> None:
    limits = {"teacher": {"up_limit": 500_000}, "student": {"down_limit": 500_000}}
    data = write_random(tmp_path / "data.csv", 8 * MB)
    async with classroom(tmp_path, FAST) as room:
        machines = [
            await room.machine(name, **limits[name] if name == who else {})  # type: ignore[arg-type]
            for name in limits
        ]
        teacher, student = machines
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address])
        await until(lambda: fetched.swarm.down.total > 0)
        (rate,) = await rates([fetched], 10)
        assert rate == pytest.approx(500_000, rel=0.1)
        await all_done([fetched], 60)
        assert digest(student.folder / "data.csv") == digest(data)


async def test_two_torrents_share_a_limit_alike(tmp_path: Path) -> None:
    one, other = (write_random(tmp_path / f"{n}.csv", 6 * MB, seed=n) for n in (1, 2))
    async with classroom(tmp_path, FAST) as room:
        teacher, helper = await room.machine("teacher"), await room.machine("helper")
        student = await room.machine("student", down_limit=500_000)
        shared = [await teacher.share(one), await teacher.share(other)]
        await helper.share(other)  # twice the peers are not twice the share
        fetched = [
            await student.fetch(shared[0], [teacher.address]),
            await student.fetch(shared[1], [teacher.address, helper.address]),
        ]
        await until(lambda: all(torrent.swarm.down.total for torrent in fetched))
        first, second = await rates(fetched, 10)
        assert first + second == pytest.approx(500_000, rel=0.1)
        assert first == pytest.approx(second, rel=0.1)


async def test_no_peer_of_a_limited_seed_is_left_out(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 8 * MB)
    async with classroom(tmp_path, FAST) as room:
        teacher = await room.machine("teacher", up_limit=400_000)
        shared = await teacher.share(data)
        fetched = [
            await student.fetch(shared, [teacher.address])
            for student in await room.machines("student", 3)
        ]
        await until(lambda: len(shared.swarm.peers) == 3)
        await asyncio.sleep(2)
        got = await rates(fetched, 10)
        assert shared.swarm.up.total <= 400_000 * 14
        assert min(got) > 100_000


async def test_a_change_takes_hold_within_a_second(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 40 * MB)
    async with classroom(tmp_path, FAST) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address])
        await until(lambda: fetched.swarm.down.total > MB)
        for down, up, expected in [
            (500_000, None, 500_000),
            (None, 200_000, 200_000),
            (None, None, 5 * MB),
            (100_000, None, 100_000),
        ]:
            student.session.set_limits(None, down, None)
            teacher.session.set_limits(shared.info_hash, None, up)
            await asyncio.sleep(1)
            (rate,) = await rates([fetched], 2)
            # A block more or less is 8 % of 2 s at the lowest rate.
            assert rate == pytest.approx(expected, rel=0.15)


async def test_the_local_network_is_exempt_unless_it_is_to_be_limited(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 4 * MB)
    async with classroom(tmp_path, FAST) as room:
        near, far = await room.machine("192.168.1.2"), await room.machine("1.2.3.4")
        strict = await room.machine("192.168.1.3", limit_lan=True, down_limit=100_000)
        student = await room.machine("192.168.1.4", down_limit=100_000)
        shared = await near.share(data)
        await far.share(data)
        held = await strict.fetch(shared, [near.address])
        fetched = await student.fetch(shared, [near.address, far.address])
        await all_done([fetched], 3)
        assert held.swarm.down.total < 100_000 * 4
        from_far = [
            p.downloaded
            for p in fetched.peering.connections.peer_statuses()
            if "1.2.3.4" in p.address
        ]
        assert sum(from_far) < 100_000 * 4


async def test_limits_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        with pytest.raises(EngineError, match="at least 1 byte"):
            teacher.session.set_limits(None, 0, None)
        with pytest.raises(TransferNotFoundError):
            teacher.session.set_limits(InfoHash(bytes(20)), 1000, None)
