"""A real disk of 8 MiB, filled and freed."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.errors import FetchFailedError
from jupyter_webtorrent.schema.transfers import FetchRequest, ShareRequest, TransferState
from tests.engine.classroom import all_done, classroom, digest, until, write_random
from tests.interop.network import own_address
from tests.namespace import ADDRESS

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB, which only the namespace that the tests run in can see."""
    if own_address() != ADDRESS:
        pytest.fail("this mounts a file system: run it behind `python tests/namespace.py`")
    place = tmp_path / "student"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


async def test_a_disk_is_filled_and_freed_while_a_download_goes_on(
    small_disk: Path, tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.bin", 6 * MIB)
    async with classroom(tmp_path) as room:
        teacher, friend = await room.machine("teacher"), await room.machine("friend")
        student = room.session("student", state_folder=tmp_path / "state")
        async with student:
            shared = await teacher.share(data)
            link = f"magnet:?xt=urn:btih:{shared.info_hash}"
            request = FetchRequest(link=link, folder=str(small_disk), peers=[teacher.address])
            fetched = await student.fetch(request)
            await until(lambda: fetched.swarm.have.count() > 20)
            (small_disk / "filler").write_bytes(bytes(4 * MIB))
            await until(lambda: "No space left on device" in student.transfer(fetched).notice)
            await asyncio.sleep(100)
            came = fetched.swarm.down.total
            await asyncio.sleep(100)
            assert fetched.swarm.down.total == came
            assert fetched.state is TransferState.DOWNLOADING
            passed_on = await friend.fetch(shared, [str(student.listening)])
            await until(lambda: passed_on.swarm.have == fetched.swarm.have)
            (small_disk / "filler").unlink()
            await all_done([fetched, passed_on], 90)
            assert student.transfer(fetched).notice == ""
            assert digest(small_disk / "data.bin") == digest(data)
            assert digest(friend.folder / "data.bin") == digest(data)


async def test_what_has_no_room_is_refused_when_it_is_added(
    small_disk: Path, tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.bin", 9 * MIB)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        async with room.session("student") as student:
            shared = await teacher.share(data)
            link = f"magnet:?xt=urn:btih:{shared.info_hash}"
            request = FetchRequest(link=link, folder=str(small_disk), peers=[teacher.address])
            fetched = await student.fetch(request)
            with pytest.raises(FetchFailedError, match="not enough room"):
                await fetched.arrival.wait()


async def test_a_state_on_a_full_disk_is_kept_as_soon_as_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.bin", MIB)
    state = small_disk / "state"
    async with classroom(tmp_path) as room:
        async with room.session("teacher", state_folder=state) as session:
            filler = small_disk / "filler"
            with pytest.raises(OSError, match="No space"):
                filler.write_bytes(bytes(9 * MIB))
            shared = await session.share(ShareRequest(paths=[str(data)]))
            await asyncio.sleep(30)
            filler.unlink()
        async with room.session("teacher", state_folder=state) as session:
            assert list(session.torrents) == [shared.info_hash]
