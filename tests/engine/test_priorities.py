"""Files chosen while a transfer runs: first what is wanted most, and nothing that is not wanted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.memory import Link
from jupyter_webtorrent.schema.transfers import FilePriority, TransferState
from jupyter_webtorrent.storage.errors import DiskFullError, DiskTroubleError
from jupyter_webtorrent.storage.store import PieceStore
from tests.engine.classroom import (
    Classroom,
    Machine,
    all_done,
    classroom,
    digest,
    until,
    write_random,
)

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

MIB = 1 << 20
SLOW = Link(latency=0.02, rate=1_000_000)
NAMES = ("a.bin", "b.bin", "c.bin", "d.bin")
HIGH, NORMAL, LOW, SKIP = (
    FilePriority.HIGH,
    FilePriority.NORMAL,
    FilePriority.LOW,
    FilePriority.SKIP,
)


async def begin(
    room: Classroom, select: tuple[str, ...] = (), *, there: bool = False
) -> tuple[Machine, Torrent]:
    """A student who fetches a course, all or some of it; `there`: has that already."""
    for number, name in enumerate(NAMES):
        write_random(room.folder / "course" / name, 4 * MIB, seed=number)
    teacher, student = await room.machine("teacher"), await room.machine("student")
    shared = await teacher.share(room.folder / "course")
    for name in select if there else ():
        write_random(student.folder / "course" / name, 4 * MIB, seed=NAMES.index(name))
    fetched = await student.fetch(shared, [teacher.address], select=select)
    await until(lambda: fetched.swarm.downloader is not None)
    return student, fetched


def done(machine: Machine, torrent: Torrent) -> dict[str, int]:
    return {file.path: file.done for file in machine.session.details(torrent).files}


async def test_what_is_wanted_most_comes_first(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        student, fetched = await begin(room)
        priorities = {0: LOW, 2: HIGH}
        assert await student.session.set_priorities(fetched.info_hash, priorities) is fetched
        await until(lambda: done(student, fetched)["c.bin"] == 4 * MIB)
        assert sum(done(student, fetched).values()) < 6 * MIB
        await until(lambda: done(student, fetched)["d.bin"] == 4 * MIB)
        assert done(student, fetched)["a.bin"] < MIB
        told = {file.path: file.priority for file in student.session.details(fetched).files}
        assert told == {"a.bin": LOW, "b.bin": NORMAL, "c.bin": HIGH, "d.bin": NORMAL}
        await student.session.set_priorities(fetched.info_hash, {0: HIGH})
        await all_done([fetched], 60)
        assert digest(student.folder / "course") == digest(tmp_path / "course")


async def test_a_file_that_is_skipped_half_way_is_not_fetched_any_more(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        student, fetched = await begin(room)
        await until(lambda: sum(done(student, fetched).values()) > 2 * MIB)
        await student.session.set_priorities(fetched.info_hash, {1: SKIP, 3: SKIP})
        assert student.session.transfer(fetched).total == 8 * MIB
        await all_done([fetched], 60)
        assert sorted(digest(student.folder / "course")) == ["a.bin", "c.bin"]
        assert fetched.swarm.down.total < 13 * MIB
        kept = done(student, fetched)["b.bin"]
        again = await student.session.set_priorities(fetched.info_hash, {1: NORMAL})
        assert again is fetched
        assert fetched.state is TransferState.DOWNLOADING
        assert done(student, fetched)["b.bin"] == kept > 0
        await all_done([fetched], 60)
        assert sorted(digest(student.folder / "course")) == ["a.bin", "b.bin", "c.bin"]


async def test_more_files_come_when_they_are_wanted(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        student, fetched = await begin(room, select=("a.bin",))
        await student.session.set_priorities(fetched.info_hash, {2: NORMAL})
        await all_done([fetched], 60)
        assert sorted(digest(student.folder / "course")) == ["a.bin", "c.bin"]
        await student.session.set_priorities(fetched.info_hash, {1: LOW, 3: HIGH})
        await all_done([fetched], 60)
        assert digest(student.folder / "course") == digest(tmp_path / "course")
        assert [path.name for path in student.folder.iterdir()] == ["course"]


async def test_a_file_whose_pieces_came_with_another_is_put_in_place_when_it_is_wanted(
    tmp_path: Path,
) -> None:
    async with classroom(tmp_path) as room:
        for number, name in enumerate(("a.csv", "b.csv")):  # both in one piece
            write_random(room.folder / "course" / name, 1000, seed=number)
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(room.folder / "course")
        fetched = await student.fetch(shared, [teacher.address], select=["a.csv"])
        await all_done([fetched], 60)
        assert sorted(digest(student.folder / "course")) == ["a.csv"]
        await student.session.set_priorities(fetched.info_hash, {1: NORMAL})
        added = student.folder / "course" / "b.csv"
        await until(added.exists, 60)
        assert digest(student.folder / "course") == digest(room.folder / "course")
        assert fetched.state is TransferState.SEEDING


async def test_files_added_during_a_pause_are_fetched_after_it(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        student, fetched = await begin(room, select=("a.bin",))
        await all_done([fetched], 60)
        await student.session.pause(fetched.info_hash)
        await student.session.set_priorities(fetched.info_hash, {1: NORMAL})
        assert student.session.transfer(fetched).state is TransferState.PAUSED
        assert student.session.transfer(fetched).paths == []
        await student.session.resume(fetched.info_hash)
        assert student.session.transfer(fetched).state is TransferState.DOWNLOADING
        await all_done([fetched], 60)
        assert sorted(digest(student.folder / "course")) == ["a.bin", "b.bin"]


async def test_files_that_were_there_already_are_joined_by_others(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        student, fetched = await begin(room, select=("a.bin",), there=True)
        await all_done([fetched], 60)
        again = await student.session.set_priorities(fetched.info_hash, {1: NORMAL})
        await all_done([again], 60)
        (folder,) = again.arrival.paths  # a new one: what was there is a person's own
        assert sorted(digest(folder)) == ["a.bin", "b.bin"]


async def test_a_choice_that_has_no_room_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(store: PieceStore, wanted: object) -> bool:
        raise DiskFullError("the disk is full")

    async with classroom(tmp_path, SLOW) as room:
        student, fetched = await begin(room, select=("a.bin",))
        monkeypatch.setattr(PieceStore, "select", refuse)
        before = fetched.data.disk.selection
        with pytest.raises(DiskFullError):
            await student.session.set_priorities(fetched.info_hash, {1: NORMAL})
        assert fetched.data.disk.selection == before
        assert fetched.data.disk.wanted_files == (0,)


async def test_a_choice_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        student, fetched = await begin(room)
        set_priorities = student.session.set_priorities
        with pytest.raises(EngineError, match="there is no file 4 in course"):
            await set_priorities(fetched.info_hash, {4: HIGH})
        with pytest.raises(EngineError, match="no file of course is left to fetch"):
            await set_priorities(fetched.info_hash, dict.fromkeys(range(4), SKIP))
        assert done(student, fetched).keys() == set(NAMES)
        assert student.session.transfer(fetched).total == 16 * MIB


async def test_a_disk_that_refuses_the_finish_keeps_nothing_else_waiting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(_: PieceStore) -> None:
        raise DiskTroubleError("the disk is read-only")

    async with classroom(tmp_path, SLOW) as room:
        student, fetched = await begin(room, select=("a.bin",))
        session, other = student.session, write_random(tmp_path / "other.bin", 1000)
        with monkeypatch.context() as patch:
            patch.setattr(PieceStore, "finish", refuse)
            await until(lambda: "read-only" in session.transfer(fetched).notice)
            async with asyncio.timeout(1):
                await session.set_priorities(fetched.info_hash, {1: NORMAL})
                await student.share(other)
                await session.pause(fetched.info_hash)
                await session.resume(fetched.info_hash)
            await until(lambda: sum(done(student, fetched).values()) == 8 * MIB)
            await until(lambda: "read-only" in session.transfer(fetched).notice)
            assert fetched.state is TransferState.DOWNLOADING
        await all_done([fetched], 60)
        assert sorted(digest(student.folder / "course")) == ["a.bin", "b.bin"]
        assert session.transfer(fetched).notice == ""
