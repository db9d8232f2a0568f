"""Web seeds in the swarm: alone, beside peers, failing, lying, and without some of the files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.guard import GuardError, Policy
from jupyter_webtorrent.net.webseed import WebSeedError
from jupyter_webtorrent.protocol.metainfo import Info, Metainfo, TorrentFile
from jupyter_webtorrent.schema.transfers import FetchRequest, FilePriority, TransferState
from jupyter_webtorrent.storage.create import create_info
from tests.engine.classroom import Machine, all_done, classroom, digest, until, write_random
from tests.engine.web import MemoryWeb

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

MB = 1_000_000
BASE = "http://web.example/files/"


def torrent_file(folder: Path, *paths: Path, web_seeds: Sequence[str] = (BASE,)) -> Path:
    """The .torrent of these paths, with web seeds, in a file."""
    metainfo = Metainfo(create_info(list(paths)).info, web_seeds=tuple(web_seeds))
    path = folder / "shared.torrent"
    path.write_bytes(metainfo.to_bytes())
    return path


async def fetch(machine: Machine, torrent: Path, **options: list[str]) -> Torrent:
    request = FetchRequest(
        link=str(torrent),
        folder=str(machine.folder),
        trackers=[],
        **options,  # type: ignore[arg-type]
    )
    return await machine.session.fetch(request)


def serve(web: MemoryWeb, path: Path, base: str = BASE) -> None:
    """Put a file or folder on the web, spaces percent-encoded."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    for file in files:
        name = file.relative_to(path.parent).as_posix().replace(" ", "%20")
        web.files[base + name] = file.read_bytes()


async def test_a_web_seed_alone_gives_everything(tmp_path: Path) -> None:
    data, web = write_random(tmp_path / "data.csv", 3 * MB + 17), MemoryWeb()
    serve(web, data)
    async with classroom(tmp_path) as room:
        student = await room.machine("student", ranges=web)
        fetched = await fetch(student, torrent_file(tmp_path, data))
        await all_done([fetched], 60)
        assert digest(fetched.arrival.paths[0]) == digest(data)
        status = student.session.transfer(fetched)
        assert status.by_transport == {"webseed": 3 * MB + 17}
        assert web.policies == {Policy.PUBLIC}
        assert 1 < web.most_under_way <= 4
        (peer,) = student.session.details(fetched).peers
        assert (peer.address, peer.transport) == ("web.example", "webseed")
        assert not peer.connected
        assert peer.downloaded == 3 * MB + 17


async def test_neighbouring_pieces_come_in_one_request(tmp_path: Path) -> None:
    data, web = write_random(tmp_path / "data.csv", 3 * MB), MemoryWeb()  # 184 pieces of 16 KiB
    serve(web, data)
    async with classroom(tmp_path) as room:
        student = await room.machine("student", ranges=web)
        await all_done([await fetch(student, torrent_file(tmp_path, data))], 60)
    assert sum(part.length for part in web.asked) < 1.1 * 3 * MB
    assert len(web.asked) < 40


async def test_a_folder_comes_file_by_file_without_the_empty_ones(tmp_path: Path) -> None:
    folder, web = tmp_path / "lesson 1", MemoryWeb()
    write_random(folder / "intro.ipynb", 40_000, seed=2)
    write_random(folder / "data" / "table 1.csv", 300_000, seed=3)
    (folder / "data" / "empty.txt").write_bytes(b"")
    serve(web, folder)
    async with classroom(tmp_path) as room:
        student = await room.machine("student", ranges=web)
        fetched = await fetch(student, torrent_file(tmp_path, folder))
        await all_done([fetched], 60)
        assert digest(fetched.arrival.paths[0]) == digest(folder)
    assert {part.url for part in web.asked} == {
        BASE + "lesson%201/intro.ipynb",
        BASE + "lesson%201/data/table%201.csv",
    }


async def test_padding_is_never_asked_for(tmp_path: Path) -> None:
    first, last = tmp_path / "pad" / "a.bin", tmp_path / "pad" / "b.bin"
    one, two = write_random(first, 20_000), write_random(last, 30_000, seed=2)
    content = one.read_bytes() + bytes(12_768) + two.read_bytes()
    pieces = b"".join(
        sha1(content[start : start + 32_768]).digest() for start in range(0, len(content), 32_768)
    )
    info = Info.build(
        "pad",
        32_768,
        pieces,
        [
            TorrentFile(("a.bin",), 20_000),
            TorrentFile((".pad", "12768"), 12_768, padding=True),
            TorrentFile(("b.bin",), 30_000),
        ],
        single_file=False,
    )
    torrent = tmp_path / "pad.torrent"
    torrent.write_bytes(Metainfo(info, web_seeds=(BASE,)).to_bytes())
    web = MemoryWeb()
    serve(web, tmp_path / "pad")
    async with classroom(tmp_path) as room:
        student = await room.machine("student", ranges=web)
        fetched = await fetch(student, torrent)
        await all_done([fetched], 60)
        assert digest(fetched.arrival.paths[0]) == digest(tmp_path / "pad")
    assert {part.url for part in web.asked} == {BASE + "pad/a.bin", BASE + "pad/b.bin"}


