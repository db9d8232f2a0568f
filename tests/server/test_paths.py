from __future__ import annotations

from pathlib import Path

import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from jupyter_server.services.contents.manager import ContentsManager

from jupyter_webtorrent.server.paths import LinkKind, PathRefusedError, ServerRoot, link_kind


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
    ("link", "kind"),
    [
        ("magnet:?xt=urn:btih:" + "a" * 40, LinkKind.MAGNET_OR_HASH),
        ("MAGNET:?dn=x.torrent", LinkKind.MAGNET_OR_HASH),
        ("f" * 40, LinkKind.MAGNET_OR_HASH),
        ("B" * 32, LinkKind.MAGNET_OR_HASH),
        ("https://host/y.torrent", LinkKind.URL),
        ("HTTP://host/y", LinkKind.URL),
        ("a.torrent", LinkKind.FILE),
        ("/a/b.torrent", LinkKind.FILE),
        ("f" * 40 + ".torrent", LinkKind.FILE),
        ("file:///etc/passwd", LinkKind.NONE),
        ("f" * 41, LinkKind.NONE),
        ("", LinkKind.NONE),
    ],
)
def test_links_are_told_apart_by_their_looks(link: str, kind: LinkKind) -> None:
    assert link_kind(link) is kind
