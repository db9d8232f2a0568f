"""A download from its first piece to its name: PieceStore.open_download, write_piece, read, finish."""

from __future__ import annotations

import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_webtorrent.storage.errors import (
    CheckCancelledError,
    FileChangedError,
    StorageError,
    UnsafePathError,
)
from jupyter_webtorrent.storage.store import PieceStore
from tests.storage.samples import (
    PIECE,
    Sample,
    file_torrent,
    file_torrent_of,
    folder_torrent,
    folder_torrent_of,
    noise,
    tree,
)

assert sys.platform != "win32"  # these tests look behind POSIX calls

SAMPLES = [
    pytest.param(file_torrent(), id="a file"),
    pytest.param(file_torrent(length=PIECE), id="a file of one piece"),
    pytest.param(folder_torrent(), id="a folder"),
    pytest.param(folder_torrent({"only.csv": 40_000}), id="a folder of one file"),
    pytest.param(folder_torrent({f"{n:03}.txt": 100 for n in range(300)}), id="many small files"),
]


def download(sample: Sample, folder: Path) -> None:
    store = PieceStore.open_download(sample.info, folder)
    sample.fill(store)
    store.finish()
    store.close()


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_finished_download_is_the_same_bytes_under_their_own_names(
    sample: Sample, tmp_path: Path
) -> None:
    store = PieceStore.open_download(sample.info, tmp_path)
    assert store.recheck().count() == 0
    sample.fill(store)
    assert store.finish() == [tmp_path / sample.info.name] == [store.target]
    assert store.read(0, sample.info.total) == sample.data
    store.close()
    assert tree(tmp_path) == sorted(sample.contents)
    for relative, data in sample.contents.items():
        assert (tmp_path / relative).read_bytes() == data
    assert store.notice == ""


def test_the_folder_of_a_download_is_made(tmp_path: Path) -> None:
    sample = file_torrent()
    download(sample, tmp_path / "new" / "folder")
    assert (tmp_path / "new/folder/data.csv").read_bytes() == sample.data


def test_nothing_stands_under_the_real_name_before_all_is_verified(tmp_path: Path) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, range(sample.info.piece_count - 1))
    assert tree(tmp_path) == [".data.csv.wtpart", ".data.csv.wtpart.lock"]
    with pytest.raises(StorageError, match=r"^data\.csv is not complete: 1 of 7 pieces"):
        store.finish()
    assert tree(tmp_path) == [".data.csv.wtpart", ".data.csv.wtpart.lock"]
    store.close()


def test_a_download_that_never_got_a_byte_leaves_no_trace(tmp_path: Path) -> None:
    PieceStore.open_download(file_torrent().info, tmp_path).close()
    assert tree(tmp_path) == []


def test_a_part_is_sparse_and_has_its_full_length_at_once(tmp_path: Path) -> None:
    sample = file_torrent(length=4_000_000)
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, [200])
    found = (tmp_path / ".data.csv.wtpart").stat()
    assert found.st_size == 4_000_000
    assert found.st_blocks * 512 < 100_000
    assert store.read(200 * PIECE, PIECE) == sample.piece(200)
    store.close()


def test_wrong_bytes_are_never_written(tmp_path: Path) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    right = sample.piece(1)
    for wrong in (b"", right[:-1], right + b"\0", bytes(PIECE), right[:-1] + b"?", sample.piece(0)):
        assert store.write_piece(1, wrong) is False
    assert not (tmp_path / ".data.csv.wtpart").exists()
    assert store.recheck().count() == 0
    store.close()


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_piece_may_come_in_any_buffer(
    kind: type[bytes | bytearray | memoryview], tmp_path: Path
) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    assert store.write_piece(0, kind(sample.piece(0)))
    assert store.read(5, 10) == sample.data[5:15]
    store.close()


def test_a_piece_that_does_not_exist_is_an_index_error(tmp_path: Path) -> None:
    store = PieceStore.open_download(file_torrent().info, tmp_path)
    for index in (-1, 7):
        with pytest.raises(IndexError):
            store.write_piece(index, b"")
    with pytest.raises(IndexError):
        store.read(99_990, 11)
    store.close()


