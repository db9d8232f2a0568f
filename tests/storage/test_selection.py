"""Downloads of some files of a folder: what arrives, what stays in the part, and how it goes on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_webtorrent.storage.errors import FileChangedError, StorageError
from jupyter_webtorrent.storage.store import PieceStore
from tests.storage.samples import PIECE, Sample, folder_torrent, folder_torrent_of, noise, tree

SAMPLE = folder_torrent()
README, A, B, EMPTY = range(4)
LOCK = ".course.wtpart.lock"


def pieces_of(sample: Sample, *files: int) -> list[int]:
    return sorted({piece for file in files for piece in sample.info.layout.pieces_of_file(file)})


def select(folder: Path, *files: int, sample: Sample = SAMPLE) -> PieceStore:
    """Go on with a selection until it is finished; the store is closed."""
    store = PieceStore.open_download(sample.info, folder, set(files))
    have = store.recheck()
    sample.fill(store, [piece for piece in pieces_of(sample, *files) if piece not in have])
    store.finish()
    store.close()
    return store


def test_wanted_files_arrive_and_the_edges_of_others_stay_in_the_part(tmp_path: Path) -> None:
    store = PieceStore.open_download(SAMPLE.info, tmp_path, {A})
    SAMPLE.fill(store, pieces_of(SAMPLE, A))
    assert store.finish() == [tmp_path / "course"] == store.finish()
    assert tree(tmp_path) == [
        LOCK,
        ".course.wtpart/README.md",
        ".course.wtpart/data/b.csv",
        "course/data/a.csv",
    ]
    assert (tmp_path / "course/data/a.csv").read_bytes() == SAMPLE.contents["course/data/a.csv"]
    for piece in pieces_of(SAMPLE, A):
        assert store.read(piece * PIECE, len(SAMPLE.piece(piece))) == SAMPLE.piece(piece)
    assert list(store.recheck()) == pieces_of(SAMPLE, A)
    store.close()


def test_a_finished_selection_is_known_again(tmp_path: Path) -> None:
    select(tmp_path, A)
    before = (tmp_path / "course/data/a.csv").stat()
    store = PieceStore.open_download(SAMPLE.info, tmp_path, {A})
    assert list(store.recheck()) == pieces_of(SAMPLE, A)
    assert store.finish() == [tmp_path / "course"]
    store.close()
    assert store.notice == ""
    assert (tmp_path / "course/data/a.csv").stat().st_ino == before.st_ino


@pytest.mark.parametrize("then", [{B}, {README, B}, {README, A, B, EMPTY}, {EMPTY}])
def test_more_of_the_same_torrent_joins_it(then: set[int], tmp_path: Path) -> None:
    select(tmp_path, A)
    select(tmp_path, *then)
    arrived = sorted(f"course/{'/'.join(SAMPLE.info.files[i].path)}" for i in {A, *then})
    assert [name for name in tree(tmp_path) if not name.startswith(".")] == arrived
    for name in arrived:
        assert (tmp_path / name).read_bytes() == SAMPLE.contents[name]


def test_when_all_have_arrived_the_part_is_gone(tmp_path: Path) -> None:
    for file in (EMPTY, A, README, B):
        select(tmp_path, file)
    assert tree(tmp_path) == sorted(SAMPLE.contents)


def test_selecting_everything_is_a_plain_download(tmp_path: Path) -> None:
    select(tmp_path, README, A, B, EMPTY)
    assert tree(tmp_path) == sorted(SAMPLE.contents)


def test_selecting_nothing_delivers_nothing(tmp_path: Path) -> None:
    store = PieceStore.open_download(SAMPLE.info, tmp_path, ())
    assert store.finish() == []
    store.close()
    assert tree(tmp_path) == []


def test_files_that_share_no_piece_leave_no_part_but_can_be_added_to(tmp_path: Path) -> None:
    sample = folder_torrent({"a": PIECE, "b": 2 * PIECE})
    select(tmp_path, 0, sample=sample)
    assert tree(tmp_path) == [LOCK, "course/a"]
    select(tmp_path, 1, sample=sample)
    assert tree(tmp_path) == ["course/a", "course/b"]


def test_a_selection_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    store = PieceStore.open_download(SAMPLE.info, tmp_path, {A})
    SAMPLE.fill(store, pieces_of(SAMPLE, A)[1:])
    store.close()
    select(tmp_path, A)
    assert (tmp_path / "course/data/a.csv").read_bytes() == SAMPLE.contents["course/data/a.csv"]


def test_a_crash_while_files_move_is_gone_on_with(tmp_path: Path) -> None:
    store = PieceStore.open_download(SAMPLE.info, tmp_path, {README, A})
    SAMPLE.fill(store, pieces_of(SAMPLE, README, A))
    store.close()
    (tmp_path / "course").mkdir()
    again = PieceStore.open_download(SAMPLE.info, tmp_path, {README, A})
    assert again.target == tmp_path / "course"
    again.close()
    os.rename(tmp_path / ".course.wtpart/README.md", tmp_path / "course/README.md")
    again = PieceStore.open_download(SAMPLE.info, tmp_path, {README, A})
    assert list(again.recheck()) == pieces_of(SAMPLE, README, A)
    assert again.finish() == [tmp_path / "course"]
    again.close()
    assert "course/data/a.csv" in tree(tmp_path)
    assert "course/README.md" in tree(tmp_path)


class Killed(BaseException):
    """The process ends here: nothing after it runs but what the system does."""


@pytest.fixture
def a_cut_off_while_it_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`a.csv` has its name, and still has the one in the part."""

    def kill(*_: object, **__: object) -> None:
        raise Killed

    store = PieceStore.open_download(SAMPLE.info, tmp_path, {A})
    SAMPLE.fill(store, pieces_of(SAMPLE, A))
    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", kill)
        with pytest.raises(Killed):
            store.finish()
    store.close()
    part, target = tmp_path / ".course.wtpart/data/a.csv", tmp_path / "course/data/a.csv"
    assert os.path.samefile(part, target)


