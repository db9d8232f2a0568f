"""Serving files where they stand: PieceStore.open_seed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_webtorrent.storage import data
from jupyter_webtorrent.storage.create import create_info
from jupyter_webtorrent.storage.errors import FileChangedError, StorageError
from jupyter_webtorrent.storage.store import PieceStore
from tests.storage.samples import (
    PIECE,
    Sample,
    file_torrent,
    folder_torrent,
    folder_torrent_of,
    noise,
    tree,
)

BOTH = pytest.mark.parametrize(
    "sample",
    [pytest.param(file_torrent(), id="file"), pytest.param(folder_torrent(), id="folder")],
)


@BOTH
def test_a_seed_serves_its_files_and_never_touches_them(sample: Sample, tmp_path: Path) -> None:
    paths = sample.lay_out(tmp_path)
    before = [path.stat() for path in paths]
    store = PieceStore.open_seed(sample.info, paths)
    assert store.read(0, sample.info.total) == sample.data
    assert store.recheck().all()
    assert store.finish() == [tmp_path / sample.info.name] == [store.target]
    assert store.write_piece(0, sample.piece(0))
    assert store.notice == ""
    store.delete_data()
    assert tree(tmp_path) == sorted(sample.contents)
    assert [path.stat().st_mtime_ns for path in paths] == [found.st_mtime_ns for found in before]


def test_a_seed_of_several_paths_stands_in_their_common_folder(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(b"1,2")
    torrent = create_info([tmp_path / "a.csv", tmp_path / "b.csv"], name="set")
    store = PieceStore.open_seed(torrent.info, torrent.files)
    assert store.target == tmp_path
    assert store.read(1, 4) == b",21,"
    store.close()


def test_files_that_cannot_be_written_are_served(tmp_path: Path) -> None:
    sample = file_torrent()
    (path,) = sample.lay_out(tmp_path)
    path.chmod(0o400)
    store = PieceStore.open_seed(sample.info, [path])
    assert store.recheck().all()
    store.close()


def test_a_file_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    sample = folder_torrent()
    paths = sample.lay_out(tmp_path)
    paths[2].unlink()
    with pytest.raises(FileChangedError, match=r"b\.csv is not there, or not the 40,000 bytes"):
        PieceStore.open_seed(sample.info, paths)


def test_a_file_of_another_length_is_an_error_at_once(tmp_path: Path) -> None:
    sample = file_torrent()
    (path,) = sample.lay_out(tmp_path)
    os.truncate(path, 5)
    with pytest.raises(FileChangedError, match=r"data\.csv"):
        PieceStore.open_seed(sample.info, [path])


@pytest.mark.parametrize("opened_before", [False, True])
@pytest.mark.parametrize(
    "change", ["shrink", "append", "edit", "touch", "replace", "remove", "link"]
)
def test_a_file_that_changes_is_not_served(
    change: str, opened_before: bool, tmp_path: Path
) -> None:
    sample = folder_torrent()
    paths = sample.lay_out(tmp_path)
    store = PieceStore.open_seed(sample.info, paths)
    if opened_before:
        assert store.read(20_000, 100) == sample.data[20_000:20_100]
    path, other = paths[1], tmp_path / "other"
    other.write_bytes(b"?" * 50_000)
    match change:
        case "shrink":
            os.truncate(path, 100)
        case "append":
            with path.open("ab") as file:
                file.write(b"more")
        case "edit":
            path.write_bytes(b"!" * 50_000)
            os.utime(path, ns=(1, 1))  # the clock of a disk may not have ticked since
        case "touch":
            os.utime(path, ns=(1, 1))
        case "replace":
            other.rename(path)
        case "remove":
            path.unlink()
        case _:
            path.unlink()
            path.symlink_to(other)
    assert [paths[index] for index in store.changed_files()] == [path]
    if opened_before and change in {"replace", "remove", "link"}:
        # The open file is still the one that was shared.
        assert store.read(20_000, 100) == sample.data[20_000:20_100]
    else:
        with pytest.raises(StorageError):
            store.read(20_000, 100)
    assert store.read(0, 20_000) == sample.data[:20_000]
    have = store.recheck()
    assert have.all() == (change in {"touch", "append"})  # what was shared is still in it
    assert 0 in have
    assert store.changed_files() == []
    store.close()


def test_a_file_that_came_back_is_served_after_a_recheck(tmp_path: Path) -> None:
    sample = file_torrent()
    (path,) = sample.lay_out(tmp_path)
    store = PieceStore.open_seed(sample.info, [path])
    path.unlink()
    assert store.recheck().count() == 0
    with pytest.raises(FileChangedError):
        store.read(0, 1)
    sample.lay_out(tmp_path)
    assert store.recheck().all()
    assert store.read(0, PIECE) == sample.piece(0)
    store.close()


def test_padding_needs_no_file(tmp_path: Path) -> None:
    sample = folder_torrent_of(
        {"a": noise(10_000), "pad": bytes(6384), "b": noise(50, 1)}, padding=["pad"]
    )
    paths = sample.lay_out(tmp_path)
    paths[1].unlink()
    store = PieceStore.open_seed(sample.info, paths)
    assert store.recheck().all()
    assert store.read(9_000, 7_434) == sample.data[9_000:]
    store.close()


def test_a_file_that_changes_during_a_check_is_only_found_wanting(tmp_path: Path) -> None:
    sample = file_torrent(length=200 * PIECE)
    (path,) = sample.lay_out(tmp_path)
    store = PieceStore.open_seed(sample.info, [path])

    def interfere(done: int, _: int) -> None:
        if done == PIECE:
            os.utime(path, ns=(1, 1))

    have = store.recheck(progress=interfere)
    assert 0 in have
    assert 199 not in have
    store.close()


def test_few_files_are_open_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "MAX_OPEN_FILES", 5)
    sample = folder_torrent({f"{number:02}": 1000 for number in range(40)})
    store = PieceStore.open_seed(sample.info, sample.lay_out(tmp_path))
    before = len(os.listdir("/dev/fd"))
    assert store.read(0, sample.info.total) == sample.data
    assert len(os.listdir("/dev/fd")) == before + 5
    store.close()
    assert len(os.listdir("/dev/fd")) == before
