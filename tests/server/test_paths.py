from __future__ import annotations

import os
from functools import partial
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from jupyter_server.services.contents.manager import ContentsManager

from jupyter_webtorrent.server.paths import (
    PathRefusedError,
    ServerRoot,
    is_absolute,
    is_plain_name,
    require_usable,
)


@pytest.fixture
def root(tmp_path: Path) -> ServerRoot:
    folder = tmp_path / "served"
    folder.mkdir()
    return ServerRoot.of(FileContentsManager(root_dir=str(folder)))


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("data.csv", ["data.csv"]),
        ("week 1/data.csv", ["week 1", "data.csv"]),
        ("./week1//data.csv", ["week1", "data.csv"]),
        ("", []),
        ("..data", ["..data"]),
        ("nachname größe/день.csv", ["nachname größe", "день.csv"]),
    ],
)
def test_a_relative_path_is_found_below_the_root(
    tmp_path: Path, path: str, parts: list[str]
) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    root = ServerRoot(folder, allow_hidden=True)
    assert root.locate(path) == folder.joinpath(*parts)


@pytest.mark.parametrize(
    "path", ["..", "../secret", "week1/../../secret", "week1/..", "a\0b", "week1/\0"]
)
def test_a_path_that_climbs_or_holds_nul_is_refused(root: ServerRoot, path: str) -> None:
    with pytest.raises(PathRefusedError, match="not a path inside"):
        root.locate(path)


def test_a_symlink_out_of_the_root_is_refused(root: ServerRoot, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("k")
    (root.folder / "door").symlink_to(tmp_path / "secret")
    for path in ("door", "door/key", "door/new/file"):
        with pytest.raises(PathRefusedError, match="leads out"):
            root.locate(path)


def test_a_symlink_inside_the_root_keeps_its_own_name(root: ServerRoot) -> None:
    (root.folder / "real.csv").write_text("1")
    (root.folder / "alias.csv").symlink_to(root.folder / "real.csv")
    assert root.locate("alias.csv") == root.folder / "alias.csv"


def test_a_neighbour_whose_name_begins_like_the_root_is_outside(
    root: ServerRoot, tmp_path: Path
) -> None:
    (tmp_path / "served-not").mkdir()
    (root.folder / "door").symlink_to(tmp_path / "served-not")
    with pytest.raises(PathRefusedError, match="leads out"):
        root.locate("door")


@pytest.mark.parametrize("path", [".ssh", ".ssh/id", "week1/.git/config", "hole/id"])
def test_hidden_files_are_refused_unless_jupyter_serves_them(root: ServerRoot, path: str) -> None:
    (root.folder / ".ssh").mkdir()
    (root.folder / "hole").symlink_to(root.folder / ".ssh")
    with pytest.raises(PathRefusedError, match="hidden"):
        root.locate(path)
    assert ServerRoot(root.folder, allow_hidden=True).locate(path)


def test_a_contents_manager_without_files_is_told_apart() -> None:
    class DatabaseContents(ContentsManager):
        pass

    with pytest.raises(PathRefusedError, match="by DatabaseContents, not as plain files"):
        ServerRoot.of(DatabaseContents())


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("a" * 5000, "File name too long"),
        ("week1/" * 1000, "File name too long"),
        ("data.csv/x", "Not a directory"),
        ("a\ud800b", "a character that no path can have"),
    ],
)
def test_what_the_system_refuses_is_refused_in_one_short_line(
    root: ServerRoot, path: str, reason: str
) -> None:
    (root.folder / "data.csv").write_text("1")
    open_root = ServerRoot(root.folder, allow_hidden=True)
    absolute = partial(os.path.join, root.folder)
    for locate in (root.locate, open_root.locate, lambda path: require_usable(absolute(path))):
        with pytest.raises(PathRefusedError, match=reason) as caught:
            locate(path)
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("path", "flavour", "absolute"),
    [
        ("/data", PurePosixPath, True),
        ("C:/data", PurePosixPath, False),
        ("data", PureWindowsPath, False),
        ("/data", PureWindowsPath, False),
        ("\\data", PureWindowsPath, False),
        ("C:data", PureWindowsPath, False),
        ("C:/data", PureWindowsPath, True),
        (r"C:\data", PureWindowsPath, True),
        (r"\\host\share\data", PureWindowsPath, True),
    ],
)
def test_a_path_is_absolute_only_if_it_needs_nothing_current(
    path: str, flavour: type[PurePath], absolute: bool
) -> None:
    assert is_absolute(path, flavour) is absolute


@pytest.mark.parametrize("name", ["C:", "C:data", r"a\b", r"..\secret", "\\", "notes.txt:stream"])
def test_what_windows_takes_for_more_than_a_name_is_none(name: str) -> None:
    assert not is_plain_name(name, PureWindowsPath)
    assert is_plain_name(name, PurePosixPath)
    assert is_plain_name("Länder 1.csv", PureWindowsPath)


def test_a_path_with_nothing_there_can_be_used(root: ServerRoot) -> None:
    require_usable(str(root.folder / "new" / "folder"))
    with pytest.raises(PathRefusedError, match="a character that no path can have"):
        require_usable("/a\0b")