@pytest.mark.usefixtures("a_cut_off_while_it_moved")
@pytest.mark.parametrize("moved", [False, True])
def test_a_file_that_a_crash_left_with_two_names_is_not_written_once_it_is_edited(
    moved: bool, tmp_path: Path
) -> None:
    mine = tmp_path / "course"
    if moved:
        mine = mine.rename(tmp_path / "my course")
    with (mine / "data/a.csv").open("r+b") as file:
        file.write(b"edited")
    store = select(tmp_path, README, A, B, EMPTY)
    assert (mine / "data/a.csv").read_bytes() == (
        b"edited" + SAMPLE.contents["course/data/a.csv"][6:]
    )
    assert store.target == tmp_path / ("course" if moved else "course (1)")
    for name, data in SAMPLE.contents.items():
        assert (tmp_path / store.target.name / Path(name).relative_to("course")).read_bytes() == (
            data
        )


@pytest.mark.usefixtures("a_cut_off_while_it_moved")
def test_the_second_name_that_a_crash_left_is_tidied_up(tmp_path: Path) -> None:
    assert select(tmp_path, README, A, B, EMPTY).target == tmp_path / "course"
    assert tree(tmp_path) == sorted(SAMPLE.contents)


def test_a_folder_in_the_place_of_a_file_of_the_part_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / ".course.wtpart/data/a.csv/mine").mkdir(parents=True)
    (tmp_path / LOCK).write_text(str(SAMPLE.info.info_hash))
    PieceStore.open_download(SAMPLE.info, tmp_path).close()
    assert ".course.wtpart/data/a.csv/mine/" in tree(tmp_path)


def test_a_complete_folder_is_adopted_for_a_selection(tmp_path: Path) -> None:
    SAMPLE.lay_out(tmp_path)
    store = PieceStore.open_download(SAMPLE.info, tmp_path, {A})
    assert store.recheck().all()
    store.close()
    assert tree(tmp_path) == sorted(SAMPLE.contents)


def test_a_delivered_file_that_was_edited_is_kept_and_all_goes_to_the_next_name(
    tmp_path: Path,
) -> None:
    select(tmp_path, A)
    (tmp_path / "course/data/a.csv").write_bytes(b"edited")
    store = select(tmp_path, A)
    assert store.target == tmp_path / "course (1)"
    assert store.notice == "course was there already and differs: saved as course (1)"
    assert (tmp_path / "course/data/a.csv").read_bytes() == b"edited"
    assert (tmp_path / "course (1)/data/a.csv").read_bytes() == SAMPLE.contents["course/data/a.csv"]
    assert select(tmp_path, B).target == tmp_path / "course (1)"


def test_a_delivered_file_that_is_edited_meanwhile_is_never_overwritten(tmp_path: Path) -> None:
    select(tmp_path, A)
    store = PieceStore.open_download(SAMPLE.info, tmp_path, {A, B})
    with (tmp_path / "course/data/a.csv").open("r+b") as file:
        file.write(b"edited")
    have = store.recheck()
    assert pieces_of(SAMPLE, A)[0] not in have
    with pytest.raises(FileChangedError, match=r"a\.csv was changed, and is not overwritten"):
        store.write_piece(1, SAMPLE.piece(1))
    store.close()
    assert (tmp_path / "course/data/a.csv").read_bytes().startswith(b"edited")


