"""`webtorrent://` through fsspec, pandas and pyarrow: what is read arrives, and little else."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fsspec  # type: ignore[import-untyped]
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pytest

from jupyter_webtorrent.kernel import fs as fs_module
from jupyter_webtorrent.kernel.errors import RequestRefusedError, TransferTimeoutError
from jupyter_webtorrent.kernel.fs import MAX_AHEAD_BYTES, PieceCache, WebTorrentFileSystem
from jupyter_webtorrent.kernel.local import LocalAccess
from jupyter_webtorrent.kernel.torrent_url import TorrentUrl
from jupyter_webtorrent.kernel.transfer import Transfer
from jupyter_webtorrent.protocol.errors import MagnetError
from jupyter_webtorrent.schema.transfers import (
    FetchRequest,
    ShareRequest,
    TransferChange,
    TransferState,
)
from tests.kernel.alone import Person
from tests.kernel.servers import JupyterServer

MIB = 1 << 20
NOBODY = "cd" * 20


class Class:
    """A teacher's engine, and a student's that `webtorrent://` is read by."""

    def __init__(self, teacher: LocalAccess, student: LocalAccess, work: Path) -> None:
        self.teacher = teacher
        self.student = student
        self.work = work

    def share(self, name: str) -> str:
        """Share a file or folder of the teacher's; returns its magnet link."""
        return self.teacher.share(ShareRequest([str(self.work / name)])).magnet

    def fetched(self, magnet: str) -> int:
        """Block bytes that the student has received."""
        return self.student.transfer(TorrentUrl.of(magnet, "").info_hash).downloaded


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Class]:
    teacher, student = Person(tmp_path / "teacher"), Person(tmp_path / "student")
    with teacher.access(monkeypatch) as sharing, student.access(monkeypatch) as reading:
        monkeypatch.setattr(fs_module, "connect", lambda: reading)
        # As its entry point does where the package is installed.
        fsspec.register_implementation("webtorrent", WebTorrentFileSystem, clobber=True)
        WebTorrentFileSystem.clear_instance_cache()
        yield Class(sharing, reading, teacher.work)


def url(magnet: str, path: str = "") -> str:
    return str(TorrentUrl.of(magnet, path))


