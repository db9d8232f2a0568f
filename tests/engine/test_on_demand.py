"""Torrents on demand: the list of files, and of the files what readers ask for, until some are chosen."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from jupyter_webtorrent.engine import status
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.offload import InlineOffload
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.engine.stream import LOOK_AHEAD_BYTES
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.memory import Link
from jupyter_webtorrent.protocol.errors import MetainfoError
from jupyter_webtorrent.protocol.metainfo import Metainfo
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    FilePriority,
    ShareRequest,
    TransferState,
)
from jupyter_webtorrent.storage.errors import DiskFullError
from tests.engine.classroom import (
    Classroom,
    Machine,
    all_done,
    classroom,
    digest,
    until,
    write_random,
)
from tests.engine.test_web_seed import serve, torrent_file
from tests.engine.web import MemoryWeb

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

MIB = 1 << 20
P = ParamSpec("P")
T = TypeVar("T")

SLOW = Link(latency=0.02, rate=4_000_000)
NAMES = ("a.bin", "b.bin", "c.bin")
SIZE = 12 * MIB


async def share(room: Classroom) -> tuple[Machine, Torrent]:
    """A teacher with a course."""
    for number, name in enumerate(NAMES):
        write_random(room.folder / "course" / name, SIZE, seed=number)
    teacher = await room.machine("teacher")
    return teacher, await teacher.share(room.folder / "course")


def content(room: Classroom, name: str) -> bytes:
    return (room.folder / "course" / name).read_bytes()


def request(
    teacher: Machine, shared: Torrent, folder: Path | str = "", **options: object
) -> FetchRequest:
    link = f"magnet:?xt=urn:btih:{shared.info_hash}"
    return FetchRequest(link=link, folder=str(folder), peers=[teacher.address], **options)  # type: ignore[arg-type]


async def look_into(student: Machine, teacher: Machine, shared: Torrent) -> Torrent:
    """The student has the list of files."""
    torrent = await student.session.fetch(request(teacher, shared, on_demand=True))
    await until(lambda: torrent.state is TransferState.ON_DEMAND)
    return torrent


async def read(machine: Machine, torrent: Torrent, name: str, offset: int, length: int) -> bytes:
    async with machine.session.open_stream(torrent.info_hash, name) as stream:
        return await stream.read(offset, length, ahead=0)


@asynccontextmanager
async def computer(room: Classroom, name: str, state: Path) -> AsyncIterator[Machine]:
    """A machine whose session ends with the `with`, and whose next one knows of it."""
    folder = room.folder / name
    folder.mkdir(exist_ok=True)
    async with room.session(name, state_folder=state) as session:
        yield Machine(name, session, folder)


def only(session: Session) -> Torrent:
    (torrent,) = session.torrents.values()
    return torrent


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


async def test_the_list_of_files_comes_and_nothing_else(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        torrent = await look_into(student, teacher, shared)
        await asyncio.sleep(600)
        details = student.session.details(torrent)
        assert details.transfer.state is TransferState.ON_DEMAND
        assert details.transfer.total == 3 * SIZE
        assert details.transfer.done == torrent.swarm.down.total == 0
        assert details.transfer.notice == ""
        assert not details.transfer.is_complete
        assert [(file.path, file.length, file.wanted) for file in details.files] == [
            (name, SIZE, False) for name in NAMES
        ]
        assert not torrent.arrival.done.done()


async def test_what_is_read_comes_and_no_more(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        torrent = await look_into(student, teacher, shared)
        got = await read(student, torrent, "b.bin", 5 * MIB, 100_000)
        assert got == content(room, "b.bin")[5 * MIB : 5 * MIB + 100_000]
        await asyncio.sleep(60)
        piece = shared.info.piece_length if shared.info else 0
        assert torrent.swarm.down.total <= 100_000 + 2 * piece
        assert student.session.transfer(torrent).done == torrent.swarm.down.total
        async with student.session.open_stream(torrent.info_hash, "c.bin") as stream:
            await stream.read(0, 1000)
            await asyncio.sleep(60)
            expected = 1000 + 100_000 + LOOK_AHEAD_BYTES
            assert expected <= torrent.swarm.down.total <= expected + 4 * piece
        assert files_below(student.folder) == []


async def test_it_is_never_complete_even_with_all_of_it(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        torrent = await look_into(student, teacher, shared)
        torrent.goal.set(None, 1.0)
        for name in NAMES:
            for offset in range(0, SIZE, 4 * MIB):
                part = await read(student, torrent, name, offset, 4 * MIB)
                assert part == content(room, name)[offset : offset + 4 * MIB]
        await asyncio.sleep(60)
        transfer = student.session.transfer(torrent)
        assert transfer.state is TransferState.ON_DEMAND
        assert transfer.done == transfer.total == 3 * SIZE
        assert transfer.paths == []
        other = await room.machine("other")
        passed_on = await other.session.fetch(request(student, torrent, other.folder))
        await all_done([passed_on], 120)
        assert digest(other.folder / "course") == digest(tmp_path / "course")


async def test_what_is_read_is_passed_on(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student, other = await room.machine("student"), await room.machine("other")
        torrent = await look_into(student, teacher, shared)
        await read(student, torrent, "b.bin", 0, 2 * MIB)
        room.network.unplug("teacher")
        friend = await look_into(other, student, torrent)
        got = await read(other, friend, "b.bin", MIB, 100_000)
        assert got == content(room, "b.bin")[MIB : MIB + 100_000]


async def test_a_read_after_a_long_idle_time_is_answered_soon(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        torrent = await look_into(student, teacher, shared)
        await asyncio.sleep(3600)
        began = loop.time()
        await read(student, torrent, "a.bin", MIB, 1000)
        assert loop.time() - began < 1
        room.network.unplug("teacher")  # nobody is there: it is dialled less and less often
        await asyncio.sleep(3600)
        room.network.plug("teacher")
        assert not torrent.swarm.peers
        began = loop.time()
        await read(student, torrent, "a.bin", 5 * MIB, 1000)
        assert loop.time() - began < 2


async def test_a_reader_for_whom_nobody_is_there_hears_why(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        torrent = await look_into(student, teacher, shared)
        room.network.unplug("teacher")
        await until(lambda: not torrent.swarm.peers, 300)
        assert student.session.transfer(torrent).notice == ""
        reading = asyncio.create_task(read(student, torrent, "a.bin", 0, 1000))
        await asyncio.sleep(15)
        assert "no peers yet" in student.session.transfer(torrent).notice
        room.network.plug("teacher")
        assert await reading == content(room, "a.bin")[:1000]
        assert student.session.transfer(torrent).notice == ""


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


class SlowDisk(InlineOffload):
    """Every call takes a while."""

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        await asyncio.sleep(0.01)
        return await super().__call__(function, *args, **kwargs)


async def test_what_is_removed_and_asked_for_again_at_once_has_its_folder(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        async with room.session(
            "student", state_folder=tmp_path / "state", offload=SlowDisk()
        ) as session:
            student = Machine("student", session, tmp_path)
            first = await look_into(student, teacher, shared)
            await read(student, first, "a.bin", 0, 1000)
            _, second = await asyncio.gather(
                session.remove(first.info_hash, delete_data=True),
                session.fetch(request(teacher, shared, on_demand=True)),
            )
            await until(lambda: second.state is TransferState.ON_DEMAND)
            await asyncio.sleep(5)
            assert await read(student, second, "b.bin", 0, 1000) == content(room, "b.bin")[:1000]
            assert (second.data.disk.folder / ".lock").exists()


async def test_two_sessions_of_one_user_read_the_same_torrent_apart(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        async with computer(room, "one", state) as one:
            first = await look_into(one, teacher, shared)
            await read(one, first, "a.bin", 0, 1000)
            before = files_below(first.data.disk.folder)
            async with computer(room, "two", state) as two:
                second = await look_into(two, teacher, shared)
                assert await read(two, second, "b.bin", 0, 1000) == content(room, "b.bin")[:1000]
                assert second.data.disk.folder.name == f"{shared.info_hash}-1"
            async with computer(room, "two", state) as two:
                second = only(two.session)
                await until(lambda: second.state is TransferState.ON_DEMAND)
                assert second.swarm.have.any()
                await two.session.remove(second.info_hash, delete_data=True)
            assert [path.name for path in (state / "reading").iterdir()] == [str(shared.info_hash)]
            assert files_below(first.data.disk.folder) == before
            assert await read(one, first, "c.bin", 0, 1000) == content(room, "c.bin")[:1000]


async def test_after_a_restart_it_is_on_demand_as_before(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        async with computer(room, "student", tmp_path / "state") as student:
            torrent = await look_into(student, teacher, shared)
            await read(student, torrent, "b.bin", 0, 2 * MIB)
        async with computer(room, "student", tmp_path / "state") as student:
            again = only(student.session)
            await until(lambda: again.state is TransferState.ON_DEMAND)
            await until(lambda: bool(again.swarm.peers), 600)
            await asyncio.sleep(600)
            assert again.state is TransferState.ON_DEMAND
            assert again.swarm.down.total == 0
            assert student.session.transfer(again).done >= 2 * MIB
            assert await read(student, again, "b.bin", MIB, 10) == content(room, "b.bin")[MIB:][:10]
            assert again.swarm.down.total == 0
            await read(student, again, "c.bin", 0, 10)
            await student.session.remove(again.info_hash)
            assert files_below(tmp_path / "state" / "reading") == []


async def test_without_its_metadata_it_is_on_demand_after_a_restart_too(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        room.network.unplug("teacher")
        async with computer(room, "student", tmp_path / "state") as student:
            await student.session.fetch(request(teacher, shared, on_demand=True))
            await asyncio.sleep(10)
        room.network.plug("teacher")
        async with computer(room, "student", tmp_path / "state") as student:
            again = only(student.session)
            await until(lambda: again.state is TransferState.ON_DEMAND, 600)
            await asyncio.sleep(600)
            assert again.swarm.down.total == 0


async def test_it_pauses_and_goes_on(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        torrent = await look_into(student, teacher, shared)
        await student.session.pause(torrent.info_hash)
        assert student.session.transfer(torrent).state is TransferState.PAUSED
        with pytest.raises(EngineError, match="the transfer is paused"):
            await read(student, torrent, "a.bin", 0, 10)
        await student.session.resume(torrent.info_hash)
        assert await read(student, torrent, "a.bin", 0, 10) == content(room, "a.bin")[:10]
        assert student.session.transfer(torrent).state is TransferState.ON_DEMAND


async def test_a_temporary_place_goes_with_its_session(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        async with room.session("student") as session:
            student = Machine("student", session, tmp_path)
            torrent = await look_into(student, teacher, shared)
            await read(student, torrent, "a.bin", 0, 10)
            folder = torrent.data.disk.folder
            assert files_below(folder)
        assert not folder.exists()
        assert not folder.parent.exists()


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


async def test_a_web_seed_is_asked_for_what_is_read(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        await share(room)
        web = MemoryWeb()
        serve(web, tmp_path / "course")
        student = await room.machine("student", ranges=web)
        raw = torrent_file(tmp_path, tmp_path / "course").read_bytes()
        ask = FetchRequest(link="", folder="", metainfo=raw, on_demand=True)
        torrent = await student.session.fetch(ask)
        for _ in range(2):
            got = await read(student, torrent, "b.bin", MIB, 1000)
            assert got == content(room, "b.bin")[MIB : MIB + 1000]
            await asyncio.sleep(600)
        assert torrent.swarm.down.total < 2 * MIB


async def test_a_torrent_file_is_told_and_taken(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        raw = status.metainfo(shared)
        assert Metainfo.from_bytes(raw).info == shared.info
        options = {"folder": str(student.folder), "peers": [teacher.address]}
        ask = FetchRequest(link="", metainfo=raw, files=[1], **options)  # type: ignore[arg-type]
        fetched = await student.session.fetch(ask)
        assert fetched.info == shared.info
        await all_done([fetched], 60)
        assert list(digest(student.folder / "course")) == ["b.bin"]


async def test_requests_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        teacher, shared = await share(room)
        student = await room.machine("student")
        link = f"magnet:?xt=urn:btih:{shared.info_hash}&x.pe={teacher.address}"
        folder = str(student.folder)
        raw = status.metainfo(shared)
        for ask, error in (
            (FetchRequest(link, ""), "no folder was named"),
            (FetchRequest(link, folder, metainfo=raw), "not both"),
            (FetchRequest(link, folder, files=[-1]), "there is no file -1"),
        ):
            with pytest.raises(EngineError, match=error):
                await student.session.fetch(ask)
        with pytest.raises(MetainfoError, match=r"cannot read a \.torrent file"):
            await student.session.fetch(FetchRequest("", folder, metainfo=b"no torrent"))
        room.network.unplug("teacher")
        fetched = await student.session.fetch(FetchRequest(link, folder))
        with pytest.raises(EngineError, match=r"metadata of .* is not known yet"):
            status.metainfo(fetched)