def test_bytes_that_are_not_there_yet_cannot_be_read(tmp_path: Path) -> None:
    store = PieceStore.open_download(folder_torrent().info, tmp_path)
    with pytest.raises(FileChangedError, match=r"README\.md is not there"):
        store.read(0, 10)
    store.close()


def test_reads_cross_files_and_skip_empty_ones(tmp_path: Path) -> None:
    sample = folder_torrent({"a": 10, "b": 0, "c": 20, "d": 0, "e": 30_000})
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    assert store.read(5, 40) == sample.data[5:45]
    assert store.read(0, 0) == b""
    store.close()


def test_finish_does_nothing_the_second_time(tmp_path: Path) -> None:
    sample = folder_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    assert store.finish() == store.finish()
    store.close()
    assert tree(tmp_path) == sorted(sample.contents)


def test_files_get_the_usual_mode(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        download(folder_torrent(), tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "course/README.md").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "course/data").stat().st_mode) == 0o750


def test_a_download_of_zeros_is_finished_too(tmp_path: Path) -> None:
    sample = file_torrent_of(bytes(100_000))
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    store.finish()
    store.close()
    assert (tmp_path / "data.csv").read_bytes() == sample.data


def test_padding_is_zeros_that_never_reach_the_disk(tmp_path: Path) -> None:
    sample = folder_torrent_of(
        {"a": noise(10_000), ".pad/6384": bytes(6384), "b": noise(5_000, 1)}, padding=[".pad/6384"]
    )
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    assert store.finish() == [tmp_path / "course"]
    assert store.read(0, sample.info.total) == sample.data
    assert store.recheck().all()
    store.close()
    assert tree(tmp_path) == ["course/a", "course/b"]


def test_padding_that_is_not_zeros_is_refused(tmp_path: Path) -> None:
    sample = folder_torrent_of({"a": noise(10), "pad": b"not zeros"}, padding=["pad"])
    store = PieceStore.open_download(sample.info, tmp_path)
    with pytest.raises(StorageError, match="padding is not zeros"):
        store.write_piece(0, sample.data)
    store.close()


def test_names_from_strangers_stay_in_the_folder(tmp_path: Path) -> None:
    sample = folder_torrent_of(
        {"../../escape": noise(10), "a:b/CON": noise(10), ".git/config": noise(10)}, name="../.."
    )
    download(sample, tmp_path / "here")
    assert tree(tmp_path) == [
        "here/_.___/_.git/config",
        "here/_.___/__/__/escape",
        "here/_.___/a_b/_CON",
    ]


def test_a_very_long_name_is_shortened(tmp_path: Path) -> None:
    sample = file_torrent(name="é" * 200 + ".csv")
    download(sample, tmp_path)
    (tmp_path / ("é" * 125 + ".csv")).write_bytes(b"differs")
    download(sample, tmp_path)
    assert sorted(len(name.encode()) for name in tree(tmp_path)) == [254, 254]


def test_writers_and_readers_may_be_threads(tmp_path: Path) -> None:
    sample = folder_torrent({f"{n:03}.bin": 9_000 for n in range(200)})
    store = PieceStore.open_download(sample.info, tmp_path)
    with ThreadPoolExecutor(8) as pool:

        def work(index: int) -> bool:
            assert store.write_piece(index, sample.piece(index))
            return store.read(index * PIECE, len(sample.piece(index))) == sample.piece(index)

        assert all(pool.map(work, reversed(range(sample.info.piece_count))))
    store.finish()
    store.close()
    assert (tmp_path / "course/007.bin").read_bytes() == sample.contents["course/007.bin"]


