"""Asking twice: other files, another folder, two at once, and an end that everybody hears of."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.errors import EngineError, FetchFailedError, TransferNotFoundError
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    FilePriority,
    ShareRequest,
    TransferState,
)
from tests.engine.classroom import Machine, all_done, classroom, digest, until, write_random
from tests.engine.test_web_seed import BASE, serve, torrent_file
from tests.engine.web import MemoryWeb

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]


def course(root: Path, size: int = 100_000) -> Path:
    for number, name in enumerate(("a.csv", "b.csv", "c.csv")):
        write_random(root / "course" / name, size, seed=number)
    return root / "course"


def request(machine: Machine, link: str, **options: object) -> FetchRequest:
    return FetchRequest(link=link, folder=str(machine.folder), **options)  # type: ignore[arg-type]


async def test_a_second_fetch_brings_the_files_the_first_left_out(tmp_path: Path) -> None:
    folder = course(tmp_path)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(folder)
        first = await student.fetch(shared, [teacher.address], select=["a.csv"])
        await all_done([first], 60)
        second = await student.fetch(shared, [teacher.address], select=["b.csv"])
        await all_done([second], 60)
        assert sorted(digest(student.folder / "course")) == ["a.csv", "b.csv"]
        again = await student.fetch(shared, [teacher.address], select=["b.csv"])
        assert again is second
        everything = await student.fetch(shared, [teacher.address])
        await all_done([everything], 60)
        assert digest(student.folder / "course") == digest(folder)
        assert [path.name for path in student.folder.iterdir()] == ["course"]


async def test_a_fetch_into_another_folder_is_refused_with_where_it_is(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        await all_done([await student.fetch(shared, [teacher.address])], 60)
        (student.folder / "other").mkdir()
        link = str(teacher.session.magnet(shared))
        with pytest.raises(EngineError, match=f"here already, in {student.folder}"):
            await student.session.fetch(
                FetchRequest(link=link, folder=str(student.folder / "other"))
            )


async def test_two_fetches_at_once_are_one(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 100_000)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        link = str(teacher.session.magnet(await teacher.share(data)))
        one, other = await asyncio.gather(
            student.session.fetch(request(student, link)),
            student.session.fetch(request(student, link)),
        )
        assert one is other
        await all_done([one], 60)


async def test_two_removals_at_once_are_one_and_a_miss(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        info_hash = (await teacher.share(data)).info_hash
        outcomes = await asyncio.gather(
            teacher.session.remove(info_hash),
            teacher.session.remove(info_hash),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), TransferNotFoundError]


async def test_whoever_waits_hears_that_a_fetch_was_removed(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        student = await room.machine("student")
        link = f"magnet:?xt=urn:btih:{'ab' * 20}&x.pe=nobody:1"
        fetched = await student.session.fetch(request(student, link))
        await student.session.remove(fetched.info_hash)  # before it ran for the first time
        with pytest.raises(FetchFailedError, match="stopped"):
            await fetched.arrival.wait()


async def test_a_share_of_what_is_still_coming_takes_its_place(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", 1000)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        room.network.unplug("teacher")
        fetched = await student.fetch(shared, [teacher.address])
        seeded = await student.session.share(ShareRequest(paths=[str(data)]))
        assert seeded is not fetched
        assert seeded.state is TransferState.SEEDING
        assert list(student.session.torrents.values()) == [seeded]


async def test_a_link_that_names_files_which_are_not_there_fails(tmp_path: Path) -> None:
    folder = course(tmp_path)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        link = f"{teacher.session.magnet(await teacher.share(folder))}&so=7"
        fetched = await student.session.fetch(request(student, link))
        with pytest.raises(FetchFailedError, match="no file of course the link asks for"):
            await fetched.arrival.wait()


async def test_a_tracker_that_cannot_be_used_does_not_spoil_the_others(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        student = await room.machine("student")
        link = f"magnet:?xt=urn:btih:{'ab' * 20}&x.pe=nobody:1&tr=udp%3A%2F%2F127.0.0.1"
        trackers = ["ws://user:secret@127.0.0.1:8099/announce", "WS://127.0.0.1:8099/announce"]
        fetched = await student.session.fetch(request(student, link, trackers=trackers))
        await until(lambda: len(student.session.details(fetched).trackers) == 3)
        states = {t.url: t.message for t in student.session.details(fetched).trackers}
        assert "user name" in states["ws://user:secret@127.0.0.1:8099/announce"]
        assert "names a port" in states["udp://127.0.0.1"]
        assert states["WS://127.0.0.1:8099/announce"] == ""
        await student.session.remove(fetched.info_hash)


async def test_a_torrent_file_brings_its_magnet_link_what_that_lacks(tmp_path: Path) -> None:
    data, web = write_random(tmp_path / "data.csv", 100_000), MemoryWeb()
    serve(web, data)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student", ranges=web)
        shared = await teacher.share(data)
        for paused in (False, True):
            fetched = await student.fetch(shared, ["nobody:1"])
            await asyncio.sleep(5)
            assert student.session.transfer(fetched).state is TransferState.METADATA
            if paused:
                await student.session.pause(fetched.info_hash)
            tracker = "ws://user:secret@127.0.0.1:9/announce"  # it cannot be used: nobody is asked
            link = str(torrent_file(tmp_path, data))
            again = await student.session.fetch(request(student, link, trackers=[tracker]))
            assert again is fetched
            await all_done([fetched], 60)
            assert digest(student.folder / "data.csv") == digest(data)
            details = student.session.details(fetched)
            assert [status.url for status in details.trackers] == [tracker]
            assert [status.url for status in details.web_seeds] == [BASE]
            assert student.session.magnet(fetched).web_seeds == (BASE,)
            await student.session.remove(fetched.info_hash, delete_data=True)


async def test_a_second_link_may_say_where_the_torrent_file_is(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        student = await room.machine("student")
        link = f"magnet:?xt=urn:btih:{'ab' * 20}&x.pe=nobody:1"
        fetched = await student.session.fetch(request(student, link))
        await asyncio.sleep(5)
        await student.session.fetch(
            request(student, f"{link}&xs=http%3A%2F%2F10.0.0.1%2Fa.torrent")
        )
        await until(lambda: len(fetched.metadata.exact_sources.failures) == 1)
        assert fetched.link.exact_sources == ("http://10.0.0.1/a.torrent",)


async def test_other_files_of_a_plain_link_come_from_where_the_first_came(tmp_path: Path) -> None:
    folder, web = course(tmp_path), MemoryWeb()
    serve(web, folder)
    async with classroom(tmp_path) as room:
        student = await room.machine("student", ranges=web)
        link = str(torrent_file(tmp_path, folder))
        first = await student.session.fetch(request(student, link, select=["a.csv"]))
        await all_done([first], 60)
        student.session.set_limits(first.info_hash, 50_000, 40_000)
        link, downloaded = f"magnet:?xt=urn:btih:{first.info_hash}", first.data.downloaded
        second = await student.session.fetch(request(student, link, select=["b.csv"]))
        assert second.state is TransferState.CHECKING
        await all_done([second], 60)
        assert sorted(digest(student.folder / "course")) == ["a.csv", "b.csv"]
        assert second.data.downloaded > downloaded
        assert (second.peering.limits.down, second.peering.limits.up) == (50_000, 40_000)


async def test_what_is_begun_anew_rests_and_is_limited_as_before(tmp_path: Path) -> None:
    size = 6 << 14  # no two files share a piece
    folder = course(tmp_path, size)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(folder)
        write_random(student.folder / "course" / "a.csv", size, seed=0)  # a person's own
        fetched = await student.fetch(shared, [teacher.address], select=["a.csv"])
        await all_done([fetched], 60)
        other = await room.machine("other")
        await all_done([await other.fetch(shared, [student.address], select=["a.csv"])], 60)
        uploaded = fetched.data.uploaded
        assert uploaded >= size
        student.session.set_limits(fetched.info_hash, 50_000, 40_000)
        await student.session.pause(fetched.info_hash)
        skip, normal, high = FilePriority.SKIP, FilePriority.NORMAL, FilePriority.HIGH
        anew = await student.session.set_priorities(fetched.info_hash, {2: high})
        assert anew is not fetched
        await asyncio.sleep(5)
        details = student.session.details(anew)
        assert details.transfer.state is TransferState.PAUSED
        assert details.transfer.uploaded == uploaded
        assert [file.priority for file in details.files] == [normal, skip, high]
        assert (anew.peering.limits.down, anew.peering.limits.up) == (50_000, 40_000)
        assert anew.swarm.downloader is not None
        assert anew.swarm.downloader.picker.preferred
        assert anew.added_at == fetched.added_at
        await student.session.resume(anew.info_hash)
        await all_done([anew], 60)
        assert sorted(digest(anew.arrival.paths[0])) == ["a.csv", "c.csv"]