async def test_a_web_seed_and_a_peer_share_the_work(tmp_path: Path) -> None:
    data, web = write_random(tmp_path / "data.csv", 6 * MB), MemoryWeb()
    serve(web, data)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        student = await room.machine("student", ranges=web)
        await teacher.share(data)
        fetched = await fetch(student, torrent_file(tmp_path, data), peers=[teacher.address])
        await all_done([fetched], 60)
        by_transport = student.session.transfer(fetched).by_transport
        assert digest(fetched.arrival.paths[0]) == digest(data)
    assert by_transport["memory"] > MB
    assert by_transport["webseed"] > MB


async def test_a_web_seed_that_lies_is_banned_and_the_peer_gives_the_rest(tmp_path: Path) -> None:
    data, web = write_random(tmp_path / "data.csv", 6 * MB), MemoryWeb()
    web.files[BASE + "data.csv"] = bytes(6 * MB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        student = await room.machine("student", ranges=web)
        await teacher.share(data)
        fetched = await fetch(student, torrent_file(tmp_path, data), peers=[teacher.address])
        await all_done([fetched], 120)
        assert digest(fetched.arrival.paths[0]) == digest(data)
        (seed,) = student.session.details(fetched).web_seeds
        assert seed.state == "failed"
        assert "bad piece" in seed.message
        asked = len(web.asked)
        await until(lambda: fetched.state is TransferState.SEEDING)
        assert len(web.asked) == asked


async def test_a_server_that_fails_is_tried_again_when_it_says(tmp_path: Path) -> None:
    data, web = write_random(tmp_path / "data.csv", MB), MemoryWeb()
    serve(web, data)
    busy = WebSeedError("it answered 503")
    busy.retry_after = 40.0
    web.failures = [busy]
    async with classroom(tmp_path) as room:
        student = await room.machine("student", ranges=web)
        fetched = await fetch(student, torrent_file(tmp_path, data))
        await until(lambda: student.session.transfer(fetched).notice.startswith("no peers"), 20)
        assert "it answered 503" in student.session.transfer(fetched).notice
        (seed,) = student.session.details(fetched).web_seeds
        assert (seed.state, seed.message) == ("failed", "it answered 503")
        await all_done([fetched], 60)
        assert student.session.transfer(fetched).seconds > 40


async def test_a_file_that_the_server_lacks_comes_from_a_peer(tmp_path: Path) -> None:
    folder, web = tmp_path / "lesson", MemoryWeb()
    write_random(folder / "here.csv", 2 * MB, seed=2)
    write_random(folder / "lost.csv", 2 * MB, seed=3)
    serve(web, folder)
    del web.files[BASE + "lesson/lost.csv"]
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        student = await room.machine("student", ranges=web)
        await teacher.share(folder)
        fetched = await fetch(student, torrent_file(tmp_path, folder), peers=[teacher.address])
        await all_done([fetched], 60)
        assert digest(fetched.arrival.paths[0]) == digest(folder)
        assert student.session.transfer(fetched).by_transport["webseed"] > MB
    assert sum(part.url.endswith("lost.csv") for part in web.asked) <= 2


async def test_what_the_guard_refuses_is_not_tried_again_until_a_person_names_it(
    tmp_path: Path,
) -> None:
    data, web = write_random(tmp_path / "data.csv", MB), MemoryWeb()
    serve(web, data)
    web.failures = [GuardError("192.168.1.5 is a private address")] * 2
    torrent = torrent_file(tmp_path, data)
    async with classroom(tmp_path) as room:
        student = await room.machine("student", ranges=web)
        fetched = await fetch(student, torrent)
        await until(lambda: "private address" in student.session.transfer(fetched).notice)
        asked = len(web.asked)
        with pytest.raises(TimeoutError):
            await all_done([fetched], 3600)
        assert len(web.asked) == asked
        web.failures.clear()
        again = await fetch(student, torrent, web_seeds=[BASE])
        assert again is fetched
        await all_done([fetched], 60)
        assert web.policies == {Policy.PUBLIC, Policy.NAMED}


async def test_a_silent_web_seed_holds_up_nobody(tmp_path: Path) -> None:
    data, web = write_random(tmp_path / "data.csv", 2 * MB), MemoryWeb(round_trip=100_000)
    serve(web, data)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        student = await room.machine("student", ranges=web)
        await teacher.share(data)
        fetched = await fetch(student, torrent_file(tmp_path, data), peers=[teacher.address])
        await all_done([fetched], 60)
        assert digest(fetched.arrival.paths[0]) == digest(data)


async def test_a_web_seed_gives_a_file_more_after_a_pause(tmp_path: Path) -> None:
    folder, web = tmp_path / "lesson", MemoryWeb()
    for number, name in enumerate(("a.csv", "b.csv")):
        write_random(folder / name, MB, seed=number)
    serve(web, folder)
    async with classroom(tmp_path) as room:
        student = await room.machine("student", ranges=web)
        fetched = await fetch(student, torrent_file(tmp_path, folder), select=["a.csv"])
        await all_done([fetched], 60)
        await student.session.pause(fetched.info_hash)
        (seed,) = student.session.details(fetched).web_seeds
        assert (seed.state, seed.message) == ("waiting", "")
        await student.session.resume(fetched.info_hash)
        await asyncio.sleep(5)
        await student.session.set_priorities(fetched.info_hash, {1: FilePriority.NORMAL})
        await all_done([fetched], 60)
        assert digest(student.folder / "lesson") == digest(folder)


async def test_a_web_seed_gives_again_what_was_lost_on_the_disk(tmp_path: Path) -> None:
    """The download was complete, and the web seed was of no more use; then a piece turns out wrong."""
    data, web = write_random(tmp_path / "data.csv", 2 * MB), MemoryWeb()
    serve(web, data)
    async with classroom(tmp_path) as room:
        student = await room.machine("student", ranges=web)
        fetched = await fetch(student, torrent_file(tmp_path, data))
        disk, checks = fetched.data.disk, iter([[3]])

        async def check(info: Info) -> list[int]:
            (seed,) = student.session.details(fetched).web_seeds
            assert (seed.state, seed.message) == ("waiting", "")
            return next(checks, [])

        disk.check_before_finish = check  # type: ignore[method-assign]
        await all_done([fetched], 60)
        assert next(checks, None) is None
        assert digest(fetched.arrival.paths[0]) == digest(data)


async def test_a_web_seed_that_keeps_failing_under_a_limit_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    data, web = write_random(tmp_path / "data.csv", MB), MemoryWeb()
    web.failures = [WebSeedError("it answered 500") for _ in range(1000)]
    async with classroom(tmp_path) as room:
        student = await room.machine("student", ranges=web, down_limit=1_000_000)
        fetched = await fetch(student, torrent_file(tmp_path, data))
        await until(lambda: len(web.asked) > 5, 3600)
        assert len(fetched.peering.limits._requests._flows) <= 1


async def test_web_seeds_count_as_no_connection(tmp_path: Path) -> None:
    data, web = write_random(tmp_path / "data.csv", 2 * MB), MemoryWeb(rate=10_000)
    serve(web, data)
    urls = [f"http://web{number}.example/" for number in range(25)]
    web.files |= {f"{url}data.csv": data.read_bytes() for url in urls}
    async with classroom(tmp_path) as room:
        student = await room.machine("student", ranges=web, max_peers_per_torrent=1)
        fetched = await fetch(student, torrent_file(tmp_path, data, web_seeds=urls))
        await until(lambda: len(student.session.details(fetched).peers) == 20, 20)
        assert fetched.peering.connections.room == 1


async def test_web_seeds_that_fail_while_they_are_stopped_end_all_the_same(tmp_path: Path) -> None:
    data = write_random(tmp_path / "data.csv", MB)
    urls = [f"http://web{number}.example/" for number in range(20)]
    for turns in range(8):  # of the loop, between the failures and the end
        web = MemoryWeb()
        async with classroom(tmp_path / str(turns)) as room:
            (tmp_path / str(turns)).mkdir()
            student = await room.machine("student", ranges=web)
            await fetch(student, torrent_file(tmp_path, data, web_seeds=urls))
            await until(lambda web=web: len(web.asked) >= 20)  # type: ignore[misc]
            await asyncio.sleep(0.05)
            for _ in range(turns):
                await asyncio.sleep(0)
