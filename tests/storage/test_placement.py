"""What a download does about what stands there already: adopt, go on, or take the next name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_webtorrent.storage import placement
from jupyter_webtorrent.storage.errors import BusyError, StorageError
from jupyter_webtorrent.storage.store import PieceStore
from tests.storage.samples import PIECE, Sample, file_torrent, folder_torrent, noise, tree

BOTH = pytest.mark.parametrize(
    "sample",
    [pytest.param(file_torrent(), id="file"), pytest.param(folder_torrent(), id="folder")],
)


def download(sample: Sample, folder: Path) -> PieceStore:
    store = PieceStore.open_download(sample.info, folder)
    sample.fill(store)
    store.finish()
    store.close()
    return store


def part_of(sample: Sample, folder: Path, number: int = 0) -> Path:
    return folder / (
        f".{sample.info.name}.wtpart"
        if not number
        else {"data.csv": f".data ({number}).csv.wtpart", "course": f".course ({number}).wtpart"}[
            sample.info.name
        ]
    )


@BOTH
def test_identical_data_is_adopted_and_never_touched(sample: Sample, tmp_path: Path) -> None:
    paths = sample.lay_out(tmp_path)
    before = [path.stat() for path in paths]
    store = PieceStore.open_download(sample.info, tmp_path)
    assert store.recheck().all()
    assert store.recheck().all()
    assert store.finish() == [tmp_path / sample.info.name]
    assert store.read(0, sample.info.total) == sample.data
    assert store.write_piece(0, sample.piece(0))
    store.close()
    after = [path.stat() for path in paths]
    assert [(s.st_ino, s.st_mtime_ns) for s in after] == [(s.st_ino, s.st_mtime_ns) for s in before]
    assert tree(tmp_path) == sorted(sample.contents)
    assert (
        store.notice == f"{sample.info.name} was there already and is the same: nothing to download"
    )


@BOTH
def test_adopted_data_is_not_read_twice(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.lay_out(tmp_path)
    store = PieceStore.open_download(sample.info, tmp_path)
    with monkeypatch.context() as patch:
        patch.delattr(os, "pread")
        seen: list[tuple[int, int]] = []
        assert store.recheck(progress=lambda done, total: seen.append((done, total))).all()
        assert seen == [(sample.info.total, sample.info.total)]
    store.close()


@BOTH
def test_deleting_an_adopted_download_deletes_nothing(sample: Sample, tmp_path: Path) -> None:
    sample.lay_out(tmp_path)
    store = PieceStore.open_download(sample.info, tmp_path)
    store.delete_data()
    assert tree(tmp_path) == sorted(sample.contents)


def test_a_file_that_differs_is_kept_and_the_download_gets_a_number(tmp_path: Path) -> None:
    sample = file_torrent()
    others: list[bytes] = [b"", noise(100_000, 9), sample.data[:-1], sample.data + b"\0"]
    for number, data in enumerate(others):
        name = f"data ({number}).csv" if number else "data.csv"
        (tmp_path / name).write_bytes(data)
    store = download(sample, tmp_path)
    assert store.target == tmp_path / "data (4).csv"
    assert store.target.read_bytes() == sample.data
    assert store.notice == "data.csv was there already and differs: saved as data (4).csv"
    assert [(tmp_path / name).read_bytes() for name in ("data.csv", "data (3).csv")] == [
        others[0],
        others[3],
    ]


def test_a_folder_that_differs_is_kept_and_the_download_gets_a_number(tmp_path: Path) -> None:
    sample = folder_torrent()
    paths = sample.lay_out(tmp_path)
    paths[1].write_bytes(b"edited")
    store = download(sample, tmp_path)
    assert store.target == tmp_path / "course (1)"
    assert store.notice == "course was there already and differs: saved as course (1)"
    assert paths[1].read_bytes() == b"edited"
    assert (tmp_path / "course (1)/data/a.csv").read_bytes() == sample.contents["course/data/a.csv"]


@BOTH
def test_a_numbered_download_is_adopted_the_next_time(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / sample.info.name).mkdir()
    first = download(sample, tmp_path)
    again = PieceStore.open_download(sample.info, tmp_path)
    assert again.target == first.target
    assert again.recheck().all()
    again.close()
    assert "was there already and is the same" in again.notice


@BOTH
def test_a_numbered_part_is_gone_on_with(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / sample.info.name).write_bytes(b"other")
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, [0])
    store.close()
    assert part_of(sample, tmp_path, 1).exists()
    again = PieceStore.open_download(sample.info, tmp_path)
    assert list(again.recheck()) == [0]
    assert again.target == store.target
    again.close()


def test_a_folder_with_a_file_missing_is_not_adopted(tmp_path: Path) -> None:
    sample = folder_torrent()
    sample.lay_out(tmp_path)
    (tmp_path / "course/empty.txt").unlink()
    store = PieceStore.open_download(sample.info, tmp_path)
    assert store.target == tmp_path / "course (1)"
    store.close()


def test_a_link_is_never_adopted_or_written_through(tmp_path: Path) -> None:
    sample = file_torrent()
    (tmp_path / "elsewhere").write_bytes(sample.data)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "data.csv").symlink_to(tmp_path / "elsewhere")
    store = download(sample, folder)
    assert store.target == folder / "data (1).csv"
    assert (folder / "data.csv").is_symlink()


def test_a_broken_link_counts_as_taken(tmp_path: Path) -> None:
    (tmp_path / "data.csv").symlink_to(tmp_path / "nowhere")
    assert download(file_torrent(), tmp_path).target == tmp_path / "data (1).csv"
    assert not (tmp_path / "nowhere").exists()


@BOTH
def test_a_part_with_foreign_data_is_left_alone(sample: Sample, tmp_path: Path) -> None:
    part = part_of(sample, tmp_path)
    foreign = part if sample.info.single_file else part / "README.md"
    foreign.parent.mkdir(exist_ok=True)
    foreign.write_bytes(bytes(5000) + b"someone's" + bytes(5000))
    store = download(sample, tmp_path)
    assert store.target.name in {"data (1).csv", "course (1)"}
    assert store.notice.startswith(
        f"another download is in the way of {sample.info.name}: saved as"
    )
    assert b"someone's" in foreign.read_bytes()
    assert not any(name.endswith(".lock") for name in tree(tmp_path))


def test_a_part_with_a_foreign_file_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".course.wtpart").mkdir()
    (tmp_path / ".course.wtpart/notes.txt").write_text("")
    assert download(folder_torrent(), tmp_path).target == tmp_path / "course (1)"
    assert tree(tmp_path / ".course.wtpart") == ["notes.txt"]


def test_a_part_that_is_too_long_is_left_alone(tmp_path: Path) -> None:
    sample = file_torrent()
    (tmp_path / ".data.csv.wtpart").write_bytes(sample.data + b"more")
    assert download(sample, tmp_path).target == tmp_path / "data (1).csv"


@BOTH
def test_a_part_of_zeros_only_is_used(sample: Sample, tmp_path: Path) -> None:
    part = part_of(sample, tmp_path)
    part = part if sample.info.single_file else part / "README.md"
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(bytes(10_000))
    os.truncate(part, 20_000)
    assert download(sample, tmp_path).target == tmp_path / sample.info.name


@pytest.mark.parametrize("kind", ["folder", "link", "second name"])
def test_something_else_in_the_parts_place_is_left_alone(kind: str, tmp_path: Path) -> None:
    sample = file_torrent()
    part, other = tmp_path / ".data.csv.wtpart", tmp_path / "other"
    other.write_bytes(sample.data[:50_000])
    match kind:
        case "folder":
            part.mkdir()
        case "link":
            part.symlink_to(other)
        case _:
            part.hardlink_to(other)
    assert download(sample, tmp_path).target == tmp_path / "data (1).csv"
    assert other.read_bytes() == sample.data[:50_000]


def test_a_file_in_a_folder_parts_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".course.wtpart").write_bytes(b"")
    assert download(folder_torrent(), tmp_path).target == tmp_path / "course (1)"


@pytest.mark.parametrize("kind", ["link", "text", "folder"])
def test_something_else_in_the_locks_place_is_left_alone(kind: str, tmp_path: Path) -> None:
    lock = tmp_path / ".data.csv.wtpart.lock"
    match kind:
        case "link":
            lock.symlink_to(tmp_path / "made through a link")
        case "text":
            lock.write_text("my shopping list")
        case _:
            lock.mkdir()
    assert download(file_torrent(), tmp_path).target == tmp_path / "data (1).csv"
    assert not (tmp_path / "made through a link").exists()
    assert kind != "text" or lock.read_text() == "my shopping list"


def test_two_torrents_of_one_name_grow_side_by_side(tmp_path: Path) -> None:
    one, two = file_torrent(seed=1), file_torrent(seed=2)
    first = PieceStore.open_download(one.info, tmp_path)
    second = PieceStore.open_download(two.info, tmp_path)
    assert second.notice == "another download is in the way of data.csv: saved as data (1).csv"
    for sample, store in ((one, first), (two, second)):
        sample.fill(store)
        store.finish()
        store.close()
        assert store.target.read_bytes() == sample.data
    assert tree(tmp_path) == ["data (1).csv", "data.csv"]


def test_an_unfinished_part_of_another_torrent_is_left_alone(tmp_path: Path) -> None:
    one, two = file_torrent(seed=1), file_torrent(seed=2)
    first = PieceStore.open_download(one.info, tmp_path)
    one.fill(first, [3])
    first.close()
    assert download(two, tmp_path).target == tmp_path / "data (1).csv"
    again = PieceStore.open_download(one.info, tmp_path)
    assert list(again.recheck()) == [3]
    again.close()


def test_the_same_torrent_twice_is_busy_until_the_first_is_closed(tmp_path: Path) -> None:
    sample = folder_torrent()
    first = PieceStore.open_download(sample.info, tmp_path)
    with pytest.raises(BusyError, match=r"^course is being downloaded to the same folder already$"):
        PieceStore.open_download(sample.info, tmp_path)
    first.close()
    PieceStore.open_download(sample.info, tmp_path).close()


@BOTH
def test_a_name_taken_during_the_download_is_not_overwritten(
    sample: Sample, tmp_path: Path
) -> None:
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    (tmp_path / sample.info.name).mkdir()
    numbered = tmp_path / ("data (1).csv" if sample.info.single_file else "course (1)")
    assert store.finish() == [numbered] == [store.target]
    assert (
        store.notice
        == f"{sample.info.name} was there already and differs: saved as {numbered.name}"
    )
    assert store.read(0, sample.info.total) == sample.data
    store.close()
    assert tree(tmp_path / sample.info.name) == []
    assert [name for name in tree(tmp_path) if name.startswith(".")] == []


@BOTH
def test_a_part_moves_to_the_next_name_if_its_own_was_taken_meanwhile(
    sample: Sample, tmp_path: Path
) -> None:
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, [0, 1])
    store.close()
    (tmp_path / sample.info.name).write_bytes(b"mine")
    again = PieceStore.open_download(sample.info, tmp_path)
    assert list(again.recheck()) == [0, 1]
    assert "differs: saved as" in again.notice
    assert not part_of(sample, tmp_path).exists()
    assert part_of(sample, tmp_path, 1).exists()
    sample.fill(again)
    again.finish()
    again.close()
    assert (tmp_path / sample.info.name).read_bytes() == b"mine"
    assert [name for name in tree(tmp_path) if name.startswith(".")] == []


def test_a_crash_between_link_and_unlink_is_tidied_up(tmp_path: Path) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    os.link(tmp_path / ".data.csv.wtpart", tmp_path / "data.csv")
    store.close()
    again = PieceStore.open_download(sample.info, tmp_path)
    assert again.recheck().all()
    again.close()
    assert tree(tmp_path) == ["data.csv"]


def test_a_finished_file_that_a_crash_left_linked_and_a_person_edited_is_not_written(
    tmp_path: Path,
) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    os.link(tmp_path / ".data.csv.wtpart", tmp_path / "data.csv")
    store.close()
    with (tmp_path / "data.csv").open("r+b") as file:
        file.write(b"edited")
    assert download(sample, tmp_path).target == tmp_path / "data (1).csv"
    assert (tmp_path / "data.csv").read_bytes().startswith(b"edited")


@BOTH
def test_a_lock_file_that_a_crash_left_behind_is_tidied_up(sample: Sample, tmp_path: Path) -> None:
    sample.lay_out(tmp_path)
    (tmp_path / f".{sample.info.name}.wtpart.lock").write_text(str(sample.info.info_hash))
    PieceStore.open_download(sample.info, tmp_path).close()
    assert tree(tmp_path) == sorted(sample.contents)


def test_a_lock_file_without_its_part_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".data.csv.wtpart.lock").write_text("f" * 40)
    assert download(file_torrent(), tmp_path).target == tmp_path / "data.csv"
    assert tree(tmp_path) == ["data.csv"]


def test_names_run_out_some_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "MAX_NUMBER", 2)
    for name in ("data.csv", "data (1).csv", "data (2).csv"):
        (tmp_path / name).mkdir()
    with pytest.raises(StorageError, match=r"no free name is left for data\.csv"):
        PieceStore.open_download(file_torrent().info, tmp_path)


def test_a_piece_at_the_end_of_a_short_target_is_not_taken_for_complete(tmp_path: Path) -> None:
    sample = file_torrent()
    (tmp_path / "data.csv").write_bytes(sample.data[: 6 * PIECE])
    store = PieceStore.open_download(sample.info, tmp_path)
    assert store.recheck().count() == 0
    store.close()


def test_names_run_out_at_the_end_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for sample in (file_torrent(), folder_torrent()):
        store = PieceStore.open_download(sample.info, tmp_path)
        sample.fill(store)
        (tmp_path / sample.info.name).touch()
        with monkeypatch.context() as patch:
            patch.setattr(placement, "MAX_NUMBER", 0)
            with pytest.raises(StorageError, match=f"no free name is left for {sample.info.name}"):
                store.finish()
            store.close()
            with pytest.raises(StorageError, match=f"no free name is left for {sample.info.name}"):
                PieceStore.open_download(sample.info, tmp_path)
        store = PieceStore.open_download(sample.info, tmp_path)
        assert store.recheck().all()
        store.close()


def test_a_part_skips_names_that_are_in_use_when_it_moves(tmp_path: Path) -> None:
    sample, other = file_torrent(seed=1), file_torrent(seed=2)
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, [0])
    store.close()
    (tmp_path / "data.csv").write_bytes(b"mine")
    (tmp_path / "data (1).csv").write_bytes(b"mine too")
    begun = PieceStore.open_download(other.info, tmp_path)
    assert begun.target == tmp_path / "data (2).csv"
    again = PieceStore.open_download(sample.info, tmp_path)
    assert again.target == tmp_path / "data (3).csv"
    assert list(again.recheck()) == [0]
    begun.close()
    again.close()


@pytest.mark.parametrize("own", [False, True])
@BOTH
def test_a_lock_file_left_alone_beside_another_file_does_not_make_a_fetch_start_over(
    sample: Sample, own: bool, tmp_path: Path
) -> None:
    target = tmp_path / sample.info.name
    target.write_bytes(b"mine")
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, [0])
    store.close()
    lock = tmp_path / f".{sample.info.name}.wtpart.lock"
    lock.write_text(str(sample.info.info_hash) if own else "f" * 40)
    again = PieceStore.open_download(sample.info, tmp_path)
    assert again.target == store.target
    assert again.notice == (
        f"{sample.info.name} was there already and differs: saved as {store.target.name}"
    )
    assert list(again.recheck()) == [0]
    again.close()
    assert not lock.exists()


def test_a_folder_that_appears_at_the_last_moment_is_not_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = folder_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    rename = os.rename
    late = tmp_path / "course"

    def racing(source: Path, target: Path) -> None:
        if not late.exists():
            late.mkdir()
            (late / "notes.txt").write_text("mine")
        rename(source, target)

    monkeypatch.setattr(os, "rename", racing)
    assert store.finish() == [tmp_path / "course (1)"]
    store.close()
    assert tree(late) == ["notes.txt"]


def test_leftovers_in_use_are_not_tidied_up(tmp_path: Path) -> None:
    sample, other = file_torrent(seed=1), file_torrent(seed=2)
    for holder in (sample, other):
        store = PieceStore.open_download(holder.info, tmp_path)
        holder.fill(store, [0])
        sample.lay_out(tmp_path)
        adopted = PieceStore.open_download(sample.info, tmp_path)
        assert adopted.recheck().all()
        adopted.close()
        assert ".data.csv.wtpart.lock" in tree(tmp_path)
        store.delete_data()
        (tmp_path / "data.csv").unlink()


def test_deleting_after_closing_spares_a_part_that_is_another_torrents_by_now(
    tmp_path: Path,
) -> None:
    sample, other = file_torrent(seed=1), file_torrent(seed=2)
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store)
    store.finish()
    store.close()
    (tmp_path / "data.csv").rename(tmp_path / "kept.csv")
    newer = PieceStore.open_download(other.info, tmp_path)
    other.fill(newer, [0])
    store.delete_data()
    assert list(newer.recheck()) == [0]
    newer.close()
    assert (tmp_path / ".data.csv.wtpart.lock").exists()
    assert (tmp_path / "kept.csv").exists()


def test_a_part_that_cannot_move_stays_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = file_torrent()
    store = PieceStore.open_download(sample.info, tmp_path)
    sample.fill(store, [0])
    store.close()
    (tmp_path / "data.csv").write_bytes(b"mine")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", refuse)
        with pytest.raises(StorageError, match=r"^cannot download to .*: Permission denied$"):
            PieceStore.open_download(sample.info, tmp_path)
    assert tree(tmp_path) == [".data.csv.wtpart", ".data.csv.wtpart.lock", "data.csv"]
    again = PieceStore.open_download(sample.info, tmp_path)
    assert list(again.recheck()) == [0]
    again.close()