def test_someone_elses_folder_of_that_name_is_not_joined(tmp_path: Path) -> None:
    (tmp_path / "course").mkdir()
    (tmp_path / "course/notes.txt").write_text("mine")
    assert select(tmp_path, A).target == tmp_path / "course (1)"
    assert tree(tmp_path / "course") == ["notes.txt"]
    assert select(tmp_path, B).target == tmp_path / "course (1)"


def test_a_folder_made_during_a_selection_is_not_joined(tmp_path: Path) -> None:
    store = PieceStore.open_download(SAMPLE.info, tmp_path, {A})
    SAMPLE.fill(store, pieces_of(SAMPLE, A))
    (tmp_path / "course").mkdir()
    assert store.finish() == [tmp_path / "course (1)"]
    assert store.notice == "course was there already and differs: saved as course (1)"
    store.close()
    assert ".course (1).wtpart/README.md" in tree(tmp_path)
    assert not (tmp_path / ".course.wtpart").exists()
    assert select(tmp_path, B).target == tmp_path / "course (1)"


def test_a_file_that_appears_where_one_is_to_arrive_is_not_overwritten(tmp_path: Path) -> None:
    select(tmp_path, A)
    store = PieceStore.open_download(SAMPLE.info, tmp_path, {B})
    SAMPLE.fill(store, [p for p in pieces_of(SAMPLE, B) if p not in store.recheck()])
    (tmp_path / "course/data/b.csv").write_bytes(b"mine")
    with pytest.raises(StorageError, match=r"b\.csv is in course already, and is not overwritten"):
        store.finish()
    assert (tmp_path / "course/data/b.csv").read_bytes() == b"mine"
    (tmp_path / "course/data/b.csv").unlink()
    assert store.finish() == [tmp_path / "course"]
    store.close()


def test_links_in_the_target_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    folder = tmp_path / "folder"
    store = PieceStore.open_download(SAMPLE.info, folder, {README})
    SAMPLE.fill(store, pieces_of(SAMPLE, README))
    store.finish()
    store.close()
    (folder / "course/data").symlink_to(tmp_path / "outside")
    store = PieceStore.open_download(SAMPLE.info, folder, {A})
    SAMPLE.fill(store, [p for p in pieces_of(SAMPLE, A) if p not in store.recheck()])
    with pytest.raises(StorageError, match="is in the way"):
        store.finish()
    store.close()
    assert tree(tmp_path / "outside") == []


def test_deleting_a_selection_removes_what_arrived_and_the_part(tmp_path: Path) -> None:
    store = PieceStore.open_download(SAMPLE.info, tmp_path, {A})
    SAMPLE.fill(store, pieces_of(SAMPLE, A))
    store.finish()
    (tmp_path / "course/mine.txt").write_text("mine")
    store.delete_data()
    assert tree(tmp_path) == ["course/mine.txt"]


@pytest.mark.parametrize("finished", [False, True])
def test_deleting_a_selection_leaves_an_earlier_one(finished: bool, tmp_path: Path) -> None:
    select(tmp_path, A)
    store = PieceStore.open_download(SAMPLE.info, tmp_path, {B})
    if finished:
        SAMPLE.fill(store, [p for p in pieces_of(SAMPLE, B) if p not in store.recheck()])
        store.finish()
    store.delete_data()
    assert tree(tmp_path) == ["course/data/a.csv"]


def test_deleting_leaves_a_persons_own_copy_that_the_fetch_took_up(tmp_path: Path) -> None:
    select(tmp_path, A)
    (tmp_path / "course/README.md").write_bytes(SAMPLE.contents["course/README.md"])
    store = PieceStore.open_download(SAMPLE.info, tmp_path)
    have = store.recheck()
    SAMPLE.fill(store, [piece for piece in range(SAMPLE.info.piece_count) if piece not in have])
    store.finish()
    store.delete_data()
    assert (tmp_path / "course/README.md").read_bytes() == SAMPLE.contents["course/README.md"]
    assert not (tmp_path / "course/data/b.csv").exists()


def test_padding_is_neither_wanted_nor_kept(tmp_path: Path) -> None:
    sample = folder_torrent_of(
        {"a": noise(10_000), "pad": bytes(PIECE - 10_000), "b": noise(5_000, 1)}, padding=["pad"]
    )
    select(tmp_path, 0, 1, sample=sample)
    assert tree(tmp_path) == [LOCK, "course/a"]
    select(tmp_path, 2, sample=sample)
    assert tree(tmp_path) == ["course/a", "course/b"]
