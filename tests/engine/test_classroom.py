"""Sessions that share and fetch over a network in memory, with latency and loss, in virtual time."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.errors import EngineError, FetchFailedError
from jupyter_webtorrent.schema.transfers import TransferState
from tests.engine.classroom import all_done, classroom, digest, until, write_random

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

MB = 1_000_000


def folder_of_notebooks(root: Path) -> Path:
    folder = root / "lesson 1"
    write_random(folder / "intro.ipynb", 40_000, seed=2)
    write_random(folder / "data" / "ünïcode 数据.csv", 300_000, seed=3)
    write_random(folder / "data" / "deep" / "table.csv", 16_384, seed=4)
    (folder / "data" / "empty.txt").write_bytes(b"")
    return folder


async def test_two_peers_over_a_lossy_network(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 3 * MB + 17)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address])
        await all_done([fetched], 60)
        assert fetched.arrival.paths == (student.folder / "data.csv",)
        assert digest(fetched.arrival.paths[0]) == digest(data)
        assert fetched.state is TransferState.SEEDING
        status = student.session.transfer(fetched)
        assert status.by_transport == {"memory": 3 * MB + 17}
        assert status.done == status.total == 3 * MB + 17


async def test_a_folder_arrives_with_all_that_is_in_it(tmp_path: Path) -> None:
    folder = folder_of_notebooks(tmp_path)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(folder)
        fetched = await student.fetch(shared, [teacher.address])
        await all_done([fetched], 60)
        assert fetched.arrival.paths == (student.folder / "lesson 1",)
        assert digest(fetched.arrival.paths[0]) == digest(folder)


async def test_ten_students_carry_it_among_themselves(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 4 * MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        students = await room.machines("student", 10)
        shared = await teacher.share(data)
        fetches = []
        met = [teacher.address]
        for student in students:
            fetches.append(await student.fetch(shared, met))
            met.append(student.address)
        await all_done(fetches, 120)
        for student in students:
            assert digest(student.folder / "data.csv") == digest(data)
        assert shared.swarm.up.total < 6 * 4 * MB  # the class carried a good part of it


async def test_the_data_outlives_a_seed_that_leaves_half_way(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 4 * MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        students = await room.machines("student", 4)
        shared = await teacher.share(data)
        fetches = []
        met = [teacher.address]
        for student in students:
            fetches.append(await student.fetch(shared, met))
            met.append(student.address)
        await until(lambda: all_pieces_are_out(fetches))
        assert not all(fetch.swarm.is_complete for fetch in fetches)
        room.network.unplug("teacher")
        await all_done(fetches, 120)
        for student in students:
            assert digest(student.folder / "data.csv") == digest(data)


def all_pieces_are_out(fetches: list) -> bool:  # type: ignore[type-arg]
    """Whether the students together have every piece."""
    downloaders = [fetch.swarm.downloader for fetch in fetches]
    if any(downloader is None for downloader in downloaders):
        return False
    return {index for downloader in downloaders for index in downloader.have} == set(
        range(len(downloaders[0].have))
    )


async def test_what_a_seed_gave_lives_on_when_it_is_gone(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        first, second = await room.machines("student", 2)
        shared = await teacher.share(data)
        await all_done([await first.fetch(shared, [teacher.address])], 60)
        room.network.unplug("teacher")
        late = await second.fetch(shared, [first.address])
        await all_done([late], 60)
        assert digest(second.folder / "data.csv") == digest(data)


async def test_a_fetch_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 4 * MB)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address])
        await until(lambda: fetched.swarm.down.total >= 2 * MB)
        await student.session.remove(fetched.info_hash)
        assert not (student.folder / "data.csv").exists()
        assert (student.folder / ".data.csv.wtpart").exists()
        again = await student.fetch(shared, [teacher.address])
        await all_done([again], 60)
        assert again.swarm.down.total < 2.5 * MB
        assert digest(student.folder / "data.csv") == digest(data)
        assert [path.name for path in student.folder.iterdir()] == ["data.csv"]


async def test_only_the_selected_files_arrive(tmp_path: Path) -> None:
    folder = folder_of_notebooks(tmp_path)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(folder)
        fetched = await student.fetch(shared, [teacher.address], select=["*.ipynb"])
        await all_done([fetched], 60)
        assert list(digest(student.folder / "lesson 1")) == ["intro.ipynb"]
        status = student.session.transfer(fetched)
        assert status.done == status.total == 40_000
        wrong = await room.machine("other")
        refused = await wrong.fetch(shared, [teacher.address], select=["*.xlsx"])
        with pytest.raises(FetchFailedError, match=r"no file of lesson 1 matches \*\.xlsx"):
            await refused.arrival.wait()


async def test_what_was_there_is_never_overwritten(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        (student.folder / "data.csv").write_text("my own work")
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address])
        await all_done([fetched], 60)
        assert (student.folder / "data.csv").read_text() == "my own work"
        assert fetched.arrival.paths == (student.folder / "data (1).csv",)
        assert "data (1).csv" in student.session.transfer(fetched).notice


async def test_identical_data_is_adopted_and_seeded(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        (student.folder / "data.csv").write_bytes(data.read_bytes())
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address])
        await all_done([fetched], 60)
        assert fetched.swarm.down.total == 0
        assert [path.name for path in student.folder.iterdir()] == ["data.csv"]


async def test_a_fetch_with_nobody_to_ask_is_refused(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        with pytest.raises(EngineError, match="nobody to fetch from"):
            await student.fetch(shared)


async def test_a_fetch_that_finds_nobody_says_so(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        room.network.unplug("teacher")
        fetched = await student.fetch(shared, [teacher.address])
        await asyncio.sleep(5)
        notice = student.session.transfer(fetched).notice
        assert notice == (
            f"no peers yet (cannot connect to {teacher.address}: Connection refused"
            " - is the program that shares still running there?)"
        )


async def test_a_session_does_not_talk_to_itself(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(write_random(teacher.folder / "data.csv", 1000))
        assert await teacher.fetch(shared, [teacher.address]) is shared
        await asyncio.sleep(5)
        assert not shared.swarm.peers
        assert not shared.peering.connections.book.known()


async def test_two_that_dial_each_other_keep_one_connection(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 8 * MB)
    async with classroom(tmp_path) as room:
        one, other = await room.machine("one"), await room.machine("other")
        shared = await one.share(data)
        fetched = await other.fetch(shared, [one.address])
        shared.peering.add_peers((other.session.listening,))  # type: ignore[arg-type]
        await asyncio.sleep(3)
        assert not fetched.swarm.is_complete
        assert (
            len(shared.peering.connections.shaken())
            == len(fetched.peering.connections.shaken())
            == 1
        )
        await all_done([fetched], 60)
