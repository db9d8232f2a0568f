"""Disks that fill up, fail or lack a feature: one plain line, and nothing lost."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jupyter_webtorrent.storage.errors import DiskFullError, FileChangedError, StorageError
from jupyter_webtorrent.storage.handles import HandleCache
from jupyter_webtorrent.storage.store import PieceStore
from tests.storage.samples import PIECE, file_torrent, folder_torrent, tree

assert sys.platform != "win32"  # these tests look behind POSIX calls


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def failing(code: int) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.fixture
def free_bytes(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def set_free(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, free))

    return set_free


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_and_the_download_goes_on_once_there_is_room(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, [0, 1])
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", failing(code))
        with pytest.raises(DiskFullError, match=r"^cannot write data\.csv: [^\n]+$"):
            store.write_piece(2, sample.piece(2))
    assert store.read(0, 2 * PIECE) == sample.data[: 2 * PIECE]
    assert list(store.recheck()) == [0, 1]
    sample.fill(store)
    store.finish()
    store.close()
    assert (tmp_path / "data.csv").read_bytes() == sample.data


def test_a_disk_that_fills_up_amid_a_piece_leaves_that_piece_unverified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    pwrite = os.pwrite
    written = 0

    def filling(descriptor: int, data: memoryview, offset: int) -> int:
        nonlocal written
        if written >= 5000:
            raise OSError(errno.ENOSPC, "No space left on device")
        written += 1000
        return pwrite(descriptor, data[:1000], offset)

    monkeypatch.setattr(os, "pwrite", filling)
    with pytest.raises(DiskFullError):
        store.write_piece(0, sample.piece(0))
    assert written == 5000
    assert store.recheck().count() == 0
    written = -(10**9)
    assert store.write_piece(0, sample.piece(0))
    assert store.read(0, PIECE) == sample.piece(0)
    store.close()


def test_a_part_that_cannot_get_its_length_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    before = len(os.listdir("/dev/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", failing(errno.EFBIG))
        with pytest.raises(StorageError, match=r"^cannot write data\.csv: File too large$"):
            store.write_piece(0, sample.piece(0))
    assert len(os.listdir("/dev/fd")) == before
    sample.fill(store)
    store.finish()
    store.close()
    assert (tmp_path / "data.csv").read_bytes() == sample.data


def test_a_piece_that_comes_as_the_download_is_finished_is_not_written_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    borrow = HandleCache.borrow

    def late(self: HandleCache[Any], key: Any) -> Any:
        monkeypatch.undo()
        store.finish()
        return borrow(self, key)

    monkeypatch.setattr(HandleCache, "borrow", late)
    before = (tmp_path / ".data.csv.wtpart").stat().st_mtime_ns
    with pytest.raises(FileChangedError, match=r"data\.csv is finished, and is not written"):
        store.write_piece(0, sample.piece(0))
    assert (tmp_path / "data.csv").stat().st_mtime_ns == before
    assert store.read(0, 100) == sample.data[:100]
    store.close()


def test_an_input_output_error_is_one_plain_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", failing(errno.EIO))
        with pytest.raises(StorageError, match=r"^cannot read data\.csv: Input/output error$"):
            store.read(0, 10)
        with pytest.raises(StorageError, match=r"^cannot read data\.csv: Input/output error$"):
            store.recheck()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(errno.EIO))
        with pytest.raises(StorageError, match=r"^cannot flush data\.csv: Input/output error$"):
            store.finish()
    store.finish()
    store.close()
    assert tree(tmp_path) == ["data.csv"]


def test_short_reads_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, length, offset: pread(fd, min(length, 999), offset))
    assert store.read(100, 20_000) == sample.data[100:20_100]
    store.close()


def test_too_little_room_is_told_in_numbers_before_a_byte_is_fetched(
    tmp_path: Path, free_bytes: Callable[[int], None]
) -> None:
    free_bytes(99_999)
    with pytest.raises(
        DiskFullError, match=r"for data\.csv: 100,000 bytes are needed and 99,999 are free$"
    ):
        PieceStore.open_download(file_torrent().info, tmp_path)
    assert tree(tmp_path) == []
    free_bytes(100_000)
    PieceStore.open_download(file_torrent().info, tmp_path).close()


def test_only_what_is_still_missing_needs_room(
    tmp_path: Path, free_bytes: Callable[[int], None]
) -> None:
    sample = file_torrent(length=2_000_000)
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, range(60))
    store.close()
    free_bytes(1_017_000 + 1_000)
    PieceStore.open_download(sample.info, tmp_path).close()
    free_bytes(1_000_000)
    with pytest.raises(DiskFullError):
        PieceStore.open_download(sample.info, tmp_path)
    assert tree(tmp_path) == [".data.csv.wtpart", ".data.csv.wtpart.lock"]


def test_only_what_is_wanted_needs_room(tmp_path: Path, free_bytes: Callable[[int], None]) -> None:
    sample = folder_torrent({"small": PIECE, "large": 100 * PIECE})
    free_bytes(PIECE)
    PieceStore.open_download(sample.info, tmp_path, {0}).close()
    with pytest.raises(DiskFullError):
        PieceStore.open_download(sample.info, tmp_path, {1})


def test_what_is_complete_needs_no_room(tmp_path: Path, free_bytes: Callable[[int], None]) -> None:
    sample = file_torrent()
    sample.lay_out(tmp_path)
    free_bytes(0)
    PieceStore.open_download(sample.info, tmp_path).close()


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_a_disk_without_hard_links_still_never_overwrites(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", failing(code))
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    (tmp_path / "data.csv").touch()
    assert store.finish() == [tmp_path / "data (1).csv"]
    store.close()
    assert (tmp_path / "data (1).csv").read_bytes() == sample.data
    assert (tmp_path / "data.csv").read_bytes() == b""
    assert tree(tmp_path) == ["data (1).csv", "data.csv"]


def test_a_move_that_fails_reserves_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", failing(errno.EPERM))
        patch.setattr(os, "rename", failing(errno.EIO))
        with pytest.raises(StorageError, match=r"^cannot finish data\.csv: Input/output error$"):
            store.finish()
    assert tree(tmp_path) == [".data.csv.wtpart", ".data.csv.wtpart.lock"]
    assert store.finish() == [tmp_path / "data.csv"]
    store.close()


@pytest.mark.parametrize("call", ["link", "rename"])
def test_a_failed_finish_keeps_the_part_and_can_be_tried_again(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = file_torrent() if call == "link" else folder_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(errno.EROFS))
        with pytest.raises(StorageError, match="Read-only file system"):
            store.finish()
    assert store.read(0, sample.info.total) == sample.data
    store.finish()
    store.close()
    assert tree(tmp_path) == sorted(sample.contents)


def test_a_disk_without_locks_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.ENOLCK))
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    store.finish()
    store.close()
    assert tree(tmp_path) == ["data.csv"]


def test_a_lock_that_fails_otherwise_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(errno.EIO))
    with pytest.raises(StorageError, match="cannot lock a download in"):
        PieceStore.open_download(file_torrent().info, tmp_path)


@pytest.fixture
def locked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first lock file may not be opened, as in a shared folder the one of another user."""
    real = os.open

    def deny(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == ".data.csv.wtpart.lock":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", deny)


@pytest.mark.usefixtures("locked_out")
@pytest.mark.parametrize("finished", [False, True])
def test_another_users_download_in_a_shared_folder_counts_as_taken(
    finished: bool, tmp_path: Path
) -> None:
    sample = file_torrent()
    (tmp_path / ".data.csv.wtpart.lock").write_text(str(sample.info.info_hash))
    (tmp_path / ("data.csv" if finished else ".data.csv.wtpart")).write_bytes(b"another user's")
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    assert store.finish() == [tmp_path / "data (1).csv"]
    assert store.notice.endswith("data.csv: saved as data (1).csv") or finished
    store.close()
    assert (tmp_path / ".data.csv.wtpart.lock").exists()


@pytest.mark.usefixtures("locked_out")
def test_a_folder_where_nothing_may_be_made_is_one_plain_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^cannot lock a download in .*: Permission denied$"):
        PieceStore.open_download(file_torrent().info, tmp_path)
    assert tree(tmp_path) == []


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_folder_that_no_disk_can_name_is_one_plain_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^.*/a?\ufffdb?: not a path"):
        PieceStore.open_download(file_torrent().info, tmp_path / name)


def test_a_folder_that_cannot_be_made_is_one_plain_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"^cannot download to .*/file/sub: Not a directory$"):
        PieceStore.open_download(file_torrent().info, tmp_path / "file" / "sub")


def test_a_lock_file_that_was_replaced_while_it_was_opened_is_opened_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    lock = tmp_path / ".data.csv.wtpart.lock"
    replaced: list[bool] = []

    def racing(descriptor: int, operation: int) -> None:
        if not replaced:
            lock.unlink()
            lock.touch()
            replaced.append(True)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", racing)
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    assert replaced
    assert lock.read_text() == str(sample.info.info_hash)
    store.close()


@pytest.mark.parametrize("sample", [file_torrent(), folder_torrent()], ids=["file", "folder"])
def test_a_store_leaks_no_descriptor_whatever_happens(
    sample: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(os.listdir("/dev/fd"))
    for code in (errno.EIO, errno.ENOSPC):
        for call in ("pwrite", "ftruncate", "fsync", "link", "rename", "mkdir", "fstat", "pread"):
            with monkeypatch.context() as patch:
                patch.setattr(os, call, failing(code))
                try:
                    store = PieceStore.open_download(sample.info, tmp_path)
                except StorageError:
                    continue
                try:
                    store.recheck()
                    sample.fill(store)
                    store.finish()
                except StorageError:
                    pass
                finally:
                    store.close()
    assert len(os.listdir("/dev/fd")) == before
