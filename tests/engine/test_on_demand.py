"""Torrents on demand: the list of files, and of the files what readers ask for, until some are chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from jupyter_webtorrent.engine import status
from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.offload import InlineOffload
from jupyter_webtorrent.engine.stream import LOOK_AHEAD_BYTES
from jupyter_webtorrent.protocol.errors import MetainfoError
from jupyter_webtorrent.protocol.metainfo import Metainfo
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    TransferState,
)
from tests.engine.classroom import (
    Machine,
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
from tests.engine.test_web_seed import serve, torrent_file
from tests.engine.web import MemoryWeb

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

P = ParamSpec("P")
T = TypeVar("T")


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
