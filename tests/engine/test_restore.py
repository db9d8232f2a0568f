"""A session that goes on where an earlier one stopped."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.own_folders import OwnFolders
from jupyter_webtorrent.engine.restore import record_of
from jupyter_webtorrent.engine.session import Session
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.errors import NetError
from jupyter_webtorrent.net.memory import MemoryHost
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    FilePriority,
    ShareRequest,
    TransferState,
)
from jupyter_webtorrent.storage import hashing
from jupyter_webtorrent.storage.database import slot_path
from jupyter_webtorrent.storage.journal import Journal
from tests.engine.classroom import (
    Classroom,
    Machine,
    all_done,
    classroom,
    digest,
    until,
    write_random,
)
from tests.engine.test_tcp_trackers import ONE, FakeTracker, use

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

MB = 1_000_000


@asynccontextmanager
async def computer(room: Classroom, name: str, state: Path) -> AsyncIterator[Machine]:
    """A machine whose session ends with the `with`, and whose next one knows of it."""
    folder = room.folder / name
    folder.mkdir(exist_ok=True)
    session = room.session(name, state_folder=state)
    async with session:
        yield Machine(name, session, folder)


def only(session: Session) -> Torrent:
    (torrent,) = session.torrents.values()
    return torrent


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pieces that are read and hashed."""
    pieces: list[int] = []
    digest_of = hashing._digest

    def counted(data: object, piece: int) -> bytes:
        pieces.append(piece)
        return digest_of(data, piece)  # type: ignore[arg-type]

    monkeypatch.setattr(hashing, "_digest", counted)
    return pieces


async def test_an_unexpected_error_costs_a_session_nothing_else_and_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("one.ipynb", "two.ipynb")
    state = tmp_path / "state"
    async with classroom(tmp_path) as room:
        async with computer(room, "teacher", state) as teacher:
            for name in names:
                (tmp_path / name).write_text(name)
                await teacher.session.share(
                    ShareRequest([str(tmp_path / name)], copy_notebooks=True)
                )
        hold = OwnFolders.hold
        broken = [OSError(errno.ESTALE, "Stale file handle")]

        def hold_later(folders: OwnFolders, entries: Iterable[Path]) -> None:
            if broken:
                raise broken.pop()
            hold(folders, entries)

        monkeypatch.setattr(OwnFolders, "hold", hold_later)
        async with computer(room, "teacher", state) as teacher:
            assert only(teacher.session).link.name == "two.ipynb"
        async with computer(room, "teacher", state) as teacher:
            torrents = teacher.session.torrents.values()
            await until(lambda: all(each.state is TransferState.SEEDING for each in torrents))
            assert {torrent.link.name for torrent in torrents} == set(names)


async def test_a_session_begins_where_the_state_folder_cannot_be_read_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path) -> Journal:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(Journal, "open", fail)
    data = write_random(tmp_path / "data.bin", MB)
    async with classroom(tmp_path) as room, computer(room, "a", tmp_path / "state") as teacher:
        assert (await teacher.share(data)).state is TransferState.SEEDING


async def test_nothing_is_opened_where_there_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        async with computer(room, "teacher", tmp_path / "state") as teacher:
            assert teacher.session.listening is None
        async with computer(room, "teacher", tmp_path / "state") as teacher:
            assert teacher.session.listening is None


