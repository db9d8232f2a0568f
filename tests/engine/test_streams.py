"""Reading files while they grow, in virtual time: what is read comes first, and only what is verified."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.errors import EngineError
from jupyter_webtorrent.engine.stream import LOOK_AHEAD_BYTES
from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.memory import Link
from tests.engine.classroom import Classroom, Machine, all_done, classroom, until, write_random

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

MIB = 1 << 20
SLOW = Link(latency=0.02, rate=1_000_000)
NAME = "film.bin"


async def begin(
    room: Classroom, size: int, *, sequential: bool = False
) -> tuple[Machine, Torrent, bytes]:
    """A student who fetches a film from one teacher, at 1 MB/s."""
    data = write_random(room.folder / NAME, size)
    teacher, student = await room.machine("teacher"), await room.machine("student")
    fetched = await student.fetch(
        await teacher.share(data), [teacher.address], sequential=sequential
    )
    return student, fetched, data.read_bytes()


def done_bytes(torrent: Torrent) -> int:
    downloader = torrent.swarm.downloader
    return 0 if downloader is None else downloader.layout.bytes_of_pieces(downloader.have)


async def test_a_read_at_any_offset_gets_its_pieces_first(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        _, fetched, data = await begin(room, 40 * MIB)
        await until(lambda: done_bytes(fetched) > MIB)
        loop = asyncio.get_running_loop()
        with_jumps = fetched.data.streams.open(NAME)
        for offset in (30 * MIB, 5 * MIB + 77, 39 * MIB, 17 * MIB):
            began = loop.time()
            assert await with_jumps.read(offset, 300_000) == data[offset : offset + 300_000]
            assert (
                loop.time() - began < 3.0
            )  # 300 kB at 1 MB/s, behind the pipeline of half a second
        assert done_bytes(fetched) < 16 * MIB
        with_jumps.close()


async def test_a_file_is_read_from_its_link_on_before_anything_is_known(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        _, fetched, data = await begin(room, 4 * MIB)
        async with fetched.data.streams.open(0) as stream:
            assert fetched.swarm.info is None
            parts = [await stream.read(at, 70_001) for at in range(0, 4 * MIB, 70_001)]
            assert b"".join(parts) == data
            assert await stream.length() == 4 * MIB
            assert await stream.read(4 * MIB, 10) == b""
            assert await stream.read(9 * MIB, 10) == b""
        await all_done([fetched], 60)


async def test_what_comes_next_is_fetched_ahead_and_no_further(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        _, fetched, _ = await begin(room, 64 * MIB)
        async with fetched.data.streams.open(NAME) as stream:
            await stream.read(20 * MIB, 1000)
            downloader = fetched.swarm.downloader
            assert downloader is not None
            layout = downloader.layout
            ahead = set(layout.pieces_between(20 * MIB, LOOK_AHEAD_BYTES))
            await asyncio.sleep(LOOK_AHEAD_BYTES / 1e6)
            assert sum(piece in downloader.have for piece in ahead) > 0.8 * len(ahead)
            beyond = set(layout.pieces_between(29 * MIB, 30 * MIB))
            assert sum(piece in downloader.have for piece in beyond) < 0.2 * len(beyond)


async def test_a_reader_hears_that_the_torrent_is_paused_and_reads_what_is_there(
    tmp_path: Path,
) -> None:
    async with classroom(tmp_path, SLOW) as room:
        _, fetched, data = await begin(room, 32 * MIB)
        async with fetched.data.streams.open(NAME) as stream:
            await stream.read(0, 1000)
            reading = asyncio.create_task(stream.read(20 * MIB, 5 * MIB))
            await asyncio.sleep(0.01)
            fetched.pause()
            with pytest.raises(EngineError, match="the transfer is paused"):
                await reading
            assert await stream.read(0, 1000) == data[:1000]
            fetched.resume()
            assert await stream.read(20 * MIB, 1000) == data[20 * MIB : 20 * MIB + 1000]


async def test_several_readers_are_served_at_once(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        _, fetched, data = await begin(room, 32 * MIB)

        async def play(start: int) -> None:
            async with fetched.data.streams.open(NAME) as stream:
                for offset in range(start, start + MIB, 100_000):
                    assert await stream.read(offset, 100_000) == data[offset : offset + 100_000]

        async with asyncio.timeout(15):
            await asyncio.gather(*(play(start * MIB) for start in (1, 12, 25)))


async def test_a_reader_that_closes_withdraws_its_urgency(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        _, fetched, _ = await begin(room, 32 * MIB)
        stream = fetched.data.streams.open(NAME)
        await stream.read(0, 1000)
        downloader = fetched.swarm.downloader
        assert downloader is not None
        assert downloader.readers.order
        stream.close()
        assert not downloader.readers.order
        with pytest.raises(EngineError, match="the reader is closed"):
            await stream.read(0, 1000)


async def test_a_cancelled_read_withdraws_its_urgency(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        _, fetched, data = await begin(room, 32 * MIB)
        await until(lambda: done_bytes(fetched) > 0)
        async with fetched.data.streams.open(NAME) as stream:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream.read(20 * MIB, 5 * MIB), 0.5)
            downloader = fetched.swarm.downloader
            assert downloader is not None
            assert not downloader.readers.order
            assert await stream.read(30 * MIB, 100) == data[30 * MIB : 30 * MIB + 100]


async def test_a_reader_hears_that_the_torrent_was_removed(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        student, fetched, _ = await begin(room, 32 * MIB)
        stream = fetched.data.streams.open(NAME)
        reading = asyncio.create_task(stream.read(20 * MIB, 1000))
        unbegun = asyncio.create_task(fetched.data.streams.open("other.bin").read(0, 1))
        await asyncio.sleep(0.01)
        await student.session.remove(fetched.info_hash)
        for task in (reading, unbegun):
            with pytest.raises(EngineError, match=r"nothing can be read any more: .*stopped"):
                await task


async def test_only_what_exists_and_is_fetched_can_be_read(tmp_path: Path) -> None:
    async with classroom(tmp_path) as room:
        for name in ("a.bin", "b.bin"):
            write_random(tmp_path / "course" / name, MIB, seed=len(name))
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(tmp_path / "course")
        fetched = await student.fetch(shared, [teacher.address], select=["a.bin"])
        with pytest.raises(EngineError, match=r"there is no file c\.bin in course"):
            await fetched.data.streams.open("c.bin").read(0, 1)
        with pytest.raises(EngineError, match=r"b\.bin is not among the files that are fetched"):
            await fetched.data.streams.open("b.bin").read(MIB // 2, 1000)
        with pytest.raises(EngineError, match="nothing can be read at -1"):
            await fetched.data.streams.open("a.bin").read(-1, 1)
        await all_done([fetched], 60)
        a = (tmp_path / "course" / "a.bin").read_bytes()
        assert await fetched.data.streams.open("a.bin").read(5, 1000) == a[5:1005]


async def test_a_stalled_peer_does_not_keep_a_reader_waiting(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        data = write_random(tmp_path / NAME, 16 * MIB)
        teachers = await room.machines("teacher", 2)
        shared = [await teacher.share(data) for teacher in teachers]
        student = await room.machine("student")
        fetched = await student.fetch(shared[0], [teacher.address for teacher in teachers])
        await until(lambda: done_bytes(fetched) > MIB)

        async def hang(*_: object) -> memoryview:
            await asyncio.Event().wait()
            raise AssertionError

        reader = shared[0].data.disk.reader
        assert reader is not None
        reader.cached = lambda *_: None  # type: ignore[method-assign]
        reader.read = hang  # type: ignore[method-assign,assignment]
        stream = fetched.data.streams.open(NAME)
        began = asyncio.get_running_loop().time()
        assert await stream.read(10 * MIB, 500_000) == data.read_bytes()[10 * MIB :][:500_000]
        assert asyncio.get_running_loop().time() - began < 6
        stream.close()


async def test_sequential_pieces_come_in_their_order(tmp_path: Path) -> None:
    async with classroom(tmp_path, SLOW) as room:
        _, fetched, _ = await begin(room, 8 * MIB, sequential=True)
        await until(lambda: done_bytes(fetched) > 4 * MIB)
        downloader = fetched.swarm.downloader
        assert downloader is not None
        have = list(downloader.have)
        assert max(have) - len(have) <= 1