def test_reads_go_on_while_a_download_is_finished(tmp_path: Path) -> None:
    sample = folder_torrent({f"{n:03}.bin": 9_000 for n in range(100)})
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    with ThreadPoolExecutor(4) as pool:
        reads = [pool.submit(store.read, offset, 5_000) for offset in range(0, 800_000, 1_000)]
        finished = pool.submit(store.finish)
        reads += [pool.submit(store.read, offset, 5_000) for offset in range(0, 800_000, 1_000)]
        assert finished.result() == [tmp_path / "course"]
        for number, read in enumerate(reads):
            offset = number % 800 * 1_000
            assert read.result() == sample.data[offset : offset + 5_000]
    store.close()


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    store.close()
    store.close()
    with pytest.raises(StorageError, match="closed"):
        store.read(0, 1)
    with pytest.raises(StorageError, match="closed"):
        store.write_piece(0, sample.piece(0))


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_dropped_download_goes_on_where_it_was(sample: Sample, tmp_path: Path) -> None:
    store = PieceStore.open_download(sample.info, tmp_path)
    half = range(0, sample.info.piece_count, 2)
    sample.fill(store, half)
    store.close()
    again = PieceStore.open_download(sample.info, tmp_path)
    assert list(again.recheck()) == list(half)
    sample.fill(again, range(1, sample.info.piece_count, 2))
    again.finish()
    again.close()
    assert tree(tmp_path) == sorted(sample.contents)
    assert again.notice == ""


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_part_whose_lock_file_is_gone_is_known_by_its_data(
    sample: Sample, tmp_path: Path
) -> None:
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, [0])
    store.close()
    (lock,) = tmp_path.glob(".*.lock")
    lock.unlink()
    again = PieceStore.open_download(sample.info, tmp_path)
    assert 0 in again.recheck()
    assert again.target == tmp_path / sample.info.name
    again.close()


def test_a_part_that_lost_its_end_is_gone_on_with(tmp_path: Path) -> None:
    sample = file_torrent()
    (tmp_path / ".data.csv.wtpart").write_bytes(sample.data[:50_000])
    store = PieceStore.open_download(sample.info, tmp_path)
    assert list(store.recheck()) == [0, 1, 2]
    sample.fill(store, range(3, 7))
    store.finish()
    store.close()
    assert (tmp_path / "data.csv").read_bytes() == sample.data


def test_a_damaged_part_is_mended(tmp_path: Path) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    store.close()
    with (tmp_path / ".data.csv.wtpart").open("r+b") as part:
        part.seek(2 * PIECE)
        part.write(b"damage")
        part.seek(0, os.SEEK_END)
        part.write(b"more than there should be")
    again = PieceStore.open_download(sample.info, tmp_path)
    assert list(again.recheck()) == [0, 1, 3, 4, 5, 6]
    sample.fill(again, [2])
    again.finish()
    again.close()
    assert (tmp_path / "data.csv").read_bytes() == sample.data


def test_a_part_that_someone_emptied_is_not_delivered(tmp_path: Path) -> None:
    sample = folder_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    os.truncate(tmp_path / ".course.wtpart/data/a.csv", 10)
    with pytest.raises(StorageError, match=r"a\.csv lost bytes: 10 of 50,000"):
        store.finish()
    (tmp_path / ".course.wtpart/data/a.csv").unlink()
    with pytest.raises(StorageError, match=r"^cannot flush a\.csv: No such file"):
        store.finish()
    store.close()
    assert not (tmp_path / "course").exists()


@pytest.mark.parametrize(
    "link", [".course.wtpart", ".course.wtpart/data", ".course.wtpart/README.md"]
)
def test_a_link_inside_the_part_is_never_followed(link: str, tmp_path: Path) -> None:
    sample = folder_torrent()
    outside = tmp_path / "outside"
    (outside / "data").mkdir(parents=True)
    (outside / "README.md").write_bytes(b"precious")
    folder = tmp_path / "folder"
    store = PieceStore.open_download(sample.info, folder)
    folder.joinpath(link).parent.mkdir(parents=True, exist_ok=True)
    folder.joinpath(link).symlink_to(outside / link.partition("/")[2])
    with pytest.raises(UnsafePathError, match="is in the way"):
        sample.fill(store)
    store.close()
    assert (outside / "README.md").read_bytes() == b"precious"
    assert tree(outside) == ["README.md", "data/"]