def write_parquet(path: Path, rows: int) -> pd.DataFrame:
    """Twenty columns of noise, which no compression makes smaller, in eight row groups."""
    noise = np.random.default_rng(1)
    table = pd.DataFrame({f"column {n}": noise.random(rows) for n in range(20)})
    table.to_parquet(path, row_group_size=rows // 8)
    return table


@pytest.mark.parametrize(
    "rows", [200_000, pytest.param(640_000, marks=pytest.mark.prove)], ids=["short", "long"]
)
def test_two_of_twenty_columns_of_a_parquet_file_cost_less_than_15_per_cent_of_it(
    room: Class, rows: int
) -> None:
    table = write_parquet(room.work / "table.parquet", rows)
    size = (room.work / "table.parquet").stat().st_size
    magnet = room.share("table.parquet")
    columns = ["column 3", "column 17"]
    read = pd.read_parquet(url(magnet, "table.parquet"), columns=columns)
    pd.testing.assert_frame_equal(read, table[columns])
    part = room.fetched(magnet) / size
    print(f"2 of 20 columns of {size / 1e6:.0f} MB: {part:.1%} of the file was fetched")
    assert part < 0.15
    assert room.student.transfers()[0].state is TransferState.ON_DEMAND


def test_a_csv_is_read_as_it_is_and_its_beginning_without_the_rest(room: Class) -> None:
    text = "species,island\n" + "Adelie,Torgersen\n" * 500_000
    (room.work / "penguins.csv").write_text(text)
    magnet = room.share("penguins.csv")
    few = pd.read_csv(url(magnet, "penguins.csv"), nrows=10)
    assert few.shape == (10, 2)
    assert room.fetched(magnet) < MIB
    whole = pd.read_csv(url(magnet))  # a torrent of one file needs no path
    assert whole.shape == (500_000, 2)
    assert room.fetched(magnet) == len(text)


def test_a_kernel_reads_by_its_server_as_it_would_by_an_engine_of_its_own(
    servers: list[JupyterServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec.register_implementation("webtorrent", WebTorrentFileSystem, clobber=True)
    teacher, student = servers
    table = write_parquet(teacher.root / "served.parquet", 80_000)
    size = (teacher.root / "served.parquet").stat().st_size
    shared = Transfer(
        sharing := teacher.enter(monkeypatch),
        sharing.share(ShareRequest([str(teacher.root / "served.parquet")])),
    )
    reading = student.enter(monkeypatch)
    read = pd.read_parquet(shared.url(), columns=["column 3", "column 17"])
    pd.testing.assert_frame_equal(read, table[["column 3", "column 17"]])
    assert reading.transfer(shared.info_hash).downloaded < 0.15 * size
    fs, path = fsspec.url_to_fs(shared.url("served.parquet"))
    content = (teacher.root / "served.parquet").read_bytes()
    assert fs.cat_file(path, 5, 1_000_000) == content[5:1_000_000]
    assert fs.cat_file(path) == content


@pytest.fixture
def course(room: Class) -> str:
    """The magnet link of a folder with files that begin within pieces."""
    for name, size in [("a.bin", 100_001), ("week 1/b #?%.bin", 3 * MIB), ("week 1/c.bin", 777)]:
        path = room.work / "course" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return room.share("course")


def test_folders_are_listed_searched_and_read_in_ranges(room: Class, course: str) -> None:
    fs, root = fsspec.url_to_fs(url(course))
    assert fs.ls(root, detail=False) == [f"{root}/a.bin", f"{root}/week 1"]
    assert [entry["type"] for entry in fs.ls(root)] == ["file", "directory"]
    assert fs.find(root) == [
        f"{root}/a.bin",
        f"{root}/week 1/b #?%.bin",
        f"{root}/week 1/c.bin",
    ]
    assert fs.glob(f"{root}/**/?.bin") == [f"{root}/a.bin", f"{root}/week 1/c.bin"]
    assert fs.info(f"{root}/week 1/c.bin") == {
        "name": f"{root}/week 1/c.bin",
        "size": 777,
        "type": "file",
    }
    assert fs.isdir(f"{root}/week 1")
    assert fs.exists(f"{root}/a.bin")
    assert not fs.exists(f"{root}/d.bin")
    with pytest.raises(FileNotFoundError, match="no such file in course"):
        fs.open(f"{root}/week")
    with pytest.raises(IsADirectoryError):
        fs.open(f"{root}/week 1")

    odd = f"{root}/week 1/b #?%.bin"
    content = (room.work / "course" / "week 1" / "b #?%.bin").read_bytes()
    assert fs.cat_ranges([odd] * 3, [0, MIB, -10], [5, MIB + 9, None]) == [
        content[:5],
        content[MIB : MIB + 9],
        content[-10:],
    ]
    assert room.fetched(course) < MIB
    quoted = url(course, "week 1/b #?%.bin")
    assert " " not in quoted
    with fsspec.open(quoted) as file:
        file.seek(2 * MIB + 1)
        assert file.read(1000) == content[2 * MIB + 1 :][:1000]
        file.seek(0)
        assert file.read() == content


def test_threads_may_read_at_the_same_time(room: Class, course: str) -> None:
    content = (room.work / "course" / "week 1" / "b #?%.bin").read_bytes()
    fs, path = fsspec.url_to_fs(url(course, "week 1/b #?%.bin"))

    def read(start: int) -> bool:
        with fs.open(path) as file:
            file.seek(start)
            return bool(file.read(70_000) == content[start : start + 70_000])

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(read, range(0, 3 * MIB, 60_001)))


def test_nothing_can_be_changed(course: str) -> None:
    fs, root = fsspec.url_to_fs(url(course))
    changes: tuple[Callable[[], object], ...] = (
        lambda: fs.open(f"{root}/a.bin", "wb"),
        lambda: fs.open(f"{root}/a.bin", "ab"),
        lambda: fs.rm(f"{root}/a.bin"),
        lambda: fs.mv(f"{root}/a.bin", f"{root}/e.bin"),
        lambda: fs.copy(f"{root}/a.bin", f"{root}/e.bin"),
        lambda: fs.mkdir(f"{root}/new"),
        lambda: fs.pipe(f"{root}/a.bin", b""),
        lambda: fs.touch(f"{root}/a.bin"),
    )
    for change in changes:
        with pytest.raises(OSError, match="The files of a torrent cannot be changed"):
            change()


def test_a_transfer_that_is_there_is_read_as_it_is(
    room: Class, course: str, tmp_path: Path
) -> None:
    begun = room.student.fetch(FetchRequest(course, str(tmp_path / "here")))
    Transfer(room.student, begun).wait(20)
    before = room.fetched(course)
    assert fsspec.open(f"webtorrent://{begun.info_hash.upper()}/a.bin").open().read() == (
        (room.work / "course" / "a.bin").read_bytes()
    )
    status = room.student.transfer(begun.info_hash)
    assert (status.state, status.downloaded) == (TransferState.SEEDING, before)


def test_a_transfer_that_was_removed_is_begun_again(room: Class, course: str) -> None:
    fs, path = fsspec.url_to_fs(url(course, "week 1/c.bin"))
    content = (room.work / "course" / "week 1" / "c.bin").read_bytes()
    assert fs.cat(path) == content
    room.student.remove(room.student.transfers()[0].info_hash)
    assert fs.cat(path) == content


def test_a_paused_transfer_says_so_instead_of_waiting(
    room: Class, course: str, tmp_path: Path
) -> None:
    fs, path = fsspec.url_to_fs(url(course, "week 1/c.bin"))
    fs.info(path)
    info_hash = room.student.transfers()[0].info_hash
    room.student.pause(info_hash)
    assert fs.cat(path)  # one that is only read goes on with the next read
    room.student.remove(info_hash)
    room.student.change(
        room.student.fetch(FetchRequest(course, str(tmp_path))).info_hash,
        TransferChange(down_limit=1),
    )
    room.student.pause(info_hash)
    with pytest.raises(RequestRefusedError, match=r"^course is paused, and .* resume it first\.$"):
        fs.cat(path)


def test_what_is_no_info_hash_is_told_so() -> None:
    with pytest.raises(MagnetError, match="40 hexadecimal"):
        WebTorrentFileSystem().info("nonsense/a.bin")


def test_looking_for_the_files_ends_with_a_clear_line_and_leaves_nothing(room: Class) -> None:
    fs = fsspec.filesystem("webtorrent", query="x.pe=127.0.0.1:9", timeout=0.5)
    with pytest.raises(
        TransferTimeoutError, match=rf"^Nobody has told the files of {NOBODY} in 0\.5 s\. So far: "
    ):
        fs.open(f"{NOBODY}/a.csv")
    assert room.student.transfers() == []


def test_an_interrupt_ends_the_wait(room: Class) -> None:
    fs = fsspec.filesystem("webtorrent", query="x.pe=127.0.0.1:9")
    main = threading.get_ident()
    waiting = threading.Timer(0.5, lambda: signal.pthread_kill(main, signal.SIGINT))
    waiting.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fs.open(f"{NOBODY}/a.csv")
    assert time.monotonic() - began < 5
    waiting.join()
    assert room.student.transfers() == []


@pytest.mark.parametrize(("piece", "offset"), [(1000, 0), (1000, 350), (64, 63), (100_000, 5)])
def test_the_cache_gives_the_bytes_that_are_there_and_asks_for_whole_pieces(
    piece: int, offset: int
) -> None:
    content = os.urandom(10_000)
    asked: list[tuple[int, int]] = []

    def fetch(start: int, end: int) -> bytes:
        asked.append((start, end))
        return content[start:end]

    cache = PieceCache(piece, fetch, len(content), piece, offset)
    random = np.random.default_rng(2)
    position = 0
    for _ in range(500):
        if random.random() < 0.3:
            position = int(random.integers(0, 10_100))
        length = int(random.integers(0, 2 * piece))
        assert cache._fetch(position, position + length) == content[position : position + length]
        position += length
    assert cache._fetch(None, None) == content
    bounds = {0, 10_000} | set(range(-offset, 10_001, piece))
    assert all(start in bounds and end in bounds and start < end for start, end in asked)


def test_who_jumps_is_not_read_ahead_for_and_who_goes_on_is() -> None:
    asked: list[tuple[int, int]] = []

    def fetch(start: int, end: int) -> bytes:
        asked.append((start, end))
        return bytes(end - start)

    cache = PieceCache(MIB, fetch, 100 * MIB, MIB, 0)
    for at in (50, 10, 90):
        cache._fetch(at * MIB, at * MIB + 10)
    assert asked == [(at * MIB, (at + 1) * MIB) for at in (50, 10, 90)]
    asked.clear()
    for at in range(0, 100 * MIB, 256 << 10):
        cache._fetch(at, at + (256 << 10))
    assert asked[0] == (0, MIB)
    assert max(end - start for start, end in asked) == MAX_AHEAD_BYTES + MIB
    assert sum(end - start for start, end in asked) == 100 * MIB
