"""Files that people change while they are passed on: not one wrong byte leaves, the rest goes on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_webtorrent.engine.torrent import Torrent
from jupyter_webtorrent.net.memory import Link
from jupyter_webtorrent.schema.transfers import TransferState
from jupyter_webtorrent.swarm.swarm import Swarm
from tests.engine.classroom import Machine, all_done, classroom, digest, until, write_random

pytestmark = [pytest.mark.looptime, pytest.mark.asyncio]

SIZE = 400_000
SLOW = Link(latency=0.02, loss=0.0, rate=20_000)
PIECES = -(-SIZE // 16384)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"one more line\n")


def truncate(path: Path) -> None:
    os.truncate(path, SIZE // 2)


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes()[: SIZE // 2] + bytes(SIZE - SIZE // 2))
    other.rename(path)


def edit(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100_000)
        file.write(b"edited")


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def remove(path: Path) -> None:
    path.unlink()


@pytest.fixture
def bad_pieces(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pieces that came wrong to anyone."""
    bad: list[int] = []
    piece_stored = Swarm.piece_stored

    def counted(swarm: Swarm, index: int, now: float, *, ok: bool) -> None:
        if not ok:
            bad.append(index)
        piece_stored(swarm, index, now, ok=ok)

    monkeypatch.setattr(Swarm, "piece_stored", counted)
    return bad


async def settled(teacher: Machine, shared: Torrent) -> str:
    """What the person is told once the change was seen and looked into."""
    await until(lambda: teacher.session.transfer(shared).notice != "", 60)
    await until(lambda: "being checked" not in teacher.session.transfer(shared).notice, 60)
    return teacher.session.transfer(shared).notice


@pytest.mark.parametrize(
    ("change", "said", "left"),
    [
        (append, "has grown", range(PIECES, PIECES + 1)),
        (truncate, "has changed", range(PIECES // 2, PIECES // 2 + 1)),
        (replace, "has changed", range(PIECES // 2, PIECES // 2 + 1)),
        (edit, "has changed", range(PIECES - 1, PIECES)),
        (remove, "is not where it was", range(1)),
    ],
)
async def test_what_changed_is_not_passed_on_any_more_and_the_rest_is(
    change: Callable[[Path], None], said: str, left: range, bad_pieces: list[int], tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.csv", SIZE)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        change(data)
        notice = await settled(teacher, shared)
        assert notice.startswith(f"data.csv {said}")
        assert notice.endswith("share it again to offer the new version")
        assert shared.state is TransferState.SEEDING
        assert shared.swarm.have.count() in left
        fetched = await student.fetch(shared, [teacher.address])
        if shared.swarm.have.any():
            await until(lambda: fetched.swarm.have == shared.swarm.have)
        assert not bad_pieces
        if data.exists():
            again = await teacher.share(data)
            assert (again.info_hash == shared.info_hash) == (change is touch)


async def test_a_file_that_was_only_touched_is_checked_and_passed_on(
    bad_pieces: list[int], tmp_path: Path
) -> None:
    data = write_random(tmp_path / "data.csv", SIZE)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        os.utime(data, ns=(2, 2))
        await asyncio.sleep(60)
        assert shared.swarm.have.all()
        assert teacher.session.transfer(shared).notice == ""
        fetched = await student.fetch(shared, [teacher.address])
        touch(data)
        await all_done([fetched], 120)
        assert digest(student.folder / "data.csv") == digest(data)
        assert not bad_pieces


@pytest.mark.parametrize("change", [append, truncate, replace, edit, remove])
async def test_a_file_that_changes_amid_a_transfer_sends_no_wrong_byte(
    change: Callable[[Path], None], bad_pieces: list[int], tmp_path: Path
) -> None:
    folder = tmp_path / "course"
    files = [write_random(folder / name, SIZE, seed) for seed, name in enumerate("abc")]
    async with classroom(tmp_path, SLOW) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(folder)
        before = digest(folder)
        fetched = await student.fetch(shared, [teacher.address])
        await until(lambda: fetched.swarm.have.count() > 10)
        change(files[1])
        await settled(teacher, shared)
        await until(lambda: fetched.swarm.have.count() >= shared.swarm.have.count())
        await asyncio.sleep(60)
        assert not bad_pieces
        assert shared.state is TransferState.SEEDING
        # What was there before comes back: so does the rest of the transfer.
        write_random(files[1], SIZE, seed=1)
        await all_done([fetched], 1500)
        assert digest(student.folder / "course") == before
        await until(lambda: teacher.session.transfer(shared).notice == "", 900)


async def test_a_finished_download_that_is_edited_is_neither_passed_on_nor_fetched_again(
    tmp_path: Path,
) -> None:
    data = write_random(tmp_path / "data.csv", SIZE)
    async with classroom(tmp_path) as room:
        teacher, student = await room.machine("teacher"), await room.machine("student")
        shared = await teacher.share(data)
        fetched = await student.fetch(shared, [teacher.address])
        await all_done([fetched], 60)
        edit(student.folder / "data.csv")
        assert "has changed since it was fetched" in await settled(student, fetched)
        assert fetched.swarm.have.count() == PIECES - 1
        came = fetched.swarm.down.total
        await asyncio.sleep(120)
        assert fetched.swarm.down.total == came
        assert sorted(path.name for path in student.folder.iterdir()) == ["data.csv"]


async def test_a_file_that_keeps_changing_is_not_hashed_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_random(tmp_path / "data.csv", SIZE)
    async with classroom(tmp_path) as room:
        teacher = await room.machine("teacher")
        shared = await teacher.share(data)
        assert shared.data.disk.store is not None
        check, hashed = shared.data.disk.store.check, 0

        def counted(*arguments: object) -> object:
            nonlocal hashed
            hashed += 1
            return check(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(shared.data.disk.store, "check", counted)
        for _ in range(120):
            append(data)
            await asyncio.sleep(30)
        assert 3 <= hashed <= 12
