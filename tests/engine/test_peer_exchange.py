"""Students who know the teacher alone find each other; on the network in memory, under virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_webtorrent.engine import connections
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.schema.transfers import ShareRequest
from tests.engine.classroom import all_done, classroom, until, write_random
from tests.engine.test_meeting import channels

pytestmark = pytest.mark.looptime


def hosts(torrent: Torrent) -> set[str]:
    return {peer.host for peer in torrent.swarm.peers}


async def test_two_students_of_one_teacher_meet_by_peer_exchange(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        teacher = await room.machine("10.0.0.1")
        students = [await room.machine("10.0.0.2"), await room.machine("10.0.0.3")]
        shared = await teacher.share(write_random(teacher.folder / "data.csv", 40_000_000))
        fetched = [await student.fetch(shared, [teacher.address]) for student in students]
        await until(lambda: "10.0.0.3" in hosts(fetched[0]) and "10.0.0.2" in hosts(fetched[1]), 30)
        await all_done(fetched, 120)


@pytest.mark.parametrize("private", [True, False])
async def test_nobody_is_named_in_a_private_torrent_or_where_it_is_switched_off(
    tmp_path: Path, private: bool
) -> None:
    async with classroom(tmp_path) as room:
        teacher = await room.machine("10.0.0.1", pex=private)
        students = [await room.machine("10.0.0.2"), await room.machine("10.0.0.3")]
        path = write_random(teacher.folder / "data.csv", 40_000_000)
        shared = await teacher.session.share(ShareRequest(paths=[str(path)], private=private))
        fetched = [await student.fetch(shared, [teacher.address]) for student in students]
        await all_done(fetched, 300)
        assert all(torrent.peering.peer_count <= 1 for torrent in fetched)
        assert all(hosts(torrent) <= {"10.0.0.1"} for torrent in fetched)
        found = [
            known.address.host
            for each in fetched
            for known in each.peering.connections.book.known()
        ]
        assert set(found) == {"10.0.0.1"}


@pytest.mark.parametrize("direct", [True, False])
async def test_peers_over_webrtc_are_told_of_each_other_unless_a_relay_stands_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direct: bool
) -> None:
    monkeypatch.setattr(connections, "MOVE_SECONDS", 3600.0)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("10.0.0.1")
        students = [await room.machine("10.0.0.2"), await room.machine("10.0.0.3")]
        shared = await teacher.share(write_random(teacher.folder / "data.csv", 40_000_000))
        fetched = [await student.fetch(shared, ["10.0.0.9:1"]) for student in students]
        await asyncio.sleep(1)
        for torrent, student in zip(fetched, students, strict=True):
            near, far = channels(room)
            offer = student.name.encode()
            shared.peering._channel_opened(near, True, offer, student.name if direct else None)
            torrent.peering._channel_opened(far, False, offer, teacher.name if direct else None)

        def have_met() -> bool:
            return "10.0.0.3" in hosts(fetched[0]) and "10.0.0.2" in hosts(fetched[1])

        if direct:
            await until(have_met, 30)
        else:
            await asyncio.sleep(12)
            assert not have_met()
        links = [link for _, link in shared.peering.connections.shaken()]
        assert {link.transport.kind for link in links} == {"webrtc"}
