"""Students who know the teacher alone find each other; on the network in memory, under virtual time."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.schema.transfers import ShareRequest
from tests.engine.classroom import all_done, classroom, until, write_random

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