def test_a_pipe_in_a_files_place_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    sample = folder_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    (tmp_path / ".course.wtpart").mkdir()
    os.mkfifo(tmp_path / ".course.wtpart/README.md")
    with pytest.raises(UnsafePathError):
        sample.fill(store)
    with pytest.raises(UnsafePathError):
        store.recheck()
    store.close()


def test_recheck_tells_how_far_it_is_and_can_be_stopped(tmp_path: Path) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    seen: list[tuple[int, int]] = []
    assert store.recheck(progress=lambda done, total: seen.append((done, total))).all()
    assert seen == [(min(n * PIECE, 100_000), 100_000) for n in range(1, 8)]
    assert list(store.recheck(cancelled=lambda: len(seen) > 0)) == []
    store.close()


def test_a_hole_is_not_read_but_known_to_be_zeros(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = file_torrent_of(noise(PIECE) + bytes(100 * PIECE) + noise(50 * PIECE, 1))
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, [0])
    store.close()
    again = PieceStore.open_download(sample.info, tmp_path)
    reads = 0
    pread = os.pread

    def counting(descriptor: int, length: int, offset: int) -> bytes:
        nonlocal reads
        reads += 1
        return pread(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", counting)
    assert list(again.recheck()) == list(range(101))
    assert reads < 10
    again.close()


def test_without_knowledge_of_holes_everything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = file_torrent_of(noise(PIECE) + bytes(10 * PIECE) + noise(5 * PIECE, 1))
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, [0])
    monkeypatch.delattr(os, "SEEK_DATA")
    assert list(store.recheck()) == list(range(11))
    store.close()


def test_deleting_an_unfinished_download_leaves_nothing(tmp_path: Path) -> None:
    for sample in (file_torrent(), folder_torrent()):
        store = PieceStore.open_download(sample.info, tmp_path)
        sample.fill(store, [0])
        store.delete_data()
        assert tree(tmp_path) == []


@pytest.mark.parametrize("closed_before", [False, True])
def test_deleting_a_finished_download_leaves_what_others_put_there(
    closed_before: bool, tmp_path: Path
) -> None:
    for sample in (file_torrent(), folder_torrent()):
        store = PieceStore.open_download(sample.info, tmp_path)
        sample.fill(store)
        store.finish()
        (tmp_path / "course").mkdir(exist_ok=True)
        (tmp_path / "course/my notes.txt").write_text("mine")
        if closed_before:
            store.close()
        store.delete_data()
        assert tree(tmp_path) == ["course/my notes.txt"]
        (tmp_path / "course/my notes.txt").unlink()
        (tmp_path / "course").rmdir()


@pytest.mark.parametrize("rechecked", [False, True])
@pytest.mark.parametrize("sample", [file_torrent(), folder_torrent()], ids=["file", "folder"])
def test_deleting_a_finished_download_leaves_what_a_person_edited(
    sample: Sample, rechecked: bool, tmp_path: Path
) -> None:
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    store.finish()
    edited = min(sample.contents)
    with (tmp_path / edited).open("r+b") as file:
        file.write(b"edited")
    os.utime(tmp_path / edited, ns=(0, 0))
    if rechecked:
        assert not store.recheck().all()
    store.delete_data()
    assert tree(tmp_path) == [edited]
    assert (tmp_path / edited).read_bytes() == b"edited" + sample.contents[edited][6:]


def test_deleting_after_closing_spares_a_part_that_another_transfer_goes_on_with(
    tmp_path: Path,
) -> None:
    sample = file_torrent()
    first = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(first, [0])
    first.close()
    second = PieceStore.open_download(sample.info, tmp_path)
    with pytest.raises(StorageError, match="is being downloaded"):
        first.delete_data()
    assert 0 in second.recheck()
    second.delete_data()
    assert tree(tmp_path) == []


def test_a_check_of_what_is_there_can_be_cancelled(tmp_path: Path) -> None:
    sample = file_torrent()
    sample.lay_out(tmp_path)
    with pytest.raises(CheckCancelledError, match=r"data\.csv"):
        PieceStore.open_download(sample.info, tmp_path, cancelled=lambda: True)
    assert tree(tmp_path) == ["data.csv"]