async def test_a_share_is_seeded_again_without_being_hashed_until_someone_asks(
    hashed: list[int], tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        student = await room.machine("student")
        async with computer(room, "teacher", tmp_path / "state") as teacher:
            magnet = teacher.session.magnet(await teacher.share(data))
        hashed.clear()
        async with computer(room, "teacher", tmp_path / "state") as teacher:
            shared = only(teacher.session)
            await until(lambda: shared.state is TransferState.SEEDING)
            assert teacher.session.magnet(shared).info_hash == magnet.info_hash
            assert teacher.session.transfer(shared).paths == [str(data)]
            assert not hashed
            fetched = await student.fetch(shared, [teacher.address])
            await all_done([fetched], 60)
            assert sorted(hashed) == list(range(62))
            assert digest(student.folder / "data.csv") == digest(data)
            up = shared.data.uploaded
        async with computer(room, "teacher", tmp_path / "state") as teacher:
            assert only(teacher.session).data.uploaded == up >= MB


async def test_a_download_goes_on_after_a_clean_stop_without_a_recheck(
    hashed: list[int], tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.csv", 2 * MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        async with computer(room, "student", tmp_path / "state") as student:
            fetched = await student.fetch(shared, [teacher.address])
            await until(lambda: fetched.swarm.have.count() > 60)
        hashed.clear()
        async with computer(room, "student", tmp_path / "state") as student:
            again = only(student.session)
            await until(lambda: again.state is TransferState.DOWNLOADING)
            assert not hashed
            assert again.swarm.have.count() >= fetched.swarm.have.count() > 60
            await all_done([again], 60)
            assert digest(student.folder / "data.csv") == digest(data)
            assert again.swarm.down.total < 2 * MB - 60 * 16384 + 300_000
        async with computer(room, "student", tmp_path / "state") as student:
            seeded = only(student.session)
            await until(lambda: seeded.state is TransferState.SEEDING)
            assert student.session.transfer(seeded).paths == [str(student.folder / "data.csv")]
            assert seeded.data.downloaded >= 2 * MB


def lose_the_state(state: Path) -> None:
    slot_path(state, 0).unlink()


def flip_bits(state: Path) -> None:
    path = slot_path(state, 0)
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 :] = bytes(len(raw) - len(raw) // 2)
    path.write_bytes(raw)


@pytest.mark.parametrize("damage", [lose_the_state, flip_bits])
async def test_without_its_state_a_download_is_rechecked_and_not_begun_anew(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.csv", 2 * MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        async with computer(room, "student", tmp_path / "state") as student:
            fetched = await student.fetch(shared, [teacher.address])
            await until(lambda: fetched.swarm.have.count() > 60)
        damage(tmp_path / "state")
        async with computer(room, "student", tmp_path / "state") as student:
            again = await student.fetch(shared, [teacher.address])
            await all_done([again], 60)
            assert again.swarm.down.total < 2 * MB - 60 * 16384 + 300_000
            assert digest(student.folder / "data.csv") == digest(data)


def spoil(path: Path, at: int) -> None:
    """Change bytes so that no stamp shows it, as a failing disk does."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"spoilt")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


async def test_what_a_disk_spoilt_unseen_is_not_passed_on_and_fetched_again_into_a_part(
    tmp_path: Path,
) -> None:
    data = write_random(tmp_path / "data.csv", 2 * MB)
    async with classroom(tmp_path) as room:
        teacher, friend = await room.machine("teacher"), await room.machine("friend")
        shared = await teacher.share(data)
        async with computer(room, "student", tmp_path / "state") as student:
            fetched = await student.fetch(shared, [teacher.address])
            await until(lambda: fetched.swarm.have.count() > 60)
            had = fetched.swarm.have.copy()
        for index in list(had)[:3]:
            spoil(student.folder / ".data.csv.wtpart", index * 16384 + 5)
        room.network.unplug("teacher")
        async with computer(room, "student", tmp_path / "state") as student:
            again = only(student.session)
            await until(lambda: again.state is TransferState.DOWNLOADING)
            passed_on = await friend.fetch(shared, [student.address])
            await until(lambda: again.swarm.have.count() == had.count() - 3)
            await until(lambda: passed_on.swarm.have == again.swarm.have)
            assert passed_on.swarm.downloader is not None
            assert passed_on.peering.connections.book.known()[0].state.value != "banned"
            room.network.plug("teacher")
            again.peering.add_peers([])
            await all_done([again, passed_on], 600)
            assert digest(student.folder / "data.csv") == digest(data)


async def test_what_was_spoilt_unseen_never_gets_its_name(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 2 * MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        async with computer(room, "student", tmp_path / "state") as student:
            fetched = await student.fetch(shared, [teacher.address])
            await until(lambda: fetched.swarm.have.count() > 60)
            had = fetched.swarm.have.copy()
        spoil(student.folder / ".data.csv.wtpart", list(had)[7] * 16384 + 5)
        async with computer(room, "student", tmp_path / "state") as student:
            await all_done([only(student.session)], 120)
            assert digest(student.folder / "data.csv") == digest(data)


async def test_a_share_that_changed_between_two_sessions_says_so(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        async with computer(room, "teacher", tmp_path / "state") as teacher:
            await teacher.share(data)
        with data.open("r+b") as file:
            file.write(b"edited")
        async with computer(room, "teacher", tmp_path / "state") as teacher:
            shared = only(teacher.session)
            await until(lambda: shared.state is TransferState.SEEDING)
            assert "data.csv has changed" in teacher.session.transfer(shared).notice
            assert shared.swarm.have.count() == 61
            assert teacher.session.transfer(shared).done < MB


async def test_a_finished_download_that_was_removed_is_not_fetched_again(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        async with computer(room, "student", tmp_path / "state") as student:
            await all_done([await student.fetch(shared, [teacher.address])], 60)
        (student.folder / "data.csv").unlink()
        async with computer(room, "student", tmp_path / "state") as student:
            gone = only(student.session)
            await until(lambda: gone.state is TransferState.SEEDING)
            await asyncio.sleep(60)
            assert "is not where it was" in student.session.transfer(gone).notice
            assert not any(student.folder.iterdir())


@pytest.mark.parametrize("paused", [False, True])
async def test_a_finished_download_that_was_edited_is_not_fetched_again(
    paused: bool, tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        async with computer(room, "student", tmp_path / "state") as student:
            fetched = await student.fetch(shared, [teacher.address])
            await all_done([fetched], 60)
            if paused:
                await student.session.pause(fetched.info_hash)
            await asyncio.sleep(10)
        with (student.folder / "data.csv").open("r+b") as file:
            file.write(b"edited")
        edited = digest(student.folder)
        async with computer(room, "student", tmp_path / "state") as student:
            again = only(student.session)
            await student.session.resume(again.info_hash)
            await until(lambda: again.state is TransferState.SEEDING)
            await asyncio.sleep(60)
            assert again.swarm.down.total == 0
            assert digest(student.folder) == edited


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_finished_download_of_which_more_is_wanted_is_not_finished(
    restarted: bool, paused: bool, tmp_path: Path
) -> None:
    folder = tmp_path / "course"
    for number in range(2):
        write_random(folder / f"{number}.csv", 100_000, seed=number)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(folder)
        async with AsyncExitStack() as session:
            start = computer(room, "student", tmp_path / "state")
            student = await session.enter_async_context(start)
            fetched = await student.fetch(shared, [teacher.address], select=["0.csv"])
            await all_done([fetched], 60)
            if restarted:
                await session.aclose()
                start = computer(room, "student", tmp_path / "state")
                student = await session.enter_async_context(start)
                fetched = only(student.session)
                await until(lambda: fetched.state is TransferState.SEEDING)
            room.network.unplug("teacher")
            if paused:
                await student.session.pause(fetched.info_hash)
            assert fetched.is_finished
            await student.session.set_priorities(fetched.info_hash, {1: FilePriority.NORMAL})
            assert not fetched.is_finished
            assert not fetched.arrival.done.done()


async def test_a_goal_goes_on_where_an_earlier_session_left_it(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    state = tmp_path / "state"
    async with classroom(tmp_path) as room:
        async with computer(room, "teacher", state) as teacher:
            shared = await teacher.session.share(ShareRequest([str(data)], seed_ratio=1.5))
            first = await room.machine("first", pex=False)
            await all_done([await first.fetch(shared, [teacher.address])], 60)
            await first.session.remove(shared.info_hash)
        async with computer(room, "teacher", state) as teacher:
            again = only(teacher.session)
            await until(lambda: again.state is TransferState.SEEDING)
            second = await room.machine("second", pex=False)
            await all_done([await second.fetch(again, [teacher.address])], 60)
            await until(lambda: again.state is TransferState.PAUSED, 5)
            assert teacher.session.transfer(again).notice == "seeded to a ratio of 1.5"
            await teacher.session.resume(again.info_hash)
        async with computer(room, "teacher", state) as teacher:
            endless = only(teacher.session)
            await until(lambda: endless.state is TransferState.SEEDING)
            await asyncio.sleep(60)
            assert endless.state is TransferState.SEEDING


@pytest.mark.parametrize("ending", ["in order", "by a crash"])
async def test_seconds_of_seeding_count_over_all_sessions(ending: str, tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    state, left = tmp_path / "state", tmp_path / "left"
    async with classroom(tmp_path) as room:
        async with computer(room, "teacher", state) as teacher:
            await teacher.session.share(ShareRequest([str(data)], seed_seconds=200))
            await asyncio.sleep(150)
            shutil.copytree(state, left)
        async with computer(room, "teacher", state if ending == "in order" else left) as teacher:
            again = only(teacher.session)
            await asyncio.sleep(30)
            assert again.state is TransferState.SEEDING
            await until(lambda: again.state is TransferState.PAUSED, 90)
            assert teacher.session.transfer(again).notice == "seeded for 200 s"


async def test_a_removed_transfer_does_not_come_back(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        async with computer(room, "teacher", tmp_path / "state") as teacher:
            shared = await teacher.share(data)
            await asyncio.sleep(10)
            await teacher.session.remove(shared.info_hash)
        async with computer(room, "teacher", tmp_path / "state") as teacher:
            assert not teacher.session.torrents


async def test_a_selection_and_its_boundary_pieces_come_back(
    hashed: list[int], tmp_path: Path
) -> None:
    folder = tmp_path / "course"
    for number, name in enumerate(("a.csv", "b.csv", "c.csv")):
        write_random(folder / name, 100_000, seed=number)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(folder)
        async with computer(room, "student", tmp_path / "state") as student:
            fetched = await student.fetch(shared, [teacher.address], select=["b.csv"])
            await all_done([fetched], 60)
        hashed.clear()
        async with computer(room, "student", tmp_path / "state") as student:
            again = only(student.session)
            await until(lambda: again.state is TransferState.SEEDING)
            assert not hashed
            assert again.swarm.have == fetched.swarm.have
            everything = await student.fetch(shared, [teacher.address])
            await all_done([everything], 60)
            assert digest(student.folder / "course") == digest(folder)


async def test_what_was_chosen_of_a_running_transfer_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "course"
    for number in range(5):
        write_random(folder / f"{number}.csv", 100_000, seed=number)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(folder)
        room.network.unplug("teacher")
        async with computer(room, "student", tmp_path / "state") as student:
            link = f"{teacher.session.magnet(shared)}&so=0-3"
            fetched = await student.session.fetch(
                FetchRequest(link, str(student.folder), sequential=True)
            )
            room.network.plug("teacher")
            await until(lambda: fetched.swarm.downloader is not None)
            room.network.unplug("teacher")
            await student.session.set_priorities(
                fetched.info_hash, {0: FilePriority.LOW, 2: FilePriority.SKIP, 4: FilePriority.HIGH}
            )
            student.session.set_limits(fetched.info_hash, 100_000, 50_000)
        room.network.plug("teacher")
        async with computer(room, "student", tmp_path / "state") as student:
            again = only(student.session)
            await until(lambda: again.swarm.downloader is not None)
            disk, limits = again.data.disk, again.peering.limits
            assert disk.wanted_files == (0, 1, 3, 4)
            assert disk.priorities == {0: FilePriority.LOW, 4: FilePriority.HIGH}
            assert again.swarm.downloader is not None
            assert again.swarm.downloader.picker.preferred
            assert again.swarm.downloader.picker.sequential
            assert (limits.down, limits.up) == (100_000, 50_000)
            await all_done([again], 60)
            assert sorted(digest(student.folder / "course")) == ["0.csv", "1.csv", "3.csv", "4.csv"]


async def test_a_choice_is_written_at_once(tmp_path: Path) -> None:
    folder, state = tmp_path / "course", tmp_path / "state"
    for number in range(2):
        write_random(folder / f"{number}.csv", 100_000, seed=number)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(folder)
        async with computer(room, "student", state) as student:
            fetched = await student.fetch(shared, [teacher.address])
            await all_done([fetched], 60)
            await asyncio.sleep(10)
            await student.session.set_priorities(fetched.info_hash, {1: FilePriority.SKIP})
            student.session.set_limits(fetched.info_hash, None, 50_000)
        async with computer(room, "student", state) as student:
            again = only(student.session)
            await until(lambda: again.swarm.downloader is not None)
            assert again.data.disk.wanted_files == (0,)
            assert again.peering.limits.up == 50_000


async def test_a_pause_is_written_at_once(tmp_path: Path) -> None:
    data, state, crashed = tmp_path / "data.bin", tmp_path / "state", tmp_path / "crashed"
    write_random(data, 100_000)
    async with classroom(tmp_path) as room:
        async with computer(room, "teacher", state) as teacher:
            shared = await teacher.share(data)
            await asyncio.sleep(11)
            await teacher.session.pause(shared.info_hash)
            await asyncio.sleep(1)
            shutil.copytree(state, crashed)  # what a crash would leave
        async with computer(room, "teacher", crashed) as teacher:
            assert only(teacher.session).switch.is_paused


@pytest.mark.parametrize("paused", [False, True])
async def test_a_transfer_that_came_back_without_a_port_is_announced_once_there_is_one(
    paused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(host: MemoryHost, address: object, accepted: object) -> None:
        raise NetError("the port is taken")

    one, other = (write_random(tmp_path / f"{n}.csv", 1000, seed=n) for n in (1, 2))
    state, tracker = tmp_path / "state", FakeTracker()
    async with classroom(tmp_path) as room, AsyncExitStack() as stack:
        async with computer(room, "teacher", state) as teacher:
            use(teacher, one=FakeTracker())
            shared = await teacher.session.share(ShareRequest([str(one)], trackers=[ONE]))
            if paused:
                await teacher.session.pause(shared.info_hash)
        with monkeypatch.context() as patch:
            patch.setattr(MemoryHost, "listen", refuse)
            teacher = await stack.enter_async_context(computer(room, "teacher", state))
        again = only(teacher.session)
        await asyncio.sleep(60)
        use(teacher, one=tracker)
        assert teacher.session.listening is None
        await teacher.share(other)
        assert teacher.session.listening is not None
        await teacher.session.resume(again.info_hash)
        await until(lambda: tracker.events == ["started"])
        assert again.swarm.extensions.listen_port == teacher.session.listening.port
        student = await room.machine("student")
        await all_done([await student.fetch(again, [teacher.address])], 60)
    assert tracker.events == ["started", "stopped"]


async def test_a_record_of_no_use_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data, state = write_random(tmp_path / "data.csv", 1000), tmp_path / "state"
    async with classroom(tmp_path) as room:
        async with computer(room, "teacher", state) as teacher:
            shared = await teacher.share(data)
            record = replace(record_of(shared), info=b"de")
        journal = Journal.open(state)
        journal.commit({shared.info_hash: record}, {})
        journal.close(clean=True)
        for told in (True, False):
            caplog.clear()
            async with computer(room, "teacher", state) as teacher:
                assert not teacher.session.torrents
            assert ("is forgotten" in caplog.text) is told


async def test_a_magnet_without_metadata_is_remembered(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        room.network.unplug("teacher")
        async with computer(room, "student", tmp_path / "state") as student:
            await student.fetch(shared, [teacher.address])
            await asyncio.sleep(10)
        room.network.plug("teacher")
        async with computer(room, "student", tmp_path / "state") as student:
            await all_done([only(student.session)], 60)
            assert digest(student.folder / "data.csv") == digest(data)


async def test_a_second_session_has_a_slot_of_its_own_and_its_torrents_are_inherited(
    tmp_path: Path,
) -> None:
    first = write_random(tmp_path / "first.csv", 100_000)
    second = write_random(tmp_path / "second.csv", 100_000, seed=2)
    state = tmp_path / "state"
    async with classroom(tmp_path) as room:
        async with computer(room, "one", state) as one, computer(room, "two", state) as two:
            await one.share(first)
            await two.share(second)
            async with computer(room, "three", state) as three:
                assert not three.session.torrents
            assert len(one.session.torrents) == len(two.session.torrents) == 1
        async with computer(room, "one", state) as one, computer(room, "two", state) as two:
            await until(lambda: len(one.session.torrents) == 2)
            assert not two.session.torrents
            await until(
                lambda: all(
                    torrent.state is TransferState.SEEDING
                    for torrent in one.session.torrents.values()
                )
            )


async def test_a_paused_transfer_comes_back_paused_with_what_it_has(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 2 * MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        async with computer(room, "student", tmp_path / "state") as student:
            fetched = await student.fetch(shared, [teacher.address])
            await until(lambda: fetched.swarm.have.count() > 60)
            await student.session.pause(fetched.info_hash)
            done = student.session.transfer(fetched).done
        async with computer(room, "student", tmp_path / "state") as student:
            again = only(student.session)
            await until(lambda: again.state is TransferState.PAUSED)
            await asyncio.sleep(60)
            assert again.swarm.down.total == 0
            assert student.session.transfer(again).done >= done > MB // 2
            await student.session.resume(again.info_hash)
            await all_done([again], 60)
            assert digest(student.folder / "data.csv") == digest(data)


async def test_what_failed_while_it_was_paused_is_not_resumed_but_fetched_anew(
    tmp_path: Path,
) -> None:
    data = write_random(tmp_path / "data.csv", 2 * MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        folder = tmp_path / "student" / "course"
        link = f"magnet:?xt=urn:btih:{shared.info_hash}"
        request = FetchRequest(link=link, folder=str(folder), peers=[teacher.address])
        async with computer(room, "student", tmp_path / "state") as student:
            folder.mkdir()
            fetched = await student.session.fetch(request)
            await until(lambda: fetched.swarm.have.count() > 60)
            await student.session.pause(fetched.info_hash)
        shutil.rmtree(folder)
        async with computer(room, "student", tmp_path / "state") as student:
            failed = only(student.session)
            await until(lambda: failed.state is TransferState.FAILED)
            folder.mkdir()
            with pytest.raises(EngineError, match="has failed: fetch"):
                await student.session.resume(failed.info_hash)
            assert failed.state is TransferState.FAILED
            again = await student.session.fetch(request)
            await all_done([again], 60)
            assert digest(folder / "data.csv") == digest(data)
