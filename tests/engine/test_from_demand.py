"""What is on demand becomes an ordinary download or a share, and loses nothing by it."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from functools import partial
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    FilePriority,
    ShareRequest,
    TransferState,
)
from jupyter_webtorrent.storage.errors import DiskFullError
from tests.engine.classroom import (
    all_done,
    classroom,
    digest,
    until,
)
from tests.engine.on_demand import (
    MIB,
    NAMES,
    SIZE,
    SLOW,
    computer,
    content,
    files_below,
    look_into,
    only,
    read,
    request,
    share,
)

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]


async def test_choosing_files_makes_it_an_ordinary_download_of_these(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        ask = request(teacher, shared, student.folder, on_demand=True)
        torrent = await student.session.fetch(ask)
        await until(lambda: torrent.state is TransferState.ON_DEMAND)
        await read(student, torrent, "b.bin", 0, 2 * MIB)
        down = torrent.swarm.down.total
        chosen = {1: FilePriority.HIGH, 2: FilePriority.SKIP}
        assert await student.session.set_priorities(torrent.info_hash, chosen) is torrent
        transfer = student.session.transfer(torrent)
        assert (transfer.state, transfer.total) == (TransferState.DOWNLOADING, SIZE)
        await all_done([torrent], 60)
        expected = {"b.bin": digest(tmp_path / "course")["b.bin"]}
        assert digest(student.folder / "course") == expected
        assert torrent.swarm.down.total < SIZE + down - 2 * MIB + 3 * MIB
        with pytest.raises(EngineError, match=r"a\.bin is not among the files that are fetched"):
            await read(student, torrent, "a.bin", MIB, 1000)


async def test_a_removal_of_what_is_on_demand_leaves_a_download_alone(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        torrent = await look_into(student, teacher, shared)
        await student.session.remove(torrent.info_hash, only_on_demand=True)
        assert student.session.transfers() == []

        await student.session.fetch(request(teacher, shared, on_demand=True))
        fetched = await student.session.fetch(request(teacher, shared, student.folder))
        assert fetched.state is TransferState.METADATA
        with pytest.raises(EngineError, match="is no longer on demand"):
            await student.session.remove(fetched.info_hash, only_on_demand=True, delete_data=True)
        await all_done([fetched], 60)
        assert digest(student.folder / "course") == digest(tmp_path / "course")


async def test_a_removal_of_what_was_only_looked_at_leaves_a_reader_alone(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        torrent = await look_into(student, teacher, shared)
        remove = partial(
            student.session.remove, torrent.info_hash, only_on_demand=True, delete_data=True
        )
        async with student.session.open_stream(torrent.info_hash, "a.bin") as stream:
            with pytest.raises(EngineError, match="is being read: it stays"):
                await remove()
            assert await stream.read(0, 1000) == content(room, "a.bin")[:1000]
        with pytest.raises(EngineError, match="is being read: it stays"):
            await remove()
        assert await read(student, torrent, "a.bin", MIB, 10) == content(room, "a.bin")[MIB:][:10]


async def test_what_is_only_read_asks_for_a_folder_before_files_are_chosen(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        torrent = await look_into(student, teacher, shared)
        with pytest.raises(EngineError, match="course is only read, and is in no folder of yours"):
            await student.session.set_priorities(torrent.info_hash, {0: FilePriority.HIGH})
        assert student.session.transfer(torrent).state is TransferState.ON_DEMAND
        assert await read(student, torrent, "b.bin", 0, 10) == content(room, "b.bin")[:10]


async def test_all_files_may_be_chosen(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        ask = request(teacher, shared, student.folder, on_demand=True)
        torrent = await student.session.fetch(ask)
        await until(lambda: torrent.state is TransferState.ON_DEMAND)
        every = dict.fromkeys(range(3), FilePriority.NORMAL)
        await student.session.set_priorities(torrent.info_hash, every)
        await all_done([torrent], 60)
        assert digest(student.folder / "course") == digest(tmp_path / "course")


async def test_a_fetch_makes_an_ordinary_download_of_it_in_the_folder_asked_for(
    tmp_path: Path,
) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        async with computer(room, "student", tmp_path / "state") as student:
            torrent = await look_into(student, teacher, shared)
            await read(student, torrent, "a.bin", 0, 1000)
            assert files_below(tmp_path / "state" / "reading") != []
            room.network.unplug("teacher")  # nothing has to be looked up again
            link = f"magnet:?xt=urn:btih:{shared.info_hash}"
            ask = FetchRequest(link=link, folder=str(student.folder), files=[2])
            fetched = await student.session.fetch(ask)
            assert fetched is not torrent
            await until(lambda: fetched.state is TransferState.DOWNLOADING)
            assert files_below(tmp_path / "state" / "reading") == []
            assert student.session.transfer(fetched).total == SIZE
            room.network.plug("teacher")
            await all_done([fetched], 600)
            assert list(digest(student.folder / "course")) == ["c.bin"]
            more = await student.session.fetch(
                FetchRequest(link=link, folder=str(student.folder), files=[0])
            )
            await all_done([more], 60)
            assert list(digest(student.folder / "course")) == ["a.bin", "c.bin"]
            again = await student.session.fetch(ask)
            assert again is more


async def test_a_fetch_into_the_same_folder_keeps_what_was_read(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        ask = request(teacher, shared, student.folder, on_demand=True)
        torrent = await student.session.fetch(ask)
        await read(student, torrent, "b.bin", 0, 8 * MIB)
        fetched = await student.session.fetch(request(teacher, shared, student.folder))
        await all_done([fetched], 60)
        assert digest(student.folder / "course") == digest(tmp_path / "course")
        assert fetched.swarm.down.total < 3 * SIZE - 7 * MIB


@pytest.mark.parametrize("one_disk", [True, False])
async def test_a_fetch_into_another_folder_keeps_what_was_read(
    one_disk: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_rename = os.rename

    def rename(source: Path, target: Path) -> None:
        if str(target).endswith(".wtpart"):
            raise OSError(errno.EXDEV, "another file system")
        real_rename(source, target)

    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student", state_folder=tmp_path / "state")
        torrent = await look_into(student, teacher, shared)
        for name in NAMES:
            for offset in range(0, SIZE, 4 * MIB):
                await read(student, torrent, name, offset, 4 * MIB)
        room.network.unplug("teacher")
        if not one_disk:
            monkeypatch.setattr(os, "rename", rename)
        fetched = await student.session.fetch(request(teacher, shared, student.folder))
        await all_done([fetched], 10)
        assert digest(student.folder) == {
            f"course/{name}": value for name, value in digest(tmp_path / "course").items()
        }
        assert files_below(tmp_path / "state" / "reading") == []


async def test_what_was_read_is_cleared_with_a_download_that_is_given_up_at_once(
    tmp_path: Path,
) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student", state_folder=tmp_path / "state")
        torrent = await look_into(student, teacher, shared)
        await read(student, torrent, "a.bin", 0, 1000)
        fetched = await student.session.fetch(request(teacher, shared, student.folder))
        await student.session.remove(fetched.info_hash, delete_data=True)
        assert files_below(tmp_path / "state" / "reading") == []
        assert files_below(student.folder) == []


async def test_who_reads_it_goes_on_when_it_is_fetched(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student", state_folder=tmp_path / "state")
        torrent = await look_into(student, teacher, shared)
        expected = content(room, "a.bin")
        async with student.session.open_stream(torrent.info_hash, "a.bin") as stream:
            assert await stream.read(0, 1000) == expected[:1000]
            waiting = asyncio.create_task(stream.read(8 * MIB, 1000))
            await asyncio.sleep(0.01)
            fetched = await student.session.fetch(request(teacher, shared, student.folder))
            assert await waiting == expected[8 * MIB :][:1000]
            assert fetched.state is TransferState.DOWNLOADING
            assert await stream.read(1000, 1000) == expected[1000:2000]
            await student.session.remove(fetched.info_hash)
            with pytest.raises(EngineError, match="the transfer was stopped"):
                await stream.read(2000, 1000)


async def test_who_reads_it_goes_on_when_its_files_are_shared(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        torrent = await look_into(student, teacher, shared)
        room.network.unplug("teacher")
        async with student.session.open_stream(torrent.info_hash, "a.bin") as stream:
            waiting = asyncio.create_task(stream.read(0, 1000))
            await asyncio.sleep(1)
            await student.share(tmp_path / "course")
            assert await waiting == content(room, "a.bin")[:1000]


@pytest.mark.parametrize("paused", [False, True])
async def test_what_is_fetched_or_shared_already_is_read_as_it_is(
    paused: bool, tmp_path: Path
) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        fetched = await student.fetch(shared, [teacher.address], select=["a.bin"])
        await until(lambda: fetched.state is TransferState.DOWNLOADING)
        if paused:
            await student.session.pause(fetched.info_hash)
        before = fetched.state
        assert await student.session.fetch(request(teacher, shared, on_demand=True)) is fetched
        assert fetched.state is before
        assert await teacher.session.fetch(request(teacher, shared, on_demand=True)) is shared


async def test_a_failed_download_is_not_given_up_for_a_reader(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        fetched = await student.fetch(shared, [teacher.address], select=["nothing"])
        await until(lambda: fetched.state is TransferState.FAILED)
        assert await student.session.fetch(request(teacher, shared, on_demand=True)) is fetched


async def test_what_is_only_read_makes_way_for_a_share(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        async with computer(room, "student", tmp_path / "state") as student:
            torrent = await look_into(student, teacher, shared)
            await read(student, torrent, "a.bin", 0, 1000)
            paths = [str(tmp_path / "course")]
            again = await student.session.share(ShareRequest(paths=paths))
            assert again.state is TransferState.SEEDING
            assert files_below(tmp_path / "state" / "reading") == []


@pytest.mark.parametrize("paused", [False, True])
async def test_a_fetch_of_files_that_are_not_there_leaves_it_as_it_was(
    paused: bool, tmp_path: Path
) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student", state_folder=tmp_path / "state")
        torrent = await look_into(student, teacher, shared)
        await read(student, torrent, "a.bin", 0, 1000)
        have = torrent.swarm.have.count()
        if paused:
            await student.session.pause(torrent.info_hash)
        state = torrent.state
        ask = request(teacher, shared, student.folder, select=["nothing"])
        with pytest.raises(EngineError, match="no file of course matches nothing"):
            await student.session.fetch(ask)
        assert only(student.session) is torrent
        assert (torrent.state, torrent.swarm.have.count()) == (state, have)


async def test_it_needs_no_room_until_files_are_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        usage = shutil.disk_usage(tmp_path)._replace(free=MIB)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
        ask = request(teacher, shared, student.folder, on_demand=True)
        torrent = await student.session.fetch(ask)
        await until(lambda: torrent.state is TransferState.ON_DEMAND)
        assert await read(student, torrent, "a.bin", 0, 10) == content(room, "a.bin")[:10]
        with pytest.raises(DiskFullError, match="not enough room"):
            await student.session.set_priorities(torrent.info_hash, {0: FilePriority.NORMAL})
        assert student.session.transfer(torrent).state is TransferState.ON_DEMAND
        assert await read(student, torrent, "b.bin", 0, 10) == content(room, "b.bin")[:10]
