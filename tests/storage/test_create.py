"""Torrents made of files. The recorded info hashes are create-torrent's own.

They come from one run of node 20 with create-torrent 6.1.3 (npm) over the same files, laid out by `lay_out`:
`createTorrent(path or [paths], {name, private, pieceLength}, ...)`, then the SHA-1 of the bencoded `info`.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import pytest
import torf

from jupyter_webtorrent.protocol.errors import MetainfoError, WebTorrentError
from jupyter_webtorrent.protocol.metainfo import MAX_PIECES, Info
from jupyter_webtorrent.storage.create import create_info
from jupyter_webtorrent.storage.errors import FileChangedError, StorageError, UnsafePathError
from tests.storage.samples import noise

assert sys.platform != "win32"  # these tests look behind POSIX calls


def stream(name: str, length: int) -> bytes:
    """Bytes that any language makes alike: SHA-256 of `name:0`, `name:1`, and so on."""
    blocks = (hashlib.sha256(f"{name}:{n}".encode()).digest() for n in range(-(-length // 32)))
    return b"".join(blocks)[:length]


def lay_out(folder: Path, lengths: Mapping[str, int]) -> Path:
    for relative, length in lengths.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stream(relative, length))
    return folder


# Capitals before small letters, a hyphen before the slash, UTF-8 order (not UTF-16) beyond ASCII, numbers
# as text, an empty file, everything that create-torrent skips, and names that it only seems to skip.
MIXED = {
    "b.txt": 10, "a/z.txt": 20000, "a.txt": 5, "a-b/x": 7, "B.txt": 3, "a/Y/deep.bin": 40000, "é.txt": 9,
    "\uff41.csv": 4, "\U0001f600.md": 6, "zero": 0, ".hidden": 5, ".git/config": 5, "Thumbs.db": 5,
    "desktop.ini": 5, "Desktop.ini": 6, "backup~": 4, "npm-debug.log": 3, "x/.DS_Store": 3, "__MACOSX/q": 3,
    "x/ehthumbs.db": 3, "foo.Trashes.txt": 5, "s@eaDir/f": 4, "thumbs.db": 4, "x/keep.txt": 12, "Icon\r": 4,
    "10.txt": 1, "9.txt": 2,
}  # fmt: skip
COURSE = {"README.md": 1234, "img/a.png": 30000, "img/b.png": 17000}


@pytest.mark.parametrize(
    ("name", "lengths", "info_hash"),
    [
        ("mixed", MIXED, "16625c7bf4fca0ea818854b64a0cc106be24d784"),
        ("one", {"README.md": 100}, "6b4d5a17618602e301847edb547f0008dc3f00de"),
        ("course", COURSE, "c980b01d909b37624d6d798cf35851a36e35dc18"),
        (
            "big",
            {"a.bin": 5_000_000, "b.bin": 20_000_001},
            "952be133553123db95dc9f3a3d16a15af80930c3",
        ),
    ],
)
def test_a_folder_has_the_info_hash_that_create_torrent_gives_it(
    name: str, lengths: Mapping[str, int], info_hash: str, tmp_path: Path
) -> None:
    torrent = create_info([lay_out(tmp_path / name, lengths)])
    assert str(torrent.info.info_hash) == info_hash


@pytest.mark.parametrize(
    ("name", "length", "piece_length", "info_hash"),
    [
        ("README.md", 777, None, "6e278a3e9f2c0381fd810524cfe6bb3554bb6cff"),
        ("data.csv", 3_000_000, None, "363241a6c0b98b26d1c91213ed7c3fca867e6763"),
        ("data.csv", 3_000_000, 65536, "a65296b5cdcbad60360d692fb884bdb7754bfc98"),
    ],
)
def test_a_file_has_the_info_hash_that_create_torrent_gives_it(
    name: str, length: int, piece_length: int | None, info_hash: str, tmp_path: Path
) -> None:
    lay_out(tmp_path, {name: length})
    torrent = create_info([tmp_path / name], piece_length=piece_length)
    assert str(torrent.info.info_hash) == info_hash
    assert torrent.files == (tmp_path.resolve() / name,)


def test_several_paths_have_the_info_hash_that_create_torrent_gives_them(tmp_path: Path) -> None:
    lay_out(tmp_path / "course", COURSE)
    lay_out(tmp_path, {"data.csv": 3_000_000, "README.md": 777})
    paths = [tmp_path / name for name in ("data.csv", "course", "README.md")]
    torrent = create_info(paths, name="set")
    assert str(torrent.info.info_hash) == "0ac768ca01946500e67bfc4209882d40a4f69319"


def test_a_private_torrent_of_another_name_agrees_with_create_torrent(tmp_path: Path) -> None:
    torrent = create_info([lay_out(tmp_path / "course", COURSE)], name="other", private=True)
    assert str(torrent.info.info_hash) == "4e0a118ae3176cad00f22c0a9966e6d1f1a1edf6"


@pytest.mark.parametrize("length", [1, 16384, 100_000, 16384 * 64])
def test_a_single_file_agrees_with_torf(length: int, tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(noise(length))
    ours = create_info([path])
    theirs = torf.Torrent(path, piece_size=ours.info.piece_length)
    theirs.generate()
    assert str(ours.info.info_hash) == theirs.infohash


def test_a_folder_in_plain_order_agrees_with_torf(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "set", {"a.bin": 50_000, "b.bin": 3, "c/d.bin": 70_000})
    ours = create_info([folder])
    theirs = torf.Torrent(folder, piece_size=ours.info.piece_length)
    theirs.generate()
    assert str(ours.info.info_hash) == theirs.infohash


def test_the_dictionary_reads_back_and_the_files_are_where_it_says(tmp_path: Path) -> None:
    torrent = create_info([lay_out(tmp_path / "mixed", MIXED)])
    assert Info.from_bytes(torrent.info.raw) == torrent.info
    for file, path in zip(torrent.info.files, torrent.files, strict=True):
        assert path == tmp_path.resolve() / "mixed" / Path(*file.path)
        assert path.stat().st_size == file.length


def test_progress_counts_bytes_up_to_all(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(noise(100_000))
    seen: list[tuple[int, int]] = []
    create_info([tmp_path / "data"], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (100_000, 100_000)
    assert seen == sorted(seen)
    assert len(seen) == 7


def test_progress_may_stop_it(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(noise(100_000))

    def stop(done: int, total: int) -> None:
        raise StorageError(f"stopped at {done} of {total}")

    with pytest.raises(StorageError, match="stopped at 16384 of 100000"):
        create_info([tmp_path / "data"], progress=stop)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    with (tmp_path / "data").open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        create_info([tmp_path / "data"], piece_length=16 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20


def test_a_torrent_of_several_paths_is_named_after_their_folder(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "lesson", {"a.csv": 1, "b.csv": 1, "sub/c.csv": 1})
    assert create_info([folder / "a.csv", folder / "b.csv"]).info.name == "lesson"
    assert create_info([folder / "a.csv", folder / "sub/c.csv"]).info.name == "lesson"


@pytest.mark.parametrize("private", ["home", ".hidden"])
def test_a_folder_whose_name_is_private_names_nothing(
    private: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay_out(tmp_path / private, {"a.csv": 1, "b.csv": 1})
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert create_info([folder / "a.csv", folder / "b.csv"]).info.name == "shared files"


def test_a_path_named_twice_is_shared_once(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a.csv": 5})
    torrent = create_info([tmp_path / "a.csv", tmp_path / "x/../a.csv"])
    assert torrent.info.single_file


def test_two_paths_of_one_name_are_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, {"x/a.csv": 5, "y/a.csv": 5})
    with pytest.raises(StorageError, match=r"two of the paths are named a\.csv"):
        create_info([tmp_path / "x/a.csv", tmp_path / "y/a.csv"])


def test_a_relative_path_is_taken_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(lay_out(tmp_path / "course", COURSE))
    assert create_info([Path()]).info.name == "course"
    assert create_info([Path("img/..")]).info.name == "course"


def test_a_hidden_file_that_is_named_is_shared(tmp_path: Path) -> None:
    lay_out(tmp_path, {".env": 5, ".conf/a": 5})
    assert create_info([tmp_path / ".env"]).info.name == ".env"
    assert [file.path for file in create_info([tmp_path / ".conf"]).info.files] == [("a",)]


def test_links_within_the_folder_are_followed(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "set", {".cache/blob": 40_000, "real/x": 10})
    (folder / "data.csv").symlink_to(".cache/blob")
    (folder / "again").symlink_to("real")
    torrent = create_info([folder])
    assert [file.path for file in torrent.info.files] == [
        ("again", "x"),
        ("data.csv",),
        ("real", "x"),
    ]
    assert torrent.files[1] == folder.resolve() / ".cache/blob"


def test_a_link_that_is_named_is_followed_under_its_own_name(tmp_path: Path) -> None:
    lay_out(tmp_path, {"real.csv": 10, "folder/x": 10})
    (tmp_path / "data.csv").symlink_to("real.csv")
    (tmp_path / "set").symlink_to("folder")
    torrent = create_info([tmp_path / "data.csv", tmp_path / "set"])
    assert [file.path for file in torrent.info.files] == [("data.csv",), ("set", "x")]
    assert create_info([tmp_path / "set"]).info.name == "set"


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "/etc", "x/../../secret"])
def test_a_link_out_of_the_folder_is_refused(target: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {"secret": 10, "set/x/a": 10})
    (tmp_path / "set/link").symlink_to(target)
    with pytest.raises(UnsafePathError, match=r"/set/link is a link out of the folder"):
        create_info([tmp_path / "set"])


@pytest.mark.parametrize("target", [".", "..", "../../set"])
def test_a_link_to_a_folder_above_is_refused(target: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {"set/x/a": 10})
    (tmp_path / "set/x/link").symlink_to(target)
    with pytest.raises(UnsafePathError, match=r"/set/x/link is a link to a folder that it is in"):
        create_info([tmp_path / "set"])


def test_links_in_a_ring_are_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, {"set/x/a": 10, "set/y/b": 10})
    (tmp_path / "set/x/to y").symlink_to("../y")
    (tmp_path / "set/y/to x").symlink_to("../x")
    with pytest.raises(UnsafePathError, match="is a link to a folder that it is in"):
        create_info([tmp_path / "set"])


@pytest.mark.parametrize("target", ["nowhere", "link"])
def test_a_link_to_nothing_is_refused(target: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {"set/a": 10})
    (tmp_path / "set/link").symlink_to(target)
    with pytest.raises(StorageError, match=r"/set/link is a link to nothing"):
        create_info([tmp_path / "set"])


@pytest.mark.parametrize("named", [True, False])
def test_pipes_and_sockets_are_refused(
    named: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(tmp_path, {"set/a": 10})
    monkeypatch.chdir(tmp_path / "set")
    os.mkfifo("pipe")
    with pytest.raises(StorageError, match="pipe is neither a file nor a folder"):
        create_info([tmp_path / "set/pipe" if named else tmp_path / "set"])
    os.unlink("pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(StorageError, match="socket is neither a file nor a folder"):
            create_info([tmp_path / "set/socket" if named else tmp_path / "set"])


def test_a_missing_path_is_one_plain_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^cannot share .*/nothing\.csv: No such file"):
        create_info([tmp_path / "nothing.csv"])


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_a_path_that_no_disk_can_have_is_one_plain_line(name: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^.*/a\ufffdb: not a path"):
        create_info([tmp_path / name])


@pytest.mark.parametrize("name", ["a" * 5000, "a/" * 2500])
def test_a_path_that_is_too_long_is_one_line_of_bearable_length(name: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^cannot share .*: (No such|File name too)") as caught:
        create_info([tmp_path / name])
    assert len(str(caught.value)) < 400


def test_a_named_link_to_itself_is_one_plain_line(tmp_path: Path) -> None:
    (tmp_path / "ring").symlink_to("ring")
    with pytest.raises(StorageError, match=r"^cannot share .*/ring: Too many levels"):
        create_info([tmp_path / "ring"])


def test_no_path_is_refused() -> None:
    with pytest.raises(StorageError, match="no file or folder"):
        create_info([])


@pytest.mark.parametrize("lengths", [{".hidden": 5}, {"Thumbs.db": 5}, {"sub/.x": 5}])
def test_a_folder_with_nothing_to_share_is_refused(
    lengths: Mapping[str, int], tmp_path: Path
) -> None:
    with pytest.raises(StorageError, match=r"there is no file to share in .*/set$"):
        create_info([lay_out(tmp_path / "set", lengths)])


@pytest.mark.parametrize("path", ["set", "set/a"])
def test_nothing_but_empty_files_is_refused(path: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {"set/a": 0, "set/b": 0})
    with pytest.raises(StorageError, match="is empty: there is nothing to share"):
        create_info([tmp_path / path])


@pytest.mark.parametrize("call", ["listdir", "open"])
def test_what_may_not_be_read_is_one_plain_line(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(tmp_path / "set", {"a": 10})

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(StorageError, match=r"^cannot read .*: Permission denied$"):
        create_info([tmp_path / "set"])


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\0b"])
def test_a_name_that_is_a_path_is_refused(name: str, tmp_path: Path) -> None:
    lay_out(tmp_path, {"a": 10})
    with pytest.raises(StorageError, match="cannot be named"):
        create_info([tmp_path / "a"], name=name)


def test_a_name_that_is_not_utf_8_is_refused_before_hashing(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv"))
    path.write_bytes(b"1,2")
    with pytest.raises(WebTorrentError, match="UTF-8"):
        create_info([path], progress=lambda *_: pytest.fail("it was hashed"))


@pytest.mark.parametrize("piece_length", [0, -1, 1024, 1 << 27])
def test_a_piece_length_out_of_range_is_refused(piece_length: int, tmp_path: Path) -> None:
    lay_out(tmp_path, {"a": 10})
    with pytest.raises(MetainfoError, match="a piece is 16,384 to"):
        create_info([tmp_path / "a"], piece_length=piece_length)


def test_too_many_pieces_are_refused_before_hashing(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(MAX_PIECES * 16384 + 1)
    with pytest.raises(StorageError, match="at most 1,048,576: take longer pieces"):
        create_info([tmp_path / "huge"], piece_length=16384)


def test_folders_that_are_too_deep_are_refused(tmp_path: Path) -> None:
    lay_out(tmp_path, {"set/" + "d/" * 64 + "a": 1})
    with pytest.raises(UnsafePathError, match="64 folders deep"):
        create_info([tmp_path / "set"])


@pytest.mark.parametrize("change", ["append", "truncate", "rewrite", "remove"])
@pytest.mark.parametrize("which", ["a", "b"])
def test_a_file_that_changes_while_it_is_hashed_is_told(
    change: str, which: str, tmp_path: Path
) -> None:
    folder = lay_out(tmp_path / "set", {"a": 50_000, "b": 3_000_000})
    path = folder / which

    def interfere(done: int, total: int) -> None:
        if done > 60_000 and path.exists():
            match change:
                case "append":
                    with path.open("ab") as file:
                        file.write(b"more")
                case "truncate":
                    os.truncate(path, 10)
                case "rewrite":
                    os.utime(path, ns=(1, 1))
                case _:
                    path.unlink()

    with pytest.raises(FileChangedError, match=f"^{which} "):
        create_info([folder], progress=interfere)


def test_a_file_that_grows_before_it_is_hashed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay_out(tmp_path / "set", {"a": 50})
    build = Info.build

    def grow(*arguments: object) -> Info:
        with (folder / "a").open("ab") as file:
            file.write(b"more")
        return build(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Info, "build", grow)
    with pytest.raises(FileChangedError, match=r"^a "):
        create_info([folder])


def test_originals_are_only_read(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "course", COURSE)
    before = {path: path.stat() for path in folder.rglob("*")}
    create_info([folder])
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == {
        path: found.st_mtime_ns for path, found in before.items()
    }
